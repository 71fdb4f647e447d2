import type { EventLoopUtilization } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import type { Observation } from "../../../../src/model/observation.ts";
import { REASONS } from "../../../../src/model/reasons.ts";
import { loginOutcome } from "../../../../src/probes/probe.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import { TRANSACTIONS } from "../../../../src/model/transactions.ts";
import { TRANSCRIPT_BYTES } from "../../../../src/net/transcript.ts";
import { until } from "../../../support/contract.ts";
import { inParallel } from "../../../support/in-parallel.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { unheld } from "../../../../lab/unheld.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { transactionSpec } from "../transaction-spec.ts";
import { behavioursOf, INJECTIONS, type HostileBehaviour } from "./behaviours.ts";
import { startHostile, type HostileServer, type Hostility, type Stage } from "./hostile-server.ts";
import { SUBJECTS, type HostileSubject } from "./subjects.ts";

/** Time the probe has at first. Against a sender without end it is long enough to read too much. */
const SILENT_MS = 1_000;
const ENDLESS_MS = 3_000;
/** A machine so busy that the probe does not get to the stage gives it four times as much, up to so much. */
const MOST_MS = 60_000;
/** What may be spent after the time-out, in waiting and in computing alike. */
const SLACK_MS = 1_500;
const AT_ONCE = 24;
/** What may be taken off a sender without end: at most 8 MiB by the probe, the rest waits in the system's buffers. */
const MAX_SENT_BYTES = 24 * 1024 * 1024;
/** What may be held at any moment, by the probe and by the server that plays its part in the same process. */
const MAX_MEMORY_BYTES = 96 * 1024 * 1024;

interface Met {
  readonly seen: Observation;
  readonly timeoutMs: number;
  /** How long the process computed meanwhile. */
  readonly cpuMs: number;
  /**
   * How long it waited and computed after a timer of the same length, which a busy machine delays as it delays the
   * probe's own.
   */
  readonly late: { readonly idleMs: number; readonly cpuMs: number };
  /** The server that turned hostile. */
  readonly hostile: HostileServer;
  readonly requests: readonly string[];
  /** Whether every connection was closed soon after the end. */
  readonly closed: boolean;
}

/** Runs the transaction against its own servers, one of which turns hostile, or none. */
async function meet(
  subject: HostileSubject,
  hostility: Hostility | null,
  timeoutMs: number,
): Promise<Met> {
  const of = (server: Stage["server"]) => (hostility?.stage.server === server ? hostility : null);
  const target = await startHostile(subject.dialogue, of(undefined));
  const imap = subject.imap === undefined ? null : await startHostile(subject.imap, of("imap"));
  const all = imap === null ? [target] : [target, imap];
  const cpu = process.cpuUsage();
  const time = lateness(timeoutMs);
  const seen = await runTransaction(
    transactionSpec(subject.transaction, {
      account: accountOf(PROBE_A),
      allowPlaintext: true,
      ...subject.change,
      options: {
        mapper_port: target.port,
        ...(imap === null ? {} : { imap_port: imap.port }),
        ...subject.change?.options,
      },
    }),
    { host: "127.0.0.1", port: target.port, server: null },
    probeContext(timeoutMs),
  );
  const late = time.end();
  const cpuMs = cpuMsSince(cpu);
  const closed = await until(() => all.every((server) => server.open() === 0)).then(
    () => true,
    () => false,
  );
  const hostile = hostility?.stage.server === "imap" ? (imap ?? target) : target;
  const requests = all.flatMap((server) => server.requests());
  await Promise.all(all.map((server) => server.close()));
  return { seen, timeoutMs, cpuMs, late, hostile, requests, closed };
}

