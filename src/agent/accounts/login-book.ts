import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { GateState, LoginPlace } from "../../probes/transactions/account-gate/gate.ts";
import type { NitroLogins } from "../../adc/nitro/login-gate.ts";

/** What the clocks of this machine say at one moment, in milliseconds. */
export interface ClockReading {
  /** Names the run of the monotonic clock: two readings of one run can be compared, in any process. */
  readonly run: string;
  readonly monotonicMs: number;
  /** Since the epoch. */
  readonly wallMs: number;
}

/** A reading that was written down, and the time that it is by the clock of {@link timeAt}. */
export interface ClockMark extends ClockReading {
  readonly at: number;
}

/**
 * The time by a clock that goes on through restarts and that nobody can set while the machine runs: it advances by the
 * monotonic clock, and by the wall clock only from one start of the machine to the next, never backwards.
 */
export function timeAt(mark: ClockMark | null, reading: ClockReading): number {
  if (mark === null) {
    return reading.wallMs;
  }
  const passedMs =
    mark.run === reading.run
      ? reading.monotonicMs - mark.monotonicMs
      : reading.wallMs - mark.wallMs;
  return mark.at + Math.max(0, passedMs);
}

/**
 * The machine's clocks. On Linux the monotonic clock is one for all processes since the start of the machine; where no such
 * start can be named, each process has a run of its own.
 */
export async function machineClock(): Promise<() => ClockReading> {
  const run = await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => randomUUID(),
  );
  return () => ({
    run,
    monotonicMs: Number(process.hrtime.bigint() / 1_000_000n),
    wallMs: Date.now(),
  });
}

const place = z
  // A file from before this was stored: each place a server of its own.
  .strictObject({ key: z.string(), server: z.string().optional(), throughAdc: z.boolean() })
  .transform(({ key, server, throughAdc }): LoginPlace => ({
    key,
    server: server ?? key,
    throughAdc,
  }));
/** Before, the key alone. */
const lastWorked = z.union([
  place,
  z.string().transform((key): LoginPlace => ({ key, server: key, throughAdc: false })),
]);
const count = z.number().int().nonnegative();
const time = z.number().nonnegative();

/** One lockout key's gate as the state file has it. Holds no secret, only the marks of secrets that the caller chose. */
const writtenGate = z
  .strictObject({
    secret: z.string().nullable(),
    sequence: count,
    proven: z.boolean(),
    inFlight: z.array(
      z.strictObject({ id: z.string(), place, startedSequence: count, deadline: time }),
    ),
    suspects: z.array(
      z.strictObject({
        // A state file from before this was stored is of the secret in use.
        secret: z.string().nullable().optional(),
        place,
        rejected: z.boolean(),
        endedSequence: count,
        at: time,
      }),
    ),
    suspension: z.strictObject({ until: time, nextMs: time }).nullable(),
    lastWorked: lastWorked.nullable(),
    lastStartedAt: time.nullable().default(null),
    broken: z.array(
      z.strictObject({
        key: z.string(),
        reason: z.enum(["backend_unavailable", "login_broken_by_adc"]),
        until: time,
        backOffMs: time,
      }),
    ),
  })
  .transform((read): GateState => ({
    ...read,
    suspects: read.suspects.map(({ secret = read.secret, ...rest }) => ({ secret, ...rest })),
  }));

/** What a monitor's secret was written for: what the monitor was when the secret was first used. */
export interface SecretBinding {
  /** Fingerprint of the configuration's entry, its secrets included. */
  readonly entry: string;
  readonly type: string;
  readonly secure: boolean;
  readonly script: string | null;
  /** `address:port` of the server that received it. */
  readonly targets: readonly string[];
}

/** What the state directory knows of logins. */
export interface LoginBook {
  /** When it was written, by all clocks; null in a file of an earlier version, whose times are the wall clock's. */
  readonly clock: ClockMark | null;
  /** No login before this time: what was known of earlier ones is lost. */
  readonly firstLoginAt: number;
  /** Gates by lockout key. */
  readonly gates: ReadonlyMap<string, GateState>;
  /** NITRO accounts by name of the ADC and user. */
  readonly nitro: ReadonlyMap<string, NitroLogins>;
  /** What secrets of monitors were first used for, by ADC and monitor. */
  readonly bindings: ReadonlyMap<string, SecretBinding>;
}

const nitroSecret = z.strictObject({
  secret: z.string(),
  worked: z.boolean(),
  rejected: z
    .strictObject({ since: time, at: time, code: z.string(), message: z.string() })
    .nullable(),
});
const nitroLogins = nitroSecret.extend({
  open: z.array(z.strictObject({ id: z.string(), at: time, deadline: time })),
  others: z.array(nitroSecret),
  rejections: z.array(time),
});
const secretBinding = z.strictObject({
  entry: z.string(),
  type: z.string(),
  secure: z.boolean(),
  script: z.string().nullable(),
  targets: z.array(z.string()),
});
const book = z.strictObject({
  version: z.literal(1),
  clock: z
    .strictObject({ run: z.string(), monotonicMs: z.number(), wallMs: z.number(), at: time })
    .optional(),
  firstLoginAt: time.optional(),
  accounts: z.record(z.string(), writtenGate),
  nitro: z.record(z.string(), nitroLogins).optional(),
  bindings: z.record(z.string(), secretBinding).optional(),
});

/** Text for the state file. Holds no secret, only fingerprints of secrets. */
export function encodeBook({ clock, firstLoginAt, gates, nitro, bindings }: LoginBook): string {
  const written = {
    version: 1,
    ...(clock === null ? {} : { clock }),
    firstLoginAt,
    accounts: Object.fromEntries(gates),
    nitro: Object.fromEntries(nitro),
    ...(bindings.size === 0 ? {} : { bindings: Object.fromEntries(bindings) }),
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

/**
 * Reads the state file. Null when it is none of ours or was damaged: what was known of past rejections is lost then, so the
 * caller should not log in before the suspension time has passed, or the operator has removed the file.
 */
export function decodeBook(text: string): LoginBook | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = book.safeParse(json);
  if (!parsed.success) {
    return null;
  }
  const { clock = null, firstLoginAt = 0, accounts, nitro = {}, bindings = {} } = parsed.data;
  return {
    clock,
    firstLoginAt,
    gates: new Map(Object.entries(accounts)),
    nitro: new Map(Object.entries(nitro)),
    bindings: new Map(Object.entries(bindings)),
  };
}

/** An ADC that names other users at every import must not fill memory and file. */
export const MAX_KEYS = 1000;

/** The gates in use last; those that hold somebody back go last of all. */
export function boundedGates(
  gates: ReadonlyMap<string, GateState>,
): ReadonlyMap<string, GateState> {
  if (gates.size <= MAX_KEYS) {
    return gates;
  }
  const holds = ({ suspects, suspension }: GateState): number =>
    suspects.length > 0 || suspension !== null ? 1 : 0;
  const byUse = [...gates].sort(
    ([, one], [, other]) =>
      holds(other) - holds(one) || (other.lastStartedAt ?? 0) - (one.lastStartedAt ?? 0),
  );
  return new Map(byUse.slice(0, MAX_KEYS));
}
