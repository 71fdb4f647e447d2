import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { mapInSteps, inTurns } from "../lib/steps.ts";
import type { MemberRecord } from "./records/member-record.ts";
import type { WitnessState } from "./records/witness-state.ts";

const membersSchema = z.record(
  z.string(),
  z.object({
    verdict: z.string(),
    since: z.number(),
    outSince: z.number().nullable(),
    goodSince: z.number().nullish(),
  }),
);

/** What an earlier run knew, and when it last said so. */
export interface StoredTimes {
  readonly members: z.infer<typeof membersSchema>;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** File of the times since when each member holds its verdict, inside the state directory. */
const FILE = "since.json";
/** Written by an agent every minute: so old at most, it tells of a server that has been good until now. */
const FRESH_MS = 180_000;
/** A verdict needs a few probes to be found again after a start. */
const FOUND_AGAIN_WITHIN_MS = 180_000;

const NOTHING: StoredTimes = { members: {}, writtenAt: 0 };

/** Reads the times of an earlier run; a file that is missing or unreadable is no loss: times then begin anew. */
export async function readSince(stateDir: string): Promise<StoredTimes> {
  const file = join(stateDir, FILE);
  try {
    const { mtimeMs } = await stat(file);
    const parsed = membersSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? { members: parsed.data, writtenAt: mtimeMs } : NOTHING;
  } catch {
    return NOTHING;
  }
}

/**
 * Gives members the memory of an earlier run: since when they are out, since when they are good (if that was said
 * lately and still holds), and the time of the verdict they held, should they be found to hold it again.
 */
export function restoreSince(state: WitnessState, stored: StoredTimes, now: number): void {
  // Written in the future: the clock has been set back since, and nobody knows how old it is.
  const ageMs = now - stored.writtenAt;
  const fresh = ageMs >= -FRESH_MS && ageMs <= FRESH_MS;
  for (const member of state.members) {
    const known = stored.members[keyOf(member)];
    if (known === undefined) {
      continue;
    }
    member.remember(known.verdict, known.since, now + FOUND_AGAIN_WITHIN_MS);
    if (known.outSince !== null && member.outSince !== null) {
      member.outSince = Math.min(member.outSince, known.outSince);
    }
    if (fresh && member.goodSince !== null && typeof known.goodSince === "number") {
      member.goodSince = Math.min(member.goodSince, known.goodSince);
    }
  }
}

/** Writes the times: a new file, synced, then renamed over the old one. Rejects when the disk does not take it. */
export async function writeSince(stateDir: string, state: WitnessState): Promise<void> {
  const known = state.members.filter((member) => member.since !== null);
  const entries = await inTurns(mapInSteps(known, entryOf));
  const file = join(stateDir, FILE);
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(`${file}.new`, "w", 0o600);
  try {
    await handle.writeFile(`{${entries.join(",")}}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** One member's line of the JSON object: written one by one, ten thousand do not hold the event loop. */
function entryOf(member: MemberRecord): string {
  const { verdict, since, outSince, goodSince } = member;
  return `${JSON.stringify(keyOf(member))}:${JSON.stringify({ verdict, since, outSince, goodSince })}`;
}

function keyOf(member: {
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly port: number | "*";
}): string {
  return [member.adc, member.adcService, member.server, String(member.port)].join("\n");
}