/** How long something goes on after a timer of that length has fired. */
function lateness(timeoutMs: number): { readonly end: () => Met["late"] } {
  let fired: { readonly loop: EventLoopUtilization; readonly cpu: NodeJS.CpuUsage } | null = null;
  const timer = setTimeout(() => {
    fired = { loop: performance.eventLoopUtilization(), cpu: process.cpuUsage() };
  }, timeoutMs);
  return {
    end: () => {
      clearTimeout(timer);
      return fired === null
        ? { idleMs: 0, cpuMs: 0 }
        : {
            idleMs: performance.eventLoopUtilization(fired.loop).idle,
            cpuMs: cpuMsSince(fired.cpu),
          };
    },
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** One behaviour at one stage. A probe that ran out of time before it met it, or while it was to pass, has more. */
async function meetAt(
  subject: HostileSubject,
  behaviour: HostileBehaviour,
  stage: Stage,
): Promise<Met> {
  const { play, good, endless } = behaviour;
  const hostility = { stage, play, goesOn: !endless && good !== "never" };
  const passes = good === "always" || stage.late === true;
  for (let timeoutMs = endless ? ENDLESS_MS : SILENT_MS; ; timeoutMs *= 4) {
    const met = await unheld(
      () => meet(subject, hostility, timeoutMs),
      ({ seen }) => seen,
    );
    const isOutOfTime = met.seen.durationMs >= 0.9 * timeoutMs;
    // Greeted after more than half of the time: on a busy machine a slow answer, not a bad one.
    const isSlow = passes && met.seen.reason === "slow";
    const isCutShort =
      isSlow ||
      (isOutOfTime && (met.hostile.reached() === 0 || (passes && met.seen.outcome !== "match")));
    if (!isCutShort || 4 * timeoutMs > MOST_MS) {
      return met;
    }
  }
}

/** The highest memory over a piece of work, above where it began. */
async function peakBytes(work: () => Promise<void>): Promise<number> {
  const used = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, used());
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return Math.max(highest, used()) - before;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

/** The rules for every observation that were broken, as text, or null. */
function broken({ good, endless }: HostileBehaviour, stage: Stage, met: Met): string | null {
  const { seen, timeoutMs, cpuMs, late, hostile, requests, closed } = met;
  const passed = seen.outcome === "match";
  const rules: readonly (readonly [string, boolean])[] = [
    ["the stage is reached", hostile.reached() > 0],
    ["no match", !passed || stage.late === true || stage.headOnly === true || good !== "never"],
    ["a match", passed || (stage.late !== true && good !== "always")],
    ["a known reason", REASONS.includes(seen.reason)],
    ["no agent_fault", seen.reason !== "agent_fault"],
    ["no rejected login", loginOutcome(seen) !== "rejected"],
    ["in time", late.idleMs < SLACK_MS && late.cpuMs < SLACK_MS],
    ["bounded processor time", cpuMs < Math.max(timeoutMs, ENDLESS_MS) + SLACK_MS],
    ["a bounded transcript", seen.evidence.transcript.length <= TRANSCRIPT_BYTES],
    ["no control characters in the evidence", !CONTROL.test(JSON.stringify(seen.evidence))],
    ["no secret in the evidence", !JSON.stringify(seen).includes(PROBE_A.password)],
    ["bounded amount read", !endless || hostile.sent() < MAX_SENT_BYTES],
    ["nothing injected", !requests.some(holdsInjection)],
    ["no connection left", closed],
  ];
  const failed = rules.filter(([, kept]) => !kept).map(([rule]) => rule);
  const said = `${seen.outcome} ${seen.step} ${seen.reason} ${seen.evidence.detail ?? ""}`;
  return failed.length === 0
    ? null
    : `${stage.name}: not "${failed.join(", ")}": ${said.slice(0, 300)}; ${String(hostile.sent())} bytes, ${cpuMs.toFixed(0)} ms of processor; after the time-out ${late.idleMs.toFixed(0)} ms idle, ${late.cpuMs.toFixed(0)} ms of processor`;
}

/** As JSON writes them; line ends are between lines of evidence. */
const CONTROL = /\\u00[01][0-9a-f]|\\r|[\u007f-\u009f]/;

/** A request that contains text of the server: its lines end at CR or LF, and NUL is in no line protocol's. */
function holdsInjection(request: string): boolean {
  return INJECTIONS.test(request.replaceAll("\r", "\n")) || /^[A-Z].*\0/.test(request);
}

test("hostile servers › cover every transaction over TCP", () => {
  const tried = new Set<string>(SUBJECTS.map(({ transaction }) => transaction));
  const overTcp = TRANSACTIONS.filter((name) => TRANSACTION_TYPES.get(name)?.transport === "tcp");
  expect(overTcp.filter((name) => !tried.has(name))).toEqual([]);
});

describe.each(SUBJECTS)("$name", (subject) => {
  const behaviours = behavioursOf(subject.protocol);

  test("passes when the server is healthy", async () => {
    const { seen, closed } = await meet(subject, null, 20_000);
    expect(`${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`).toMatch(/^match ok/);
    expect(closed).toBe(true);
  });

  // One after the other, since their memory is watched.
  test.each(behaviours.filter(({ endless }) => endless))(
    "stays bounded when the server sends $name",
    async (behaviour) => {
      const before = timers();
      const failures: (string | null)[] = [];
      const peak = await peakBytes(async () => {
        for (const stage of subject.stages) {
          failures.push(broken(behaviour, stage, await meetAt(subject, behaviour, stage)));
        }
      });
      expect(failures.filter((failure) => failure !== null)).toEqual([]);
      expect(peak).toBeLessThan(MAX_MEMORY_BYTES);
      await until(() => timers() <= before);
    },
  );
});

test(
  "hostile servers › break no rule of any transaction when their behaviour ends by itself",
  { timeout: 300_000 },
  async () => {
    const before = timers();
    const meetings = SUBJECTS.flatMap((subject) =>
      behavioursOf(subject.protocol)
        .filter(({ endless }) => !endless)
        .flatMap((behaviour) => subject.stages.map((stage) => ({ subject, behaviour, stage }))),
    );
    // Many at once, since these mostly wait; too many would wait for each other.
    const failures = await inParallel(meetings, AT_ONCE, async ({ subject, behaviour, stage }) => {
      const failure = broken(behaviour, stage, await meetAt(subject, behaviour, stage));
      return failure === null ? null : `${subject.name}: ${behaviour.name}: ${failure}`;
    });
    expect(failures.filter((failure) => failure !== null)).toEqual([]);
    await until(() => timers() <= before);
  },
);
