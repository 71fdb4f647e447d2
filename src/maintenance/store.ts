import { oneAtATime } from "../lib/pacing.ts";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import {
  DURABLE_FILES,
  readRegularFile,
  replaceFile,
  quarantineFile,
  type DurableFiles,
  type StorageWatch,
} from "../lib/durable-file.ts";
import { errorCode } from "../lib/log.ts";
import { takeLock, type FileLock } from "../lib/lock.ts";
import type { MaintenanceWindow } from "../model/window.ts";

/** Progress of one occurrence of a window for one server, for flexible starts and automatic ends. */
export interface WindowProgress {
  readonly window: string;
  /** Start of the occurrence. */
  readonly startAt: number;
  /** A server's name; `*` where the whole occurrence was ended by hand. */
  readonly server: string;
  /** When the server first went bad inside the occurrence. */
  readonly begunAt: number | null;
  /** When the occurrence ended for this server, before its planned end. */
  readonly endedAt: number | null;
}

/** Content of the store. */
export interface StoreState {
  readonly windows: readonly MaintenanceWindow[];
  readonly progress: readonly WindowProgress[];
}

export const EMPTY_STORE: StoreState = { windows: [], progress: [] };

const VERSION = 1;
const time = z.number().int();

const storedFile = z.strictObject({
  version: z.literal(VERSION),
  windows: z.array(
    z.strictObject({
      name: z.string().min(1),
      servers: z.array(z.string().min(1)).min(1),
      startAt: time,
      endAt: z.union([time, z.literal("never")]),
      reason: z.string().nullable(),
      author: z.string().nullable(),
      autoEnd: z.boolean(),
      flexible: z.boolean(),
    }),
  ),
  progress: z.array(
    z.strictObject({
      window: z.string(),
      startAt: time,
      server: z.string(),
      begunAt: time.nullable(),
      endedAt: time.nullable(),
    }),
  ),
});

