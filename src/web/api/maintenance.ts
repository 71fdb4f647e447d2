import type { MaintenanceWindow, WindowView } from "../../model/window.ts";
import type { MaintenanceReport } from "../../change/report.ts";
import { sloAnswer, windowReportAnswer } from "../../change/window-report.ts";
import type { DeclareResult, Extension } from "../../maintenance/declarations.ts";
import { z } from "zod";
import { parseDuration } from "../../lib/timers.ts";
import { createRateLimit } from "../web-config/load.ts";
import type { MaintenanceActions, PreflightLimits, WebSources } from "../sources.ts";
import { isVisible } from "../../lib/printable.ts";
import { json, problem, type BodyReply, type Reply } from "../http/reply.ts";
import { get, write, writeBody, type Call, type Route } from "../http/route.ts";
import { type Answer, instant, moment } from "./shapes.ts";

/** One declared window. */
export const windowShape = z.strictObject({
  name: z.string(),
  servers: z.array(z.string()),
  start: moment,
  end: z.union([moment, z.literal("never")]),
  reason: z.string().nullable(),
  author: z.string().nullable(),
  auto_end: z.boolean(),
  flexible: z.boolean(),
  source: z.enum(["config", "api"]),
  state: z.enum(["open", "coming", "over"]),
});
export type WindowJson = Answer<typeof windowShape>;

export const windowsAnswer = z.strictObject({ windows: z.array(windowShape) });
export const windowAnswer = z.strictObject({ window: windowShape });

/** Result of preflight or verify. */
export const reportAnswer = z.strictObject({
  server: z.string(),
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      warning: z.boolean().describe("A risk that does not fail the check."),
      message: z.string(),
    }),
  ),
});

/** Rejects control characters, because names and texts appear on terminals and in logs. */
const visible = (text: z.ZodString) =>
  text.refine((given) => isVisible(given), "control characters are not allowed");
const shortText = visible(z.string().min(1).max(200));
const time = z.iso.datetime({ offset: true });

/** Body of `POST /api/v1/maintenance`. Either `end` or `for`; without `start` it begins now. */
export const maintenanceBody = z.strictObject({
  name: shortText.optional(),
  servers: z.array(shortText).min(1).max(1_000),
  start: time.optional(),
  end: z.union([time, z.literal("never")]).optional(),
  for: z.string().max(20).optional(),
  reason: visible(z.string().max(500)).nullish(),
  author: visible(z.string().max(200)).nullish(),
  auto_end: z.boolean().default(false),
  flexible: z.boolean().default(false),
  force: z
    .boolean()
    .default(false)
    .describe("Also accept servers that no ADC has; otherwise the request is refused."),
});

/** Body of `POST /api/v1/maintenance/extend`: by how much longer (`for`), or until when. */
export const extendBody = z.strictObject({
  name: shortText,
  end: time.optional(),
  for: z.string().max(20).optional(),
  author: visible(z.string().max(200)).nullish(),
});

/** Null unless exactly one of both is given and valid. */
export function readExtension({ end, for: by }: z.output<typeof extendBody>): Extension | null {
  if (end !== undefined) {
    return by === undefined ? { endAt: Date.parse(end) } : null;
  }
  const byMs = parseDuration(by ?? "");
  return byMs === null || byMs === 0 ? null : { byMs };
}

/** A report reads the whole history from the disk. */
export const REPORTS = { intervalMs: 1_000, burst: 10 } as const;

/**
 * `GET` lists, `POST` declares (idempotent by name), `DELETE ?name=` ends now; `preflight` and `verify` check once. Writes need
 * the token.
 */
