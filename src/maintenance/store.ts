import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DURABLE_FILES, replaceFile, type DurableFiles } from "./durable-file.ts";
import { takeLock, type Lock } from "./lock.ts";

/** A window declared by command or API. */
export interface StoredWindow {
  readonly name: string;
  readonly servers: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startAt: number;
  /** Infinity for `never`. */
  readonly endAt: number;
  readonly reason: string | null;
  readonly author: string | null;
  readonly autoEnd: boolean;
  readonly flexible: boolean;
}

/** How far one occurrence of a window has come for one server: what flexible starts and automatic ends must remember. */
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

/** Everything that the store keeps. */
export interface StoreState {
  readonly windows: readonly StoredWindow[];
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

/** The store's text: JSON, one line a window, with a final line end that shows the file is whole. */
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

/** Reads the store's text; null when it is not whole, not ours, or of a version that this program does not know. */
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
/** Begins the names of lock files. */
export const LOCK_PREFIX = "maintenance.lock.";

/** The store of declared windows, held by one process at a time. */
export interface MaintenanceStore {
  readonly state: () => StoreState;
  /**
   * Changes the state and writes it through; changes are applied in the order of the calls. `step` gives the same
   * object back when nothing changed, and then nothing is written. When the disk refuses, the state stays as it was.
   */
  readonly update: (step: (state: StoreState) => StoreState) => Promise<UpdateResult>;
  /** Waits for what is being written, and gives the lock back. */
  readonly close: () => Promise<void>;
}

type UpdateResult =
  | { readonly kind: "written"; readonly state: StoreState }
  | { readonly kind: "failed"; readonly message: string };

type OpenResult =
  | { readonly kind: "open"; readonly store: MaintenanceStore }
  /** Another process, most likely the agent, holds it. */
  | { readonly kind: "busy"; readonly message: string }
  /** There is a store, and it cannot be read: it is left alone. */
  | { readonly kind: "unreadable"; readonly message: string };

/** Opens the store in `stateDir`, which is made when missing. Never rejects, and never overwrites what it cannot read. */
export async function openStore(
  stateDir: string,
  files: DurableFiles = DURABLE_FILES,
): Promise<OpenResult> {
  const path = join(stateDir, STORE_FILE);
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return { kind: "unreadable", message: `${stateDir} cannot be made: ${wordOf(error)}.` };
  }
  const locked = await takeLock(stateDir, LOCK_PREFIX);
  if (locked.kind === "failed") {
    return { kind: "unreadable", message: `${stateDir} cannot be locked: ${locked.message}.` };
  }
  if (locked.kind === "busy") {
    const pid = locked.holder === null ? "" : ` (process ${String(locked.holder.pid)})`;
    return { kind: "busy", message: `${stateDir} is in use by another process${pid}.` };
  }
  const read = await readStore(path);
  if (read.kind === "unreadable") {
    await locked.lock.release();
    return read;
  }
  return { kind: "open", store: createStore(path, read.state, locked.lock, files) };
}

/** Reads a store without holding it, for those who only look. */
export async function readStore(
  path: string,
): Promise<{ kind: "read"; state: StoreState } | { kind: "unreadable"; message: string }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return wordOf(error) === "ENOENT"
      ? { kind: "read", state: EMPTY_STORE }
      : { kind: "unreadable", message: `${path} cannot be read: ${wordOf(error)}.` };
  }
  const state = readStored(text);
  return state === null
    ? {
        kind: "unreadable",
        message: `${path} is not a store of this program's, or is damaged: move it away, then declare the windows again.`,
      }
    : { kind: "read", state };
}

function createStore(
  path: string,
  initial: StoreState,
  lock: Lock,
  files: DurableFiles,
): MaintenanceStore {
  let state = initial;
  let last: Promise<unknown> = Promise.resolve();
  const write = async (step: (before: StoreState) => StoreState): Promise<UpdateResult> => {
    const next = step(state);
    if (next === state) {
      return { kind: "written", state };
    }
    try {
      await replaceFile(path, writeStored(next), files);
    } catch (error) {
      return { kind: "failed", message: `${path} cannot be written: ${wordOf(error)}.` };
    }
    state = next;
    return { kind: "written", state };
  };
  return {
    state: () => state,
    update: (step) => {
      const result = last.then(() => write(step));
      last = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      await last;
      await lock.release();
    },
  };
}

function wordOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
