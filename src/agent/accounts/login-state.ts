import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { GateState, LoginEndpoint } from "../../probes/transactions/account-gate/gate.ts";
import type { NitroLogins } from "../../adc/nitro/login-gate.ts";

/** The clocks of this machine at one moment, in milliseconds. */
export interface ClockReading {
  /** Identifies the start of the machine: monotonic times of one run can be compared, across processes too. */
  readonly run: string;
  readonly monotonicMs: number;
  /** Since the epoch. */
  readonly wallMs: number;
}

/** A stored reading, with its time by the clock of {@link timeAt}. */
export interface ClockMark extends ClockReading {
  readonly at: number;
}

/**
 * The time by a clock that survives restarts and cannot be set while the machine runs. It advances by the monotonic clock,
 * and by the wall clock only across a restart of the machine. It never goes backwards.
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
 * The machine's clocks. On Linux all processes share the monotonic clock since boot. Without a boot ID, each process
 * counts as a separate boot.
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
  // Files of earlier versions have no `server`: each endpoint then counts as a separate server.
  .strictObject({ key: z.string(), server: z.string().optional(), throughAdc: z.boolean() })
  .transform(({ key, server, throughAdc }): LoginEndpoint => ({
    key,
    server: server ?? key,
    throughAdc,
  }));
/** Earlier versions stored only the key. */
const lastWorked = z.union([
  place,
  z.string().transform((key): LoginEndpoint => ({ key, server: key, throughAdc: false })),
]);
const count = z.number().int().nonnegative();
const time = z.number().nonnegative();

/** One lockout key's gate in the state file. It holds fingerprints of secrets, never a secret. */
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
        // Absent in files of earlier versions: the secret in use.
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

/** What a monitor's secret may be used for: the monitor as it was when the secret was first used. */
export interface SecretBinding {
  /** Fingerprint of the entry in the configuration, including its secrets. */
  readonly entry: string;
  readonly type: string;
  readonly secure: boolean;
  readonly script: string | null;
  /** `address:port` of the server that received it. */
  readonly targets: readonly string[];
}

/** The content of the state file about logins. */
export interface LoginState {
  /** When it was written; null in files of earlier versions, whose times are wall-clock times. */
  readonly clock: ClockMark | null;
  /** No login starts before this time, because the history of earlier logins was lost. */
  readonly firstLoginAt: number;
  /** Gates by lockout key. */
  readonly gates: ReadonlyMap<string, GateState>;
  /** NITRO accounts by ADC name and user name. */
  readonly nitro: ReadonlyMap<string, NitroLogins>;
  /** Bindings of monitor secrets, by ADC and monitor. */
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
const loginState = z.strictObject({
  version: z.literal(1),
  clock: z
    .strictObject({ run: z.string(), monotonicMs: z.number(), wallMs: z.number(), at: time })
    .optional(),
  firstLoginAt: time.optional(),
  accounts: z.record(z.string(), writtenGate),
  nitro: z.record(z.string(), nitroLogins).optional(),
  bindings: z.record(z.string(), secretBinding).optional(),
});

/** Text for the state file. It holds fingerprints of secrets, never a secret. */
export function encodeLoginState({
  clock,
  firstLoginAt,
  gates,
  nitro,
  bindings,
}: LoginState): string {
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
 * Reads the state file; null if it is damaged or not a state file. The history of rejections is then lost, so the caller
 * should not log in until the suspension time has passed, or the operator has removed the file.
 */
export function decodeLoginState(text: string): LoginState | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = loginState.safeParse(json);
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

/** Limit, so that an ADC that reports new users at every import cannot fill memory and the file. */
export const MAX_KEYS = 1000;

/** At most {@link MAX_KEYS} gates: those with suspects or a suspension first, then the most recently used. */
export function boundedGates(
  gates: ReadonlyMap<string, GateState>,
): ReadonlyMap<string, GateState> {
  if (gates.size <= MAX_KEYS) {
    return gates;
  }
  const isRestricted = ({ suspects, suspension }: GateState): number =>
    suspects.length > 0 || suspension !== null ? 1 : 0;
  const byImportance = [...gates].sort(
    ([, one], [, other]) =>
      isRestricted(other) - isRestricted(one) ||
      (other.lastStartedAt ?? 0) - (one.lastStartedAt ?? 0),
  );
  return new Map(byImportance.slice(0, MAX_KEYS));
}
