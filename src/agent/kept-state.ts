import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { mapInSteps, inTurns } from "../lib/steps.ts";
import { replaceFile, readStateFile, type StorageWatch } from "../lib/durable-file.ts";
import type { MemberRecord } from "./records/member-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import type { Config } from "../config/schema.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore, readStore, STORE_FILE, EMPTY_STORE } from "../maintenance/store.ts";
import type { Log } from "../lib/log.ts";

const membersSchema = z.record(
  z.string(),
  z.object({
    verdict: z.string(),
    since: z.number(),
    outSince: z.number().nullable(),
    goodSince: z.number().nullish(),
    awaySince: z.number().nullish(),
    workedOn: z.boolean().optional(),
  }),
);

/** What an earlier run knew, and when it last wrote so. */
export interface StoredTimes {
  readonly members: z.infer<typeof membersSchema>;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** File of the times since when each member holds its verdict, inside the state directory. */
export const SINCE_FILE = "since.json";
/** A few hundred bytes a member, of more members than one agent watches. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Written by an agent every minute: so old at most, it proves a server that has been good until now. */
const FRESH_MS = 180_000;
/** A verdict needs a few probes to be found again after a start. */
const FOUND_AGAIN_WITHIN_MS = 180_000;

const NOTHING: StoredTimes = { members: {}, writtenAt: 0 };

/**
 * Reads the times of an earlier run; without a usable file, times start over. The agent, which owns the file,
 * gives its `storage`: one that is damaged is then set aside.
 */
export async function readSince(stateDir: string, storage?: StorageWatch): Promise<StoredTimes> {
  const path = join(stateDir, SINCE_FILE);
  const file = await readStateFile(
    path,
    {
      maxBytes: MAX_BYTES,
      read: (json) => membersSchema.safeParse(json).data ?? null,
      lost: "verdict times start over",
    },
    storage,
  );
  return file === null ? NOTHING : { members: file.value, writtenAt: file.modifiedAtMs };
}

/**
 * Gives members the memory of an earlier run: since when they are out, since when they are good (if that was said
 * lately and still holds), since when they do not work, and the time of the verdict they held, should they be found to
 * hold it again.
 */
export function restoreSince(state: WitnessState, stored: StoredTimes, now: number): void {
  // Written in the future: the clock has been set back since, so its age is unknown.
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
    const { memory } = member;
    if (wasAwayAllTheWhile(member, known, stored.writtenAt, fresh)) {
      member.memory = {
        ...memory,
        lastGoodAt: known.awaySince ?? null,
        workedOn: memory.workedOn || (known.workedOn ?? false),
      };
    }
    if (fresh && memory.goodSince !== null && typeof known.goodSince === "number") {
      const goodSince = Math.min(memory.goodSince, known.goodSince);
      member.memory = { ...member.memory, goodSince };
    }
  }
}

/**
 * Whether a member that we have not yet seen good has not been so since the earlier run said it was away: that was lately, or
 * the ADC has not changed its mind since.
 */
function wasAwayAllTheWhile(
  member: MemberRecord,
  { awaySince }: StoredTimes["members"][string],
  writtenAt: number,
  fresh: boolean,
): boolean {
  const { adcStateChangedAt } = member;
  const isUnchanged = adcStateChangedAt !== null && adcStateChangedAt <= writtenAt;
  return (
    typeof awaySince === "number" && member.memory.lastGoodAt === null && (fresh || isUnchanged)
  );
}

/** Writes the times, whole or not at all. Rejects when the disk does not take them. */
export async function writeSince(stateDir: string, state: WitnessState): Promise<void> {
  const known = state.members.filter((member) => member.since !== null);
  const entries = await inTurns(mapInSteps(known, entryOf));
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await replaceFile(join(stateDir, SINCE_FILE), `{${entries.join(",")}}`);
}

/** One member's line of the JSON object: written one by one, ten thousand do not hold the event loop. */
function entryOf(member: MemberRecord): string {
  const { verdict, since, outSince, awaySince, memory } = member;
  const { goodSince, workedOn } = memory;
  const times = { verdict, since, outSince, goodSince, awaySince, workedOn };
  return `${JSON.stringify(keyOf(member))}:${JSON.stringify(times)}`;
}

function keyOf(member: {
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly port: number | "*";
}): string {
  return [member.adc, member.adcService, member.server, String(member.port)].join("\n");
}

export type DeclarationsOpened =
  | { readonly kind: "opened"; readonly declarations: Declarations }
  | { readonly kind: "failed"; readonly message: string };

/**
 * Declared maintenance for the agent, which holds the store. Fails only where another process holds it: a disk that refuses
 * is reported to `storage`, and monitoring continues.
 */
export async function openDeclarations(
  config: Config,
  log: Log,
  storage: StorageWatch,
): Promise<DeclarationsOpened> {
  const opened = await openStore(config.stateDir, { watch: storage, withoutDisk: true });
  if (opened.kind !== "open") {
    return { kind: "failed", message: opened.message };
  }
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: opened.store,
    snapshot: null,
    onFailure: (message) => {
      log.warn({ error: message }, "cannot write the maintenance windows file");
    },
  });
  return { kind: "opened", declarations };
}

/**
 * Declared maintenance at a single look: the store as it is, whether or not an agent holds it. `warning` says why none of
 * its windows counts.
 */
export async function readMaintenanceWindows(
  config: Config,
): Promise<{ readonly declarations: Declarations; readonly warning: string | null }> {
  const path = join(config.stateDir, STORE_FILE);
  const read = await readStore(path);
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: null,
    snapshot: read.kind === "read" ? read.state : EMPTY_STORE,
    onFailure: () => undefined,
  });
  return {
    declarations,
    warning: read.kind === "read" ? null : `declared windows are ignored: ${path}: ${read.message}`,
  };
}
