import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { mapInSteps, runYielding } from "../lib/steps.ts";
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

/** Verdict times of an earlier run, and when they were written. */
export interface StoredTimes {
  readonly members: z.infer<typeof membersSchema>;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** File in the state directory with the times of each member's verdict. */
export const SINCE_FILE = "since.json";
/** Far more than any agent needs, at a few hundred bytes a member. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The file is written every minute; up to this age it shows that a server has been good until now. */
const FRESH_MS = 180_000;
/** After a start, a verdict that is reached again within this time keeps its old time. */
const SAME_VERDICT_WITHIN_MS = 180_000;

const NO_TIMES: StoredTimes = { members: {}, writtenAt: 0 };

/**
 * Reads the times of an earlier run; without a usable file, times start over. If `storage` is given, which only the agent as
 * owner of the file does, a damaged file is set aside.
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
  return file === null ? NO_TIMES : { members: file.value, writtenAt: file.modifiedAtMs };
}

/**
 * Restores the memory of an earlier run: since when members are out, good (if the file is recent and they still are) or not
 * working, and the time of their last verdict, which is used if they reach the same verdict again.
 */
export function restoreSince(state: WitnessState, stored: StoredTimes, now: number): void {
  // A file from the future means that the clock was set back: its age is unknown.
  const ageMs = now - stored.writtenAt;
  const fresh = ageMs >= -FRESH_MS && ageMs <= FRESH_MS;
  for (const member of state.members) {
    const known = stored.members[keyOf(member)];
    if (known === undefined) {
      continue;
    }
    member.remember(known.verdict, known.since, now + SAME_VERDICT_WITHIN_MS);
    if (known.outSince !== null && member.outSince !== null) {
      member.outSince = Math.min(member.outSince, known.outSince);
    }
    const { memory } = member;
    if (hasBeenAwaySince(member, known, stored.writtenAt, fresh)) {
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
 * Whether a member has been away since the earlier run stored that: it has not been good since the start, and either the file
 * is recent or the ADC's state has not changed since.
 */
function hasBeenAwaySince(
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

/** Writes the times atomically. Rejects if that fails. */
export async function writeSince(stateDir: string, state: WitnessState): Promise<void> {
  const known = state.members.filter((member) => member.since !== null);
  const entries = await runYielding(mapInSteps(known, jsonEntry));
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await replaceFile(join(stateDir, SINCE_FILE), `{${entries.join(",")}}`);
}

/** One member's entry of the JSON object. Entries are encoded one by one, so that they do not stall the event loop. */
function jsonEntry(member: MemberRecord): string {
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
 * Opens declared maintenance for the agent, which locks the store. Fails only if another process has the lock. Disk errors are
 * reported to `storage`, and monitoring continues.
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
 * Reads declared maintenance once, without locking the store. `warning`: why its windows are ignored.
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
