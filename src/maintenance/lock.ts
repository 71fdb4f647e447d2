import { randomUUID } from "node:crypto";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";

/** A lock file that tells its holder, so that a lock left by a crash can be told from a held one. */
export interface Lock {
  readonly release: () => Promise<void>;
}

export type LockResult =
  | { readonly kind: "held"; readonly lock: Lock }
  | { readonly kind: "busy"; readonly holder: LockHolder | null }
  | { readonly kind: "failed"; readonly message: string };

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Tells two processes with the same number apart; null where the system does not tell. */
  readonly born: string | null;
  readonly id: string;
}

const MOST_TRIES = 5;

/**
 * Takes the lock, or says who has it. A lock whose holder no longer lives on this host is taken over; one from another
 * host, or one that cannot be read, counts as held.
 */
export async function takeLock(path: string): Promise<LockResult> {
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    born: await bornOf(process.pid),
    id: randomUUID(),
  };
  const beside = `${path}.${own.id}`;
  try {
    // Written beside and linked into place: the lock never exists half written, and only one link succeeds.
    await writeFile(beside, `${JSON.stringify(own)}\n`, { mode: 0o600 });
    return await linkIntoPlace(path, beside, own);
  } catch (error) {
    return { kind: "failed", message: codeOf(error) };
  } finally {
    await unlink(beside).catch(ignoreMissing);
  }
}

async function linkIntoPlace(path: string, beside: string, own: LockHolder): Promise<LockResult> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    try {
      await link(beside, path);
      return { kind: "held", lock: { release: () => releaseOwn(path, own) } };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") {
        throw error;
      }
    }
    const holder = await readHolder(path);
    if (holder !== "missing" && (holder === null || (await lives(holder)))) {
      return { kind: "busy", holder };
    }
    if (holder !== "missing") {
      await removeDead(path, holder, `${beside}.dead`);
    }
  }
  return { kind: "busy", holder: null };
}

/** Moves a dead holder's lock away. Had somebody taken it over meanwhile, it is put back. */
async function removeDead(path: string, dead: LockHolder, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    ignoreMissing(error);
    return;
  }
  const moved = await readHolder(aside);
  if (moved !== null && moved !== "missing" && moved.id !== dead.id) {
    await link(aside, path).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") {
        throw error;
      }
    });
  }
  await unlink(aside);
}

async function releaseOwn(path: string, own: LockHolder): Promise<void> {
  const holder = await readHolder(path);
  if (holder !== null && holder !== "missing" && holder.id === own.id) {
    await unlink(path).catch(ignoreMissing);
  }
}

/** Null when the file is there and tells nothing. */
async function readHolder(path: string): Promise<LockHolder | "missing" | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return codeOf(error) === "ENOENT" ? "missing" : null;
  }
  try {
    const data = JSON.parse(text) as Partial<LockHolder>;
    return typeof data.pid === "number" &&
      typeof data.host === "string" &&
      typeof data.id === "string"
      ? { pid: data.pid, host: data.host, id: data.id, born: data.born ?? null }
      : null;
  } catch {
    // Not JSON: nobody can say whose it is.
    return null;
  }
}

async function lives(holder: LockHolder): Promise<boolean> {
  if (holder.host !== hostname()) {
    return true;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
  const born = await bornOf(holder.pid);
  return born === null || holder.born === null || born === holder.born;
}

/** Boot and start time of a process, from /proc; null on systems without it. */
async function bornOf(pid: number): Promise<string | null> {
  try {
    const [boot, status] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${String(pid)}/stat`, "utf8"),
    ]);
    // The program's name, in parentheses, may hold spaces: count the fields behind it. The start time is field 22.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return `${boot.trim()} ${fields[19] ?? ""}`;
  } catch {
    return null;
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") {
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
