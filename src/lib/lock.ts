import { constants } from "node:fs";
import { lstat, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { openOwnFile, quarantineFile, type StorageWatch } from "./durable-file.ts";
import { errorCode } from "./log.ts";
import { lockAddon } from "./lock-addon.ts";

/**
 * A kernel lock on a file. It is released when its process ends in any way, and does not depend on host names, process ids or
 * clocks. A stopped process keeps it; a zombie does not. Linux: an open file description lock (fcntl, F_OFD_SETLK), which NFS
 * carries to the server; macOS: flock; Windows: LockFileEx. The file stays after release: removing it would let two processes
 * lock different files of the same name.
 */
export interface FileLock {
  /**
   * Whether the path still names the locked file. Check it before each write: after the file was moved or removed, another
   * process may hold a lock on a new one.
   */
  readonly stillHeld: () => Promise<boolean>;
  readonly release: () => Promise<void>;
}

export type LockResult =
  | { readonly kind: "held"; readonly lock: FileLock }
  /** `holder`: description of the holder (`process 7 on host1`), or null. */
  | { readonly kind: "busy"; readonly holder: string | null }
  | { readonly kind: "failed"; readonly message: string };

const TRY_EVERY_MS = 10;
/** Maximum number of attempts if the file keeps being replaced (an attack). */
const MAX_CHANGES = 5;
const MAX_HOLDER_BYTES = 120;

/**
 * Locks a file, created if missing; waits at most `patienceMs` for another holder. Anything but a regular file is renamed and
 * reported to `watch`. `signed` writes the holder into the file, for error messages of other processes. Never rejects.
 */
export async function takeLock(
  path: string,
  {
    patienceMs = 0,
    signed = false,
    watch,
  }: {
    readonly patienceMs?: number;
    readonly signed?: boolean;
    readonly watch?: StorageWatch | undefined;
  } = {},
): Promise<LockResult> {
  const until = performance.now() + patienceMs;
  try {
    for (let changes = 0; changes < MAX_CHANGES;) {
      const file = await openOwnFile(path, constants.O_RDWR);
      if (file === null) {
        const aside = await quarantineFile(path, Date.now());
        watch?.reportQuarantined(
          path,
          aside,
          "not a regular file",
          "a new lock file takes its place",
        );
        changes += 1;
        continue;
      }
      const outcome = await lockOpened(file, path, until, signed);
      if (outcome !== "changed") {
        return outcome;
      }
      changes += 1;
    }
    return { kind: "failed", message: "another process keeps replacing the lock file" };
  } catch (error) {
    return { kind: "failed", message: errorCode(error) };
  }
}

async function lockOpened(
  file: FileHandle,
  path: string,
  until: number,
  signed: boolean,
): Promise<LockResult | "changed"> {
  let kept = false;
  try {
    const { tryLock } = lockAddon();
    while (!tryLock(file.fd)) {
      if (performance.now() >= until) {
        return { kind: "busy", holder: await readHolder(file) };
      }
      await sleep(TRY_EVERY_MS);
    }
    if (!(await isAt(file, path))) {
      return "changed";
    }
    if (signed) {
      await sign(file);
    }
    kept = true;
    return {
      kind: "held",
      lock: {
        stillHeld: () => isAt(file, path),
        release: async () => {
          await file.close();
        },
      },
    };
  } finally {
    if (!kept) {
      await file.close();
    }
  }
}

async function isAt(file: FileHandle, path: string): Promise<boolean> {
  try {
    const [opened, named] = await Promise.all([
      file.stat({ bigint: true }),
      lstat(path, { bigint: true }),
    ]);
    return opened.ino === named.ino && opened.dev === named.dev;
  } catch {
    // Removed or not accessible: no longer our file.
    return false;
  }
}

/** Optional: a full disk must not fail the lock. */
async function sign(file: FileHandle): Promise<void> {
  try {
    await file.truncate();
    await file.write(`process ${String(process.pid)} on ${hostname()}\n`, 0);
  } catch {
    // The holder's description is optional.
  }
}

async function readHolder(file: FileHandle): Promise<string | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HOLDER_BYTES), { position: 0 });
  const text = buffer.toString("latin1", 0, bytesRead).trim();
  return /^[\x20-\x7e]+$/.test(text) ? text : null;
}
