import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./error-code.ts";

/** Absent on Windows, which has neither. */
const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_WAIT = constants.O_NONBLOCK ?? 0;

/** The file operations of a durable write; a test may stand in between to stop at any byte. */
export interface DurableFiles {
  /** Makes a new file, writes all bytes and forces them to the disk. Whatever has the name already is removed, not followed. */
  readonly writeThrough: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Forces a directory's entries to the disk, where the system can. */
  readonly syncDirectory: (path: string) => Promise<void>;
}

export const DURABLE_FILES: DurableFiles = {
  writeThrough: async (path, bytes) => {
    await unlink(path).catch(ignoreMissing);
    // Another process may put a link in the way in between: O_EXCL then fails, and nothing outside is written to.
    await withFile(path, O_WRONLY | O_CREAT | O_EXCL | NO_FOLLOW, async (file) => {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } catch (error) {
        // What a full disk took of it is of no use.
        await unlink(path).catch(() => undefined);
        throw error;
      }
    });
  },
  rename,
  syncDirectory: async (path) => {
    if (process.platform === "win32") {
      // Windows gives no handle to a directory; NTFS journals the rename itself.
      return;
    }
    await withFile(path, O_RDONLY, (directory) => directory.sync());
  },
};

/**
 * Replaces a file so that a crash at any moment leaves either the old content or the new one, whole: write beside it,
 * force to disk, rename. Rejects when the disk is full or not writable; the old content then stands. Never writes through
 * a symbolic link. One writer at a time: the caller holds a lock.
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

/** Whether a directory takes a new file of this size (bytes): writes one, forces it to the disk, removes it. Rejects when not. */
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
  /** A link, a pipe, a directory, or too large: not what we wrote. */
  | { readonly kind: "unfit"; readonly why: string }
  /** The system refuses: permissions, the disk. */
  | { readonly kind: "failed"; readonly code: string };

/** Reads a regular file of at most so many bytes as UTF-8. Never follows a link, never waits for a pipe, never rejects. */
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
    switch (code) {
      case "ENOENT":
        return { kind: "missing" };
      // What Linux and macOS say of links and sockets, with the flags above.
      case "ELOOP":
      case "ENXIO":
      case "EISDIR":
        return { kind: "unfit", why: "not a regular file" };
      default:
        return { kind: "failed", code };
    }
  }
}

/** Gives a file that cannot be used another name in its directory, and tells the new path. Rejects when the disk refuses. */
export async function setAside(path: string, now: number): Promise<string> {
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