export function maintenanceRoutes(sources: WebSources): readonly Route[] {
  const path = "/api/v1/maintenance";
  const reports = createRateLimit(() => performance.now());
  const guarded = (
    handle: (actions: MaintenanceActions, call: Call) => Reply | Promise<Reply>,
  ): Route["handle"] => {
    return (call) => {
      const actions = sources.actions.maintenance;
      return actions === null
        ? problem(404, "This agent does not manage maintenance windows.")
        : handle(actions, call);
    };
  };
  return [
    get(
      path,
      guarded((actions) => json({ windows: actions.list().map(windowJson) })),
      windowsAnswer,
    ),
    writeBody(path, { body: maintenanceBody, answer: windowAnswer }, (body, call) =>
      guarded(async (actions) => {
        const read = toRequest(body, actions.list(), sources.now());
        return read.kind === "bad"
          ? problem(400, read.message)
          : resultReply(
              await actions.start(read.request, read.force),
              declareLogFields(read.request),
            );
      })(call),
    ),
    write(
      "DELETE",
      path,
      windowAnswer,
      guarded(async (actions, { url }) => {
        const ending = readEndRequest(url.searchParams);
        return ending === null
          ? problem(400, "Parameters: name, optional author; at most 200 characters each.")
          : resultReply(await actions.end(ending.name, ending.author), endLogFields(ending));
      }),
    ),
    writeBody(`${path}/extend`, { body: extendBody, answer: windowAnswer }, (body, call) =>
      guarded(async (actions) => {
        const extension = readExtension(body);
        return extension === null
          ? problem(400, "Give exactly one of end (a time) and for (a duration: 30m).")
          : resultReply(await actions.extend(body.name, extension), extendLogFields(body));
      })(call),
    ),
    get(
      `${path}/report`,
      guarded(async (actions, { url }) => {
        const name = shortText.safeParse(url.searchParams.get("name"));
        if (!name.success) {
          return problem(400, "Parameter: name of a window.");
        }
        if (!reports.pass(REPORTS, "unknown")) {
          return tooManyReports();
        }
        const report = await actions.report(name.data);
        return report === null ? problem(404, noSuchWindowMessage(name.data)) : json(report);
      }),
      windowReportAnswer,
    ),
    get(
      "/api/v1/slo",
      async ({ url }) => {
        const range = readRange(url.searchParams);
        if (range === null) {
          return problem(400, "Parameters: from and to, RFC 3339, from before to.");
        }
        return reports.pass(REPORTS, "unknown")
          ? json(await sources.actions.slo(range.from, range.to))
          : tooManyReports();
      },
      sloAnswer,
    ),
    get(
      `${path}/preflight`,
      guarded(async (actions, { url }) => {
        const server = serverParameter(url.searchParams);
        const limits = readLimits(url.searchParams);
        return server === "" || limits === null
          ? problem(400, "Parameters: server, min_capacity (a number), horizon (a duration: 4h).")
          : reportReply(await actions.preflight(server, limits));
      }),
      reportAnswer,
    ),
    get(
      `${path}/verify`,
      guarded(async (actions, { url }) => {
        const server = serverParameter(url.searchParams);
        const want = url.searchParams.get("want");
        return server === "" || (want !== "drained" && want !== "returned")
          ? problem(400, "Parameters: server, and want (drained or returned).")
          : reportReply(await actions.verify(server, want));
      }),
      reportAnswer,
    ),
  ];
}

export function tooManyReports(): Reply {
  return problem(429, "Reports are rate-limited: each reads the whole history.", {
    "retry-after": String(REPORTS.intervalMs / 1_000),
  });
}

export function noSuchWindowMessage(name: string): string {
  return `No window named ${name} has begun in the last 90 days.`;
}

function readRange(query: URLSearchParams): { readonly from: number; readonly to: number } | null {
  const parsed = z
    .object({ from: time, to: time })
    .safeParse({ from: query.get("from"), to: query.get("to") });
  const from = Date.parse(parsed.data?.from ?? "");
  const to = Date.parse(parsed.data?.to ?? "");
  return from < to ? { from, to } : null;
}

/** Empty if none is named or a name is invalid. */
function serverParameter(query: URLSearchParams): string {
  const parsed = shortText.safeParse(query.get("server"));
  return parsed.success ? parsed.data : "";
}

/** The window to end, and the author. */
export interface EndRequest {
  readonly name: string;
  readonly author: string | null;
}

const endRequest = z.object({ name: shortText, author: visible(z.string().max(200)).nullable() });

/** Reads a query or a form; null if the name is missing or invalid. */
export function readEndRequest(query: URLSearchParams): EndRequest | null {
  const parsed = endRequest.safeParse({ name: query.get("name"), author: query.get("author") });
  return parsed.success ? parsed.data : null;
}

