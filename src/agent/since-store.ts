import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { WitnessState } from "./records/witness-state.ts";

const storedSchema = z.record(
  z.string(),
  z.object({ verdict: z.string(), since: z.number(), outSince: z.number().nullable() }),
);
type Stored = z.infer<typeof storedSchema>;

/** File of the times since when each member holds its verdict, inside the state directory. */
const FILE = "since.json";

/** Reads the times of an earlier run; a file that is missing or unreadable is no loss: times then begin anew. */
export async function readSince(stateDir: string): Promise<Stored> {
  try {
    const parsed = storedSchema.safeParse(JSON.parse(await readFile(join(stateDir, FILE), "utf8")));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

/** Gives members that still hold the verdict of an earlier run their old time back. */
export function restoreSince(state: WitnessState, stored: Stored): void {
  for (const member of state.members) {
    const known = stored[keyOf(member)];
    if (known?.verdict === member.verdict) {
      member.since = Math.min(member.since ?? known.since, known.since);
    }
    if (known !== undefined && known.outSince !== null && member.outSince !== null) {
      member.outSince = Math.min(member.outSince, known.outSince);
    }
  }
}

/** Writes the times: a new file, synced, then renamed over the old one. Rejects when the disk does not take it. */
export async function writeSince(stateDir: string, state: WitnessState): Promise<void> {
  const stored: Stored = {};
  for (const member of state.members) {
    if (member.since !== null) {
      stored[keyOf(member)] = {
        verdict: member.verdict,
        since: member.since,
        outSince: member.outSince,
      };
    }
  }
  const file = join(stateDir, FILE);
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(`${file}.new`, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(stored));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

function keyOf(member: {
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly port: number | "*";
}): string {
  return [member.adc, member.adcService, member.server, String(member.port)].join("\n");
}
