import { z } from "zod";
import { REASONS, STEPS } from "../model/reasons.ts";
import { ADC_OPINIONS, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../model/verdicts.ts";

/** The changes of every verdict, in the state directory: the file being written, and the full one that precedes it. */
export const JOURNAL_FILE = "history.jsonl";
export const OLDER_FILE = "history.1.jsonl";
/** About 100,000 changes. Two of these are kept. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Interval of the alive marker, and so the precision of a killed run's end. */
export const ALIVE_EVERY_MS = 5 * 60_000;

export const ownerShape = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("member"),
    adc: z.string(),
    adcService: z.string(),
    server: z.string(),
    port: z.union([z.number().int(), z.literal("*")]),
    vservers: z.array(z.string()).readonly(),
  }),
  z.object({
    kind: z.literal("vserver"),
    adc: z.string(),
    vserver: z.string(),
    vserverKind: z.enum(["lb", "cs", "gslb", "aaa"]),
  }),
]);
const upDown = z.enum(["up", "down", "unknown"]);
const at = z.number().int().nonnegative().max(8.64e15);
export const entryShape = z.object({
  at,
  adc: z.enum(ADC_OPINIONS),
  replica: upDown.nullable(),
  service: z.enum(["up", "down", "unknown", "none", "protected"]),
  verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
  step: z.enum(STEPS).nullable(),
  reason: z.enum(REASONS).nullable(),
  decidedBy: z.string().nullable(),
  detected: z.boolean().nullable(),
  working: z.number().int().nonnegative().nullable(),
  // Earlier versions did not write it.
  clientsLeft: z.boolean().nullable().default(null),
});
/** A line of the file. Owner numbers are valid within one file, which begins with the state at that time. */
export const lineShape = z.discriminatedUnion("line", [
  z.object({ line: z.enum(["began", "alive", "ended"]), at }),
  z.object({ line: z.literal("owner"), id: z.number().int(), owner: ownerShape }),
  z.object({ line: z.literal("entry"), id: z.number().int(), entry: entryShape }),
  z.object({ line: z.literal("left"), id: z.number().int(), at }),
]);
export type Line = z.output<typeof lineShape>;