/** Serialises the store: JSON, one line per window; the final line end marks the file as complete. */
export function writeStored(state: StoreState): string {
  const windows = state.windows.map((window) => ({
    ...window,
    endAt: window.endAt === Infinity ? "never" : window.endAt,
  }));
  const file: z.input<typeof storedFile> = {
    version: VERSION,
    windows: windows as z.input<typeof storedFile>["windows"],
    progress: [...state.progress],
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/** Parses the store; null if it is incomplete, of another program, or of an unsupported version. */
export function readStored(text: string): StoreState | null {
  if (!text.endsWith("}\n")) {
    return null;
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // JSON.parse has no other way to say no.
    return null;
  }
  const checked = storedFile.safeParse(data);
  if (!checked.success) {
    return null;
  }
  return {
    windows: checked.data.windows.map((window) => ({
      ...window,
      endAt: window.endAt === "never" ? Infinity : window.endAt,
    })),
    progress: checked.data.progress,
  };
}

export const STORE_FILE = "maintenance.json";
export const LOCK_FILE = "maintenance.lock";
const RETRY_EVERY_MS = 30_000;
/** Far more than `MAX_WINDOWS` windows need. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The store of declared windows, held by one process at a time. */
export interface MaintenanceStore {
  readonly state: () => StoreState;
  /**
   * Changes the state and writes it; changes are applied in call order. If `step` returns the same object, nothing is written.
   * If the write fails or another process has the store, the state is unchanged.
   */
  readonly update: (step: (state: StoreState) => StoreState) => Promise<UpdateResult>;
  /** Waits for pending writes, and releases the lock. */
  readonly close: () => Promise<void>;
}

type UpdateResult =
  | { readonly kind: "written"; readonly state: StoreState }
  | { readonly kind: "failed"; readonly message: string };

type OpenResult =
  | { readonly kind: "open"; readonly store: MaintenanceStore }
  /** Another process, most likely the agent, holds it. */
  | { readonly kind: "busy"; readonly message: string }
  /** The directory cannot be created, locked, read or cleaned up. */
  | { readonly kind: "failed"; readonly message: string };

interface OpenOptions {
  readonly files?: DurableFiles;
  /** Notified of failed writes and renamed files. */
  readonly watch?: StorageWatch;
  /**
   * Opens the store even if the disk refuses the lock: its readable content is used, and each update tries again. For the
   * agent, which must not depend on a disk. Never opens a store that another process holds.
   */
  readonly withoutDisk?: boolean;
}

/**
 * Opens the store in `stateDir`, which is created if missing. A damaged or foreign file, or one of a newer version, is renamed,
 * and the store starts empty, which is safe because windows only suppress alerts. Never rejects.
 */
export async function openStore(stateDir: string, options: OpenOptions = {}): Promise<OpenResult> {
  const attached = await attach(stateDir, options.watch);
  switch (attached.kind) {
    case "attached":
      return { kind: "open", store: createStore(stateDir, attached, options) };
    case "busy":
      return attached;
    case "failed": {
      if (options.withoutDisk !== true) {
        return attached;
      }
      const read = await readStore(join(stateDir, STORE_FILE));
      const state = read.kind === "read" ? read.state : EMPTY_STORE;
      return { kind: "open", store: createStore(stateDir, { lock: null, state }, options) };
    }
  }
}

type Attached =
  | { readonly kind: "attached"; readonly lock: FileLock; readonly state: StoreState }
  | { readonly kind: "busy" | "failed"; readonly message: string };

/** Opens directory, lock and content, or none of them. */
async function attach(stateDir: string, watch: StorageWatch | undefined): Promise<Attached> {
  const path = join(stateDir, STORE_FILE);
  const failed = (message: string, why: string): Attached => {
    watch?.refused(path, why);
    return { kind: "failed", message };
  };
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return failed(`cannot create ${stateDir}: ${errorCode(error)}.`, errorCode(error));
  }
  const locked = await takeLock(join(stateDir, LOCK_FILE), { signed: true, watch });
  if (locked.kind === "failed") {
    return failed(`cannot lock ${stateDir}: ${locked.message}.`, locked.message);
  }
  if (locked.kind === "busy") {
    const holder = locked.holder === null ? "" : ` (${locked.holder})`;
    return { kind: "busy", message: `${stateDir} is in use by another process${holder}.` };
  }
  const read = await readOrQuarantine(path, watch);
  if (read.kind === "failed") {
    await locked.lock.release();
    return failed(read.message, read.message);
  }
  watch?.written(path);
  return { kind: "attached", lock: locked.lock, state: read.state };
}

type StoreRead =
  | { readonly kind: "read"; readonly state: StoreState }
  | { readonly kind: "failed"; readonly message: string };
/** A file of this name exists that this version cannot read. */
type Unusable = { readonly kind: "unusable"; readonly message: string };

async function readOrQuarantine(path: string, watch: StorageWatch | undefined): Promise<StoreRead> {
  const read = await readStore(path);
  if (read.kind !== "unusable") {
    return read;
  }
  try {
    const aside = await quarantineFile(path, Date.now());
    watch?.reportQuarantined(path, aside, read.message, "declare its maintenance windows again");
    return { kind: "read", state: EMPTY_STORE };
  } catch (error) {
    return { kind: "failed", message: `${path} cannot be renamed: ${errorCode(error)}.` };
  }
}

/** Reads a store without locking it. */
export async function readStore(path: string): Promise<StoreRead | Unusable> {
  const file = await readRegularFile(path, MAX_BYTES);
  switch (file.kind) {
    case "missing":
      return { kind: "read", state: EMPTY_STORE };
    case "failed":
      return { kind: "failed", message: `${path} cannot be read: ${file.code}.` };
    case "unfit":
      return { kind: "unusable", message: file.why };
    case "text": {
      const state = readStored(file.text);
      return state === null
        ? {
            kind: "unusable",
            message: "damaged, written by another version, or not a file of this program",
          }
        : { kind: "read", state };
    }
  }
}

function createStore(
  stateDir: string,
  opened: { readonly lock: FileLock | null; readonly state: StoreState },
  { files = DURABLE_FILES, watch }: OpenOptions,
): MaintenanceStore {
  const path = join(stateDir, STORE_FILE);
  let { lock, state } = opened;
  /** The last write was refused, and none has succeeded since. */
  let failing = false;
  const inTurn = oneAtATime();

  /** Null if the store is writable; else why not. */
  const hold = async (): Promise<string | null> => {
    if (lock !== null && (await lock.stillHeld())) {
      return null;
    }
    // The locked file was moved, or there was none: another process may have written since.
    await lock?.release();
    lock = null;
    const attached = await attach(stateDir, watch);
    if (attached.kind !== "attached") {
      return attached.message;
    }
    ({ lock, state } = attached);
    return null;
  };
  const write = async (step: (before: StoreState) => StoreState): Promise<UpdateResult> => {
    if (step(state) === state) {
      return { kind: "written", state };
    }
    const obstacle = await hold();
    if (obstacle !== null) {
      return { kind: "failed", message: obstacle };
    }
    const next = step(state);
    if (next === state) {
      return { kind: "written", state };
    }
    return put(next);
  };
  const put = async (next: StoreState): Promise<UpdateResult> => {
    try {
      await replaceFile(path, writeStored(next), files);
    } catch (error) {
      failing = true;
      watch?.refused(path, error);
      return { kind: "failed", message: `${path} cannot be written: ${errorCode(error)}.` };
    }
    failing = false;
    watch?.written(path);
    state = next;
    return { kind: "written", state };
  };
  /** Detects that the disk is writable again, even without a declaration. */
  const retrying = setInterval(() => {
    if (lock === null || failing) {
      void inTurn(async () => ((await hold()) === null && failing ? put(state) : null));
    }
  }, RETRY_EVERY_MS).unref();
  return {
    state: () => state,
    update: (step) => inTurn(() => write(step)),
    close: async () => {
      clearInterval(retrying);
      await inTurn(() => undefined);
      await lock?.release();
    },
  };
}
