import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../src/cli/package-info.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import { takeLock, type FileLock } from "../../src/lib/lock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const BUILT = pathToFileURL(join(packageRoot(), "dist", "src", "lib", "lock.js")).href;
/** Takes the lock, prints the result and its own process number, and keeps the lock until it is killed. */
const HOLDER = `
  const { takeLock } = await import(${JSON.stringify(BUILT)});
  const result = await takeLock(process.argv[1], { signed: true });
  console.log(JSON.stringify({ kind: result.kind, pid: process.pid }));
  if (result.kind === "held") setInterval(() => {}, 1000);
`;

async function lockPath(): Promise<string> {
  return join(await temporaryFolder(), "state.lock");
}

/** A process that tries to take the lock, started through other programs; its own number within its PID namespace. */
async function contender(
  path: string,
  through: readonly string[] = [],
): Promise<{ readonly child: ChildProcess; readonly kind: string; readonly pid: number }> {
  const node = [process.execPath, "--input-type=module", "--eval", HOLDER, "--", path];
  const [program = "", ...args] = [...through, ...node];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { kind: string; pid: number }) };
}

async function held(path: string, patienceMs = 0, watch?: StorageWatch): Promise<FileLock> {
  const result = await takeLock(path, { patienceMs, watch });
  if (result.kind !== "held") {
    throw new Error(JSON.stringify(result));
  }
  return result.lock;
}

/** Whether this user may make namespaces of host names and processes. */
function namespaces(): boolean {
  try {
    execFileSync("unshare", ["--uts", "--pid", "--fork", "--mount-proc", "true"], {
      stdio: "ignore",
    });
    return true;
  } catch (error) {
    if (process.env["CI"] !== undefined && process.env["CI"] !== "") {
      throw new Error("UTS and PID namespaces cannot be made (root)", { cause: error });
    }
    return false;
  }
}

/** Runs a command as a container would see itself: a host name, and process numbers from 1 on. */
function container(hostName: string): readonly string[] {
  const script = `hostname ${hostName}; exec "$@"`;
  return ["unshare", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"];
}

describe("takeLock", () => {
  test("succeeds at once when the holder is killed", async () => {
    const path = await lockPath();
    const { child, kind } = await contender(path);
    expect(kind).toBe("held");
    expect(await takeLock(path)).toMatchObject({
      kind: "busy",
      holder: expect.stringContaining(`process ${String(child.pid)}`) as string,
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await held(path)).release();
  });

  test("is busy while the holder is stopped", async () => {
    const path = await lockPath();
    const { child } = await contender(path);
    child.kill("SIGSTOP");
    expect((await takeLock(path, { patienceMs: 300 })).kind).toBe("busy");
    child.kill("SIGCONT");
  });

  test.runIf(process.platform === "linux")("succeeds when the holder is a zombie", async () => {
    const path = await lockPath();
    // A parent that never asks what became of its child.
    const through = ["sh", "-c", '"$@" & exec sleep 60', "sh"];
    const { pid } = await contender(path, through);
    process.kill(pid, "SIGKILL");
    // A killed process lets go of its lock on the way out, a moment before it is a zombie.
    await expect
      .poll(() => readFile(`/proc/${String(pid)}/stat`, "utf8"), { timeout: 30_000 })
      .toMatch(/\) Z /);
    await (await held(path, 5_000)).release();
  });

  test("succeeds when the lock is released within the waiting time", async () => {
    const path = await lockPath();
    const first = await held(path);
    const second = held(path, 10_000);
    await first.release();
    await (await second).release();
  });

  test("gives the lock to one at a time when many callers in a process wait", async () => {
    const path = await lockPath();
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const result = await takeLock(path, { patienceMs: 20_000 });
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        await (result.kind === "held" ? result.lock.release() : Promise.reject(new Error("late")));
      }),
    );
    expect(most).toBe(1);
  });

  test("lets the holder know when its file was removed or replaced", async () => {
    const path = await lockPath();
    const lock = await held(path);
    expect(await lock.stillHeld()).toBe(true);
    await writeFile(`${path}.other`, "");
    execFileSync("mv", [`${path}.other`, path]);
    expect(await lock.stillHeld()).toBe(false);
    execFileSync("rm", [path]);
    expect(await lock.stillHeld()).toBe(false);
    await lock.release();
  });

  test.each([
    ["a pipe", async (path: string) => void execFileSync("mkfifo", [path])],
    ["a directory", (path: string) => mkdir(path)],
    ["a link", (path: string) => symlink("/etc/hostname", path)],
  ])("sets the file aside and succeeds when it is %s", async (_name, make) => {
    const path = await lockPath();
    await make(path);
    const lock = await held(path);
    expect(await lock.stillHeld()).toBe(true);
    expect((await readdir(join(path, ".."))).sort()).toEqual([
      "state.lock",
      expect.stringMatching(/^state\.lock\.set-aside-/),
    ]);
    await lock.release();
  });

  test("leaks no descriptor and reports to the storage watch when the file is not regular", async () => {
    const path = await lockPath();
    const told: unknown[] = [];
    const watch = new StorageWatch({
      warn: () => undefined,
      error: (fields) => told.push(fields),
    });
    const before = (await readdir("/proc/self/fd")).length;
    for (let count = 0; count < 20; count += 1) {
      execFileSync("rm", ["-rf", path]);
      execFileSync("mkfifo", [path]);
      await (await held(path, 0, watch)).release();
    }
    expect((await readdir("/proc/self/fd")).length).toBeLessThan(before + 10);
    expect(told).toHaveLength(20);
    expect(told[0]).toMatchObject({ path, problem: "not a regular file" });
  });

  test("fails with the reason when the directory is missing", async () => {
    expect(await takeLock("/nowhere/at/all/state.lock")).toEqual({
      kind: "failed",
      message: "ENOENT",
    });
  });
});

describe.runIf(process.platform === "linux" && namespaces())("takeLock between containers", () => {
  test("is busy for a second container with the same host name and process number", async () => {
    const path = await lockPath();
    const first = await contender(path, container("node1"));
    const second = await contender(path, container("node1"));
    expect(first).toMatchObject({ kind: "held", pid: second.pid });
    expect(second.kind).toBe("busy");
  });

  test("succeeds for a container of another name when the first was killed", async () => {
    const path = await lockPath();
    const first = await contender(path, container("4f1c0ffee001"));
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    await (await held(path, 5_000)).release();
    expect((await contender(path, container("9a7beef00002"))).kind).toBe("held");
  });
});
