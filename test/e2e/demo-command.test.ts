import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { packageRoot } from "../../src/cli/package-info.ts";
import type { Cleanup } from "../support/compared-world.ts";
import { until } from "../support/lab-agent.ts";
import { missing } from "../support/real-servers.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");

async function folderUntil(cleanUp: Cleanup): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "adc-witness-"));
  cleanUp(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Started {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly ended: Promise<number | null>;
}

function start(program: string, args: readonly string[]): Started {
  const child = spawn(program, args, { env: { ...process.env, TERM: "xterm" } });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, out: () => out, ended };
}

function startDemo(...args: readonly string[]): Started {
  return start(process.execPath, [MAIN, "demo", "--scenario", "healthy", "--port", "0", ...args]);
}

/** A command as it is typed in the second terminal. */
async function typed(...args: readonly string[]): Promise<{ code: number | null; out: string }> {
  const { ended, out } = start(process.execPath, [MAIN, ...args]);
  return { code: await ended, out: out() };
}

describe.skipIf(missing("script", "bsdutils") !== null)("demo on a terminal", () => {
  test.concurrent.for(["Ctrl-C", "SIGTERM", "an exception"])(
    "restores the terminal after %s",
    { timeout: 120_000 },
    async (how, { onTestFinished }) => {
      const folder = await folderUntil(onTestFinished);
      const pidFile = join(folder, "pid");
      const breaks = join(folder, "breaks.mjs");
      await writeFile(
        breaks,
        "process.on('SIGUSR2', () => { throw new Error('broken on purpose'); });",
      );
      // The program that `script` runs is the shell's own process then.
      const command = `echo $$ > ${pidFile}; exec ${process.execPath} --import ${breaks} ${MAIN} demo --port 0`;
      const { child, out, ended } = start("script", ["-qec", command, "/dev/null"]);
      await until("the screen", out, (text) => text.includes("\u001b[1;1H"), 40_000);
      const pid = Number(await readFile(pidFile, "utf8"));
      if (how === "Ctrl-C") {
        child.stdin?.write("\u0003");
      } else {
        process.kill(pid, how === "SIGTERM" ? "SIGTERM" : "SIGUSR2");
      }
      expect(await ended).toBe(how === "an exception" ? 1 : 0);
      const text = out();
      expect(text.indexOf("\u001b[?1049h\u001b[?25l")).toBeGreaterThan(0);
      const leaves = text.indexOf("\u001b[?25h\u001b[?1049l");
      expect(leaves).toBeGreaterThan(text.lastIndexOf("\u001b[2K"));
      expect(text.split("\u001b[?1049l")).toHaveLength(2);
      expect(text.includes("broken on purpose")).toBe(how === "an exception");
    },
  );
});

describe("demo --write-config", () => {
  test.concurrent(
    "lets plan, probe, compare and maintenance work in a second terminal",
    async ({ onTestFinished }) => {
      const folder = join(await folderUntil(onTestFinished), "try");
      const demo = startDemo("--write-config", folder);
      const config = ["--config", join(folder, "adc-witness.yml")];
      try {
        await until("the page", demo.out, (text) => /^Page {5}http/m.test(text), 40_000);
        await until("all agree", demo.out, (text) => /^\S+ All \d+ rows agree/m.test(text), 60_000);
        expect((await stat(join(folder, "lab-nitro-password"))).mode & 0o077).toBe(0);
        const plan = await typed("plan", ...config, "--server", "ex02");
        expect([plan.code, plan.out.includes("imap_greeting")]).toEqual([0, true]);
        const probe = await typed("probe", "ex02:993", ...config, "--monitor", "imap_greeting");
        expect(probe.out).toMatch(/^PASSED/);
        expect(probe.code).toBe(0);
        const started = await typed("maintenance", "start", "ex02", "--for", "1h", ...config);
        expect(started.out).toMatch(/^WITNESS OK/);
        expect(started.code).toBe(0);
        const listed = await typed("maintenance", "list", ...config);
        expect(listed.out).toMatch(/^ex02 +open/m);
        const compared = await typed("compare", ...config, "--server", "ex03");
        expect(compared.out).toMatch(/^WITNESS (OK|WARNING) - 0 of \d+ disagree/);
      } finally {
        demo.child.kill("SIGTERM");
      }
      expect(await demo.ended).toBe(0);
    },
    180_000,
  );

  test.concurrent(
    "replaces its own configuration and no other",
    async ({ onTestFinished }) => {
      const folder = await folderUntil(onTestFinished);
      const file = join(folder, "adc-witness.yml");
      await writeFile(file, "agent: dc1\n");
      const refused = startDemo("--write-config", folder, "--exit-after", "1s");
      expect(await refused.ended).toBe(1);
      expect(refused.out()).toContain("was not written by the demo");
      expect(await readFile(file, "utf8")).toBe("agent: dc1\n");

      const own = join(folder, "own");
      for (const port of ["0", "1"]) {
        const round = startDemo("--write-config", own, "--exit-after", "1s");
        expect([port, await round.ended]).toEqual([port, 0]);
      }
      expect(existsSync(join(own, "state"))).toBe(true);
    },
    120_000,
  );
});

describe("demo --adc-only", () => {
  test("shows an agent of its own what is typed at the console", async ({ onTestFinished }) => {
    const folder = await folderUntil(onTestFinished);
    const adc = startDemo("--adc-only", "--write-config", folder);
    const file = join(folder, "adc-witness.yml");
    const type = async (line: string, answer: RegExp): Promise<void> => {
      const before = adc.out().length;
      adc.child.stdin?.write(`${line}\n`);
      await until(
        line,
        () => adc.out().slice(before),
        (text) => answer.test(text),
        20_000,
      );
    };
    await until("the console", adc.out, (text) => text.includes("Type help"), 40_000);
    const { agent } = parse(await readFile(file, "utf8")) as { agent: string };
    expect(agent).toBe("demo");
    await type("help", /disable server NAME/);
    await type("disable server nobody", /^ERROR: No such resource \[name, nobody\]$/m);
    await type("exchange ex02 maintenance imap", /^Done$/m);
    await type("disable serviceGroup sg_owa ex02 443", /^Done$/m);
    await type("status", /^sg_owa +ex02:443 +OUT OF SERVICE$/m);
    const compared = await typed("compare", "--config", file, "--server", "ex02", "--json");
    const { rows } = JSON.parse(compared.out) as {
      rows: { adc_service: string; server: string; opinions: object }[];
    };
    const said = (group: string) =>
      rows.find((row) => row.adc_service === group && row.server === "ex02")?.opinions;
    expect(said("sg_owa")).toMatchObject({ adc: "out", service: "up" });
    expect(said("sg_imaps")).toMatchObject({ adc: "up", service: "down" });
    await type("enable serviceGroup sg_owa ex02 443", /^Done$/m);
    await type("status", /^sg_owa +ex02:443 +(UP|DOWN|UNKNOWN)$/m);
    adc.child.stdin?.write("quit\n");
    expect(await adc.ended).toBe(0);
  }, 180_000);
});
