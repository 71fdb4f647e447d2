import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { BuiltAgent, mismatchesIn } from "../support/built-agent.ts";
import { debianProgram } from "../support/debian-program.ts";
import { allAgree, withWatchedLab, type WatchedLab } from "./watched-lab.ts";

const run = promisify(execFile);
const prlimit = debianProgram("prlimit", "util-linux");

/** Mounts a file system of 256 KB at this place; false where this user may not. */
async function mountSmall(directory: string): Promise<boolean> {
  await mkdir(directory, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]);
    return true;
  } catch {
    return false;
  }
}

/** How a disk is made full, and empty again. */
interface Filling {
  readonly fill: (agent: BuiltAgent, stateDir: string) => Promise<void>;
  readonly empty: (agent: BuiltAgent, stateDir: string) => Promise<void>;
}

const FILE_SYSTEM: Filling = {
  fill: async (_agent, stateDir) => {
    const filler = join(stateDir, "filler");
    await expect(writeFile(filler, Buffer.alloc(1024 * 1024))).rejects.toThrow(/ENOSPC/);
  },
  empty: async (_agent, stateDir) => rm(join(stateDir, "filler")),
};
/** The process may make no file longer than nothing: `EFBIG` in place of `ENOSPC`, and no mount is needed. */
const FILE_SIZE: Filling = {
  fill: async (agent) => agent.limit("fsize", 0),
  empty: async (agent) => agent.limit("fsize", "unlimited"),
};

async function declare(agent: BuiltAgent, token: string, name: string) {
  const body = JSON.stringify({
    name,
    servers: ["ex09"],
    force: true,
    for: "2h",
    reason: "a test",
  });
  return agent.ask("/api/v1/maintenance", { method: "POST", body, token });
}

async function windows(agent: BuiltAgent): Promise<string[]> {
  const { text } = await agent.ask("/api/v1/maintenance");
  const listed = JSON.parse(text) as { windows: { name: string }[] };
  return listed.windows.map(({ name }) => name).sort();
}

async function fillAndEmpty(
  { agent, directory, options }: WatchedLab,
  stateDir: string,
  filling: Filling,
  word: RegExp,
): Promise<void> {
  const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
  expect((await declare(agent, token, "before")).status).toBe(200);
  const stored = await readFile(join(stateDir, "maintenance.json"), "utf8");

  await filling.fill(agent, stateDir);
  const refused = await declare(agent, token, "while-full");
  expect(refused.status).toBeGreaterThanOrEqual(500);
  expect(refused.text).toMatch(word);
  // Told before anybody misses a login.
  const metrics = await agent.metrics();
  expect(metrics).toContain("\nadc_witness_state_writable 0\n");
  expect(metrics).toMatch(/\nadc_witness_state_write_errors_total [1-9]/);
  expect((await agent.ask("/-/ready")).text).toMatch(word);
  expect(agent.lines.join("\n")).toContain("cannot write to state_dir");
  // What was stored stands, on the disk and in the agent, and the watch goes on.
  expect(await readFile(join(stateDir, "maintenance.json"), "utf8")).toBe(stored);
  expect(await windows(agent)).toEqual(["before"]);
  await allAgree(agent);

  await filling.empty(agent, stateDir);
  expect((await declare(agent, token, "after")).status).toBe(200);
  expect(await windows(agent)).toEqual(["after", "before"]);
  expect(mismatchesIn(await agent.metrics())).toEqual([]);
  expect(await agent.end()).toBe(0);

  const again = await BuiltAgent.start(options);
  try {
    expect(await windows(again)).toEqual(["after", "before"]);
  } finally {
    await again.end();
  }
}

async function goesThrough(filling: Filling, small: boolean, word: RegExp): Promise<boolean> {
  let stateDir = "";
  let mounted = false;
  await withWatchedLab(
    {
      change: (written) => {
        stateDir = join(String(written["state_dir"]), "state");
        return { ...written, state_dir: stateDir };
      },
      before: async () => {
        mounted = small && (await mountSmall(stateDir));
      },
    },
    async (world) => {
      try {
        if (mounted || !small) {
          await fillAndEmpty(world, stateDir, filling, word);
        }
      } finally {
        if (mounted) {
          await run("umount", ["--lazy", stateDir]);
        }
      }
    },
  );
  return mounted || !small;
}

/** Hands out a state directory that takes no writes from the start; false where this user may not make one. */
async function mountReadOnly(directory: string): Promise<boolean> {
  if (!(await mountSmall(directory))) {
    return false;
  }
  await run("mount", ["-o", "remount,ro", directory]);
  return true;
}

test(
  "agent › watches with a read-only state directory and uses it once it can be written",
  { timeout: 120_000 },
  async (context) => {
    let stateDir = "";
    let mounted = false;
    await withWatchedLab(
      {
        change: (written) => {
          stateDir = join(String(written["state_dir"]), "state");
          return { ...written, state_dir: stateDir };
        },
        before: async () => {
          mounted = await mountReadOnly(stateDir);
        },
      },
      async ({ agent, directory }) => {
        if (!mounted) {
          return;
        }
        try {
          const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
          expect((await declare(agent, token, "early")).text).toMatch(/EROFS/);
          expect(await agent.metrics()).toContain("\nadc_witness_state_writable 0\n");
          expect((await agent.ask("/-/ready")).text).toMatch(/cannot be written: EROFS/);
          await run("mount", ["-o", "remount,rw", stateDir]);
          expect((await declare(agent, token, "later")).status).toBe(200);
          expect(await windows(agent)).toEqual(["later"]);
          expect(await agent.end()).toBe(0);
        } finally {
          await run("umount", ["--lazy", stateDir]);
        }
      },
    );
    if (!mounted) {
      context.skip("mounting needs root");
    }
  },
);

describe("agent with a full disk", () => {
  test(
    "keeps stored data and reports the error when the file system is full",
    { timeout: 120_000 },
    async (context) => {
      if (!(await goesThrough(FILE_SYSTEM, true, /ENOSPC/))) {
        context.skip("mounting needs root");
      }
    },
  );

  test.skipIf(prlimit === null)(
    "keeps stored data and reports the error when files may not grow",
    { timeout: 120_000 },
    async () => {
      await goesThrough(FILE_SIZE, false, /EFBIG/);
    },
  );
});
