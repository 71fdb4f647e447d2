import type { ServerResponse } from "node:http";
import { z } from "zod";
import type { Change, History } from "../history/history.ts";
import type { LiveAdc } from "../../model/live.ts";
import type { Reply } from "../http/reply.ts";
import type { Call } from "../http/route.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../model/verdicts.ts";
import {
  adcOpinion,
  type Answer,
  instant,
  memberNames,
  moment,
  port,
  reason,
  service,
  step,
  upDown,
  vip,
  vserverNames,
} from "./shapes.ts";

/** One change of a verdict: the data of an event. */
export const changeAnswer = z.strictObject({
  at: moment,
  kind: z.enum(["member", "vserver"]),
  adc: z.string(),
  vserver: z.string().nullable(),
  adc_service: z.string().nullable(),
  server: z.string().nullable(),
  port: port.nullable(),
  opinions: z.strictObject({
    adc: adcOpinion,
    replica: upDown.nullable(),
    service: z.union([service, vip]),
  }),
  verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
  previous_verdict: z.string().nullable(),
  step,
  reason,
});

export interface EventStreams {
  /**
   * A stream of changes (`text/event-stream`). Resumes after `Last-Event-ID` with the newest changes that fit. The connection
   * table limits the number of streams.
   */
  readonly open: (call: Call) => Reply;
  /** Number of open streams. */
  readonly count: () => number;
  readonly close: () => void;
}

const HEARTBEAT_MS = 5_000;
/** Maximum backlog of a client; beyond it the stream is closed, and the browser resumes. */
const MAX_BEHIND_BYTES = 256 * 1024;
/** Maximum size of the missed changes sent to a new client. */
const MAX_MISSED_BYTES = 64 * 1024;

export function createEventStreams(history: History, adcs: () => readonly LiveAdc[]): EventStreams {
  const open = new Set<ServerResponse>();
  // Rendered once for all clients.
  const unsubscribe = history.subscribe((changes) => {
    broadcast(changes.map(eventText).join(""));
  });
  const heartbeat = setInterval(() => {
    const polled = adcs().map(({ name, lastPollAt }) => [name, instant(lastPollAt)]);
    const data = JSON.stringify({
      polled: Object.fromEntries(polled) as Record<string, string | null>,
    });
    broadcast(`event: beat\ndata: ${data}\n\n`);
  }, HEARTBEAT_MS);
  heartbeat.unref();

  function broadcast(text: string): void {
    const bytes = Buffer.from(text);
    for (const response of open) {
      write(response, bytes);
    }
  }

  return {
    open: (call) => ({
      kind: "stream",
      start: (response) => {
        response.writeHead(200, {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        open.add(response);
        response.once("close", () => open.delete(response));
        const since = lastEventId(call);
        const missed = since === null ? [] : history.changesAfter(since);
        const hello = `retry: 3000\nid: ${String(history.lastChangeId())}\nevent: hello\ndata: {}\n\n`;
        write(response, Buffer.from(newestThatFit(missed) + hello));
      },
    }),
    count: () => open.size,
    close: () => {
      clearInterval(heartbeat);
      unsubscribe();
      for (const response of open) {
        response.end();
      }
    },
  };
}

/** The newest changes that a client missed, bounded in size. */
function newestThatFit(missed: readonly Change[]): string {
  const texts: string[] = [];
  let length = 0;
  for (const change of missed.toReversed()) {
    const text = eventText(change);
    length += text.length;
    if (length > MAX_MISSED_BYTES) {
      break;
    }
    texts.push(text);
  }
  return texts.reverse().join("");
}

function changeJson({ entity, entry, previous }: Change): Answer<typeof changeAnswer> {
  const about =
    entity.kind === "member"
      ? memberNames(entity.member)
      : { ...vserverNames(entity.vserver), adc_service: null, server: null };
  return {
    at: instant(entry.at),
    kind: entity.kind,
    ...about,
    opinions: { adc: entry.adc, replica: entry.replica, service: entry.service },
    verdict: entry.verdict,
    previous_verdict: previous?.verdict ?? null,
    step: entry.step,
    reason: entry.reason,
  };
}

function eventText(change: Change): string {
  return `id: ${String(change.id)}\nevent: change\ndata: ${JSON.stringify(changeJson(change))}\n\n`;
}

function write(response: ServerResponse, bytes: Buffer): void {
  if (response.writableLength > MAX_BEHIND_BYTES) {
    response.destroy();
    return;
  }
  response.write(bytes);
}

function lastEventId(call: Call): number | null {
  const header = call.headers["last-event-id"];
  return typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
