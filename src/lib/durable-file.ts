import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./log.ts";

/** Absent on Windows, which has neither. */
const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_WAIT = constants.O_NONBLOCK ?? 0;

/** The file operations of a durable write; tests replace them to fail at any byte. */
export interface DurableFiles {
  /** Creates a file, writes all bytes and syncs it. An existing file or link of that name is removed, not followed. */
  readonly writeThrough: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Syncs a directory, where supported. */
  readonly syncDirectory: (path: string) => Promise<void>;
}

export const DURABLE_FILES: DurableFiles = {
  writeThrough: async (path, bytes) => {
    await unlink(path).catch(ignoreMissing);
    // If another process creates a link in between, O_EXCL fails and nothing else is overwritten.
    await withFile(path, O_WRONLY | O_CREAT | O_EXCL | NO_FOLLOW, async (file) => {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } catch (error) {
        // Removes the partial file of a full disk.
        await unlink(path).catch(() => undefined);
        throw error;
      }
    });
  },
  rename,
  syncDirectory: async (path) => {
    if (process.platform === "win32") {
      // Windows cannot open a directory; NTFS journals the rename itself.
      return;
    }
    await withFile(path, O_RDONLY, (directory) => directory.sync());
  },
};

/**
 * Replaces a file atomically, so that a crash leaves either the old or the new content: writes a temporary file, syncs and
 * renames it. Rejects if the disk is full or not writable; the old content is kept. Never writes through a symbolic link. The
 * caller must hold a lock.
 */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  files: DurableFiles = DURABLE_FILES,
): Promise<void> {
  const beside = `${path}.new`;
  await files.writeThrough(beside, typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes);
  await files.rename(beside, path);
  await files.syncDirectory(dirname(path));
}

/** Checks that a file of this size (bytes) can be written: writes, syncs and removes one. Rejects otherwise. */
export async function tryWriting(directory: string, size: number): Promise<void> {
  const path = `${directory}/.write-check`;
  try {
    await DURABLE_FILES.writeThrough(path, Buffer.alloc(size));
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

export type FileRead =
  | { readonly kind: "text"; readonly text: string; readonly modifiedAtMs: number }
  | { readonly kind: "missing" }
  /** Not a regular file, or too large. */
  | { readonly kind: "unfit"; readonly why: string }
  /** The system refuses: permissions, the disk. */
  | { readonly kind: "failed"; readonly code: string };

/** Reads a regular file up to a maximum size as UTF-8. Never follows a link, never blocks on a pipe, never rejects. */
export async function readRegularFile(path: string, mostBytes: number): Promise<FileRead> {
  try {
    const file = await open(path, O_RDONLY | NO_FOLLOW | NO_WAIT);
    try {
      const status = await file.stat();
      if (!status.isFile()) {
        return { kind: "unfit", why: "not a regular file" };
      }
      return status.size > mostBytes
        ? { kind: "unfit", why: `larger than ${String(mostBytes)} bytes` }
        : { kind: "text", text: await file.readFile("utf8"), modifiedAtMs: status.mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") {
      return { kind: "missing" };
    }
    return NOT_REGULAR.has(code)
      ? { kind: "unfit", why: "not a regular file" }
      : { kind: "failed", code };
  }
}

/**
 * Opens a file for writing in place, and creates it if missing; null if it is not a regular file. Never follows a link, never
 * blocks on a pipe. Rejects on system errors.
 */
export async function openOwnFile(path: string, flags: number): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(path, flags | O_CREAT | NO_FOLLOW | NO_WAIT, 0o600);
  } catch (error) {
    if (NOT_REGULAR.has(errorCode(error))) {
      return null;
    }
    throw error;
  }
  let isRegular = false;
  try {
    isRegular = (await file.stat()).isFile();
  } finally {
    if (!isRegular) {
      await file.close();
    }
  }
  return isRegular ? file : null;
}

/** Error codes of Linux and macOS for links, sockets and directories with the flags above. */
const NOT_REGULAR: ReadonlySet<string> = new Set(["ELOOP", "ENXIO", "EISDIR"]);

/** Renames an unusable file within its directory and returns the new path. Rejects if the rename fails. */
export async function quarantineFile(path: string, now: number): Promise<string> {
  const time = new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "");
  const aside = `${path}.set-aside-${time}-${randomBytes(3).toString("hex")}`;
  await rename(path, aside);
  return aside;
}

async function withFile(
  path: string,
  flags: number,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (errorCode(error) !== "ENOENT") {
    throw error;
  }
}

