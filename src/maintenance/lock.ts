import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/**
 * A lock on a directory that survives crashes of its holder. Everybody who wants it raises a flag of his own (a file
 * whose name nobody else has) and then looks for others: of two, at least one sees the other, so that never two hold
 * it. Flags of the dead are swept away, which can harm nobody, for a name is never used twice.
 */
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
}

/** Flags are looked at so often before the lock counts as busy. */
const LOOKS = 20;
const LOOK_EVERY_MS = 10;

/**
 * Takes the lock, or says who has it. A flag whose holder no longer lives on this host does not count; one from another
 * host, or one that cannot be read, does. `prefix` begins the names of the flags in the directory.
 */
export async function takeLock(directory: string, prefix: string): Promise<LockResult> {
  const own: Flag = { name: `${prefix}${randomUUID()}`, holder: await ownHolder() };
  const lower = (): Promise<void> => unlinkIfThere(join(directory, own.name));
  try {
    if (await compete(directory, prefix, own, lower)) {
      return { kind: "held", lock: { release: lower } };
    }
    await lower();
    const [first] = await livingFlags(directory, prefix, own.name);
    return { kind: "busy", holder: first?.holder ?? null };
  } catch (error) {
    await lower().catch(() => undefined);
    return { kind: "failed", message: codeOf(error) };
  }
}

interface Flag {
  readonly name: string;
  /** Null when the file tells nothing: somebody's, nobody knows whose. */
  readonly holder: LockHolder | null;
}

/** Of several who come at once, the one whose name is first keeps its flag up; the others lower theirs and look again. */
async function compete(
  directory: string,
  prefix: string,
  own: Flag,
  lower: () => Promise<void>,
): Promise<boolean> {
  let raised = false;
  for (let look = 0; look < LOOKS; look += 1) {
    const others = await livingFlags(directory, prefix, own.name);
    if (others.length === 0) {
      if (raised) {
        return true;
      }
      await raise(directory, own);
      raised = true;
    } else {
      if (raised && others.some(({ name }) => name < own.name)) {
        await lower();
        raised = false;
      }
      await wait(LOOK_EVERY_MS);
    }
  }
  return false;
}

/** A flag is there whole or not at all. */
async function raise(directory: string, flag: Flag): Promise<void> {
  const beside = join(directory, `new-${flag.name}`);
  await writeFile(beside, `${JSON.stringify(flag.holder)}\n`, { mode: 0o600 });
  await rename(beside, join(directory, flag.name));
}

async function livingFlags(directory: string, prefix: string, own: string): Promise<Flag[]> {
  const names = (await readdir(directory))
    .filter((name) => name.startsWith(prefix) && name !== own)
    .sort();
  const living: Flag[] = [];
  for (const name of names) {
    const holder = await readHolder(join(directory, name));
    if (holder === "missing") {
      continue;
    }
    if (holder === null || (await lives(holder))) {
      living.push({ name, holder });
    } else {
      await unlinkIfThere(join(directory, name));
    }
  }
  return living;
}

async function readHolder(path: string): Promise<LockHolder | "missing" | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return codeOf(error) === "ENOENT" ? "missing" : null;
  }
  try {
    const data = JSON.parse(text) as Partial<LockHolder>;
    return typeof data.pid === "number" && typeof data.host === "string"
      ? { pid: data.pid, host: data.host, born: data.born ?? null }
      : null;
  } catch {
    // Not JSON: nobody can say whose it is.
    return null;
  }
}

async function ownHolder(): Promise<LockHolder> {
  return { pid: process.pid, host: hostname(), born: await bornOf(process.pid) };
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

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") {
      throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