/** For the log. */
export function endLogFields({ name, author }: EndRequest): Readonly<Record<string, string>> {
  return { did: "end a maintenance window", window: name, ...(author === null ? {} : { author }) };
}

/** For the log. */
export function extendLogFields({
  name,
  end,
  for: by,
  author,
}: z.output<typeof extendBody>): Readonly<Record<string, string>> {
  return {
    did: "extend a maintenance window",
    window: name,
    ...(end === undefined ? {} : { end }),
    ...(by === undefined ? {} : { by }),
    ...(typeof author === "string" ? { author } : {}),
  };
}

/** For the log. */
export function declareLogFields(request: MaintenanceWindow): Readonly<Record<string, string>> {
  const { name, servers, startAt, endAt, author, reason } = request;
  return {
    did: "declare a maintenance window",
    window: name,
    servers: servers.join(","),
    start: instant(startAt) ?? "",
    end: instant(endAt) ?? "never",
    ...(author === null ? {} : { author }),
    ...(reason === null ? {} : { reason }),
  };
}

function readLimits(query: URLSearchParams): PreflightLimits | null {
  const capacity = query.get("min_capacity");
  const horizon = query.get("horizon");
  const horizonMs = horizon === null ? null : parseDuration(horizon);
  return (capacity !== null && !/^\d{1,4}$/.test(capacity)) ||
    (horizon !== null && horizonMs === null)
    ? null
    : { minCapacity: capacity === null ? null : Number(capacity), horizonMs };
}

type ReadRequest =
  | { readonly kind: "request"; readonly request: MaintenanceWindow; readonly force: boolean }
  | { readonly kind: "bad"; readonly message: string };

/** Converts a request of the API or the page to a window of the store. */
export function toRequest(
  body: z.output<typeof maintenanceBody>,
  known: readonly WindowView[],
  now: number,
): ReadRequest {
  const name = body.name ?? body.servers.join(",");
  if ((body.end === undefined) === (body.for === undefined)) {
    return invalidRequest("Give exactly one of end and for.");
  }
  // Repeating the request must change nothing, so an open window keeps its first start.
  const open = known.find((window) => window.name === name && window.state === "open");
  const startAt = body.start === undefined ? (open?.startAt ?? now) : Date.parse(body.start);
  const endAt = readEnd(body.end, body.for, startAt);
  if (endAt === null) {
    return invalidRequest("for must be a duration such as 30m, 1h30m or 1d, or never.");
  }
  return {
    kind: "request",
    request: {
      name,
      servers: body.servers,
      startAt,
      endAt,
      reason: body.reason ?? null,
      author: body.author ?? null,
      autoEnd: body.auto_end,
      flexible: body.flexible,
    },
    force: body.force,
  };
}

function readEnd(
  end: string | undefined,
  duration: string | undefined,
  startAt: number,
): number | null {
  if (end === "never" || duration === "never") {
    return Infinity;
  }
  if (end !== undefined) {
    return Date.parse(end);
  }
  const durationMs = parseDuration(duration ?? "");
  return durationMs === null || durationMs === 0 ? null : startAt + durationMs;
}

function invalidRequest(message: string): ReadRequest {
  return { kind: "bad", message };
}

function resultReply(result: DeclareResult, logFields: BodyReply["logFields"]): Reply {
  switch (result.kind) {
    case "done":
      return { ...json({ window: windowJson(result.window) }), logFields };
    case "not_found":
      return { ...problem(404, result.message), logFields };
    case "refused":
      return { ...problem(409, result.message), logFields };
    case "failed":
      return { ...problem(503, result.message), logFields };
  }
}

function reportReply(report: MaintenanceReport): Reply {
  return json(report);
}

export function windowJson(window: WindowView): WindowJson {
  return {
    name: window.name,
    servers: window.servers,
    start: instant(window.startAt),
    end: window.endAt === Infinity ? "never" : instant(window.endAt),
    reason: window.reason,
    author: window.author,
    auto_end: window.autoEnd,
    flexible: window.flexible,
    source: window.source,
    state: window.state,
  };
}