const MIN_BUFFER_BYTES = 65_536;

function asUtf8(bytes: Buffer): string {
  return bytes.toString("utf8");
}

/** Reads a file or a pipe, as UTF-8 by default. Rejects if it is unreadable or larger than `maxBytes`. */
export async function readTextUpTo(
  file: string,
  maxBytes: number,
  decode: (bytes: Buffer) => string = asUtf8,
): Promise<string> {
  const handle = await open(file);
  try {
    // A file is read into one buffer of its size; a pipe, whose size is unknown, into one that grows.
    const { size } = await handle.stat();
    let buffer = Buffer.allocUnsafeSlow(Math.min(Math.max(size, MIN_BUFFER_BYTES), maxBytes) + 1);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, bytes, buffer.length - bytes, null);
      bytes += bytesRead;
      if (bytes > maxBytes) {
        throw new Error(`holds more than ${String(maxBytes / 1_048_576)} MiB`);
      }
      if (bytesRead === 0) {
        return decode(buffer.subarray(0, bytes));
      }
      if (bytes === buffer.length) {
        buffer = Buffer.concat([buffer], Math.min(2 * bytes, maxBytes + 1));
      }
    }
  } finally {
    await handle.close();
  }
}

/** Health of the state directory. */
export interface StorageHealth {
  /** The last write of every file succeeded. */
  readonly writable: boolean;
  /** Number of failed writes. */
  readonly writeErrors: number;
  /** Messages for people: current write errors, and files found damaged since the start. */
  readonly problems: readonly string[];
}

/** The part of a logger that is used here. */
export interface StorageLog {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

/** Maximum number of notes. */
const MAX_NOTES = 10;

/** Tracks whether the files of a directory are writable, and logs each change once. */
export class StorageWatch {
  readonly #log: StorageLog;
  readonly #refused = new Map<string, string>();
  #notes: readonly string[] = [];
  #writeErrors = 0;

  constructor(log: StorageLog) {
    this.#log = log;
  }

  get health(): StorageHealth {
    return {
      writable: this.#refused.size === 0,
      writeErrors: this.#writeErrors,
      problems: [
        ...[...this.#refused].map(([path, why]) => `${path} cannot be written: ${why}`),
        ...this.#notes,
      ],
    };
  }

  written(path: string): void {
    if (this.#refused.delete(path)) {
      this.#log.warn({ path }, "state_dir writable again");
    }
  }

  /** `error`: what was thrown, or a text. */
  refused(path: string, error: unknown): void {
    const why = errorCode(error);
    this.#writeErrors += 1;
    if (this.#refused.get(path) !== why) {
      this.#log.error({ path, error: why }, "cannot write to state_dir");
    }
    this.#refused.set(path, why);
  }

  /** Records that an unusable file was renamed. */
  reportQuarantined(path: string, aside: string, why: string, consequence: string): void {
    this.#log.error({ path, aside, problem: why }, `state file unusable, renamed: ${consequence}`);
    const note = `${path} was ${why} and was renamed to ${aside}: ${consequence}`;
    this.#notes = [...this.#notes, note].slice(-MAX_NOTES);
  }
}

export interface StateFile<T> {
  readonly maxBytes: number;
  /** Validates the parsed JSON; null if invalid. */
  readonly read: (json: unknown) => T | null;
  /** Consequence of an unusable file, for the log. */
  readonly lost: string;
}

/**
 * Reads a JSON file of the state directory; null if there is no usable one. With `watch` (the owner of the file), a damaged
 * file is renamed and errors are reported. Never rejects.
 */
export async function readStateFile<T>(
  path: string,
  { maxBytes, read, lost }: StateFile<T>,
  watch?: StorageWatch,
): Promise<{ readonly value: T; readonly modifiedAtMs: number } | null> {
  const file = await readRegularFile(path, maxBytes);
  const value = file.kind === "text" ? read(parsed(file.text)) : null;
  if (file.kind === "text" && value !== null) {
    return { value, modifiedAtMs: file.modifiedAtMs };
  }
  if (file.kind === "failed") {
    watch?.refused(path, file.code);
  } else if (file.kind !== "missing" && watch !== undefined) {
    try {
      const aside = await quarantineFile(path, Date.now());
      watch.reportQuarantined(path, aside, file.kind === "unfit" ? file.why : "damaged", lost);
    } catch (error) {
      watch.refused(path, error);
    }
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON.
    return null;
  }
}
