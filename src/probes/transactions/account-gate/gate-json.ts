import { z } from "zod";
import type { GateState, LoginPlace } from "./gate.ts";

const place = z
  // A file of before this was told: each place a server of its own.
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

/** One lockout key's gate as it stands in the state file. Holds no secret, only the marks of secrets that the caller chose. */
export const writtenGate = z
  .strictObject({
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
