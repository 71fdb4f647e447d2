import { z } from "zod";
import type { GateState } from "./gate.ts";

const place = z.strictObject({ key: z.string(), throughAdc: z.boolean() });
const count = z.number().int().nonnegative();
const time = z.number().nonnegative();

const gate = z.strictObject({
  secret: z.string().nullable(),
  sequence: count,
  proven: z.boolean(),
  inFlight: z.array(
    z.strictObject({ id: z.string(), place, startedSequence: count, deadline: time }),
  ),
  suspects: z.array(
    z.strictObject({
      // A state file of before this was told is of the secret in use.
      secret: z.string().nullable().optional(),
      place,
      rejected: z.boolean(),
      endedSequence: count,
      at: time,
    }),
  ),
  suspension: z.strictObject({ until: time, nextMs: time }).nullable(),
  lastWorked: z.string().nullable(),
  lastStartedAt: time.nullable().default(null),
  broken: z.array(
    z.strictObject({
      key: z.string(),
      reason: z.enum(["backend_unavailable", "login_broken_by_adc"]),
      until: time,
      backOffMs: time,
    }),
  ),
});
const book = z.strictObject({ version: z.literal(1), accounts: z.record(z.string(), gate) });

/** The gates of all accounts, by name, as they stand in the state directory. */
export type GateBook = ReadonlyMap<string, GateState>;

/** Text for the state file. Holds no secret, only the marks of secrets that the caller chose. */
export function encodeGates(gates: GateBook): string {
  return `${JSON.stringify({ version: 1, accounts: Object.fromEntries(gates) }, null, 2)}\n`;
}

/**
 * Reads the state file. Null when it is none of ours or was damaged: what was known of past rejections is lost then, so the
 * caller should not log in before the suspension time has passed, or the operator has removed the file.
 */
export function decodeGates(text: string): GateBook | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = book.safeParse(json);
  return parsed.success
    ? new Map(Object.entries(parsed.data.accounts).map(([name, read]) => [name, gateOf(read)]))
    : null;
}

function gateOf(read: z.infer<typeof gate>): GateState {
  const suspects = read.suspects.map(({ secret = read.secret, ...rest }) => ({ secret, ...rest }));
  return { ...read, suspects };
}
