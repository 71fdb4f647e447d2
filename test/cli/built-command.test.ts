import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../src/cli/package-info.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { commandAnswer } from "../support/command-answer.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");
const FIXTURE = join(packageRoot(), "test", "fixtures", "ns.conf", "exchange-2010.conf");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command as a user does; `onErr` may act while it runs. */
function run(args: readonly string[], onErr?: (err: string, kill: () => void) => void) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: process.env });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
      onErr?.(err, () => child.kill("SIGTERM"));
    });
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, out, err });
    });
  });
}

describe("built command", () => {
  test("--version › names version, revision and Node.js", async () => {
    const { code, out } = await run(["--version"]);
    expect(code).toBe(0);
    const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
      version: string;
    };
    expect(out).toMatch(
      /^adc-witness \S+ \(revision (unknown|[0-9a-f]{40}(-modified)?), Node\.js v[\d.]+\)\n$/,
    );
    expect(out).toContain(` ${version} `);
  });

  test("plan › prints JSON and nothing else with --json", async () => {
    const { code, out, err } = await run(["plan", "--ns-conf", FIXTURE, "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const parsed = commandAnswer("plan", out) as unknown as {
      probes: unknown[];
      diagnostics: { rule: string }[];
    };
    expect(parsed.probes.length).toBeGreaterThan(10);
    expect(parsed.diagnostics.map(({ rule }) => rule)).toEqual([
      "encrypted_password",
      "unused_monitor",
    ]);
  });

  test("plan › shows only what its filters select", async () => {
    const { code, out } = await run(["plan", "--ns-conf", FIXTURE, "--monitor", "e2010_rpc*"]);
    expect(code).toBe(0);
    expect(out).toContain("2 probes, 0 not repeated, 0 disabled");
  });

  test("lint › takes its options and needs a file or a rule to explain", async () => {
    expect(await run(["lint", "--explain", "tcp_only"])).toMatchObject({ code: 0, err: "" });
    const { code: misused, out: told } = await run(["lint", "--format", "json"]);
    expect(misused).toBe(1);
    expect(commandAnswer("lint", told)["error"]).toBe("missing required argument 'file'");
    expect((await run(["lint", FIXTURE, "--format", "yaml"])).code).not.toBe(0);
    const { code, out } = await run([
      ...["lint", FIXTURE, "--format", "sarif", "--severity", "warning"],
      ...["--rule", "ping_only", "--object", "exchange*"],
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ runs: [{ results: [{ ruleId: "ping_only" }] }] });
  });

  test("plan › names a file that does not exist and exits with 1", async () => {
    const { code, out, err } = await run(["plan", "--ns-conf", "/nowhere/ns.conf"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("/nowhere/ns.conf");
  });

  test("plan › fails when it gets no source", async () => {
    expect((await run(["plan"])).code).not.toBe(0);
  });

  test("demo › lists the known scenarios when the scenario is unknown", async () => {
    const { code, err } = await run(["demo", "--scenario", "earthquake"]);
    expect(code).toBe(1);
    expect(err).toContain("maintenance");
  });

  test("demo › takes a free port and says so when its usual one is taken", async () => {
    const holder = createServer();
    holder.on("error", () => undefined);
    // A demo of another test may have it for now.
    await until(
      "the port is held",
      () => holder.listening || holder.listen(9743, "127.0.0.1").listening,
      (isHeld) => isHeld,
      60_000,
    );
    const { code, out } = await run(["demo", "--scenario", "healthy", "--exit-after", "1s"]);
    holder.close();
    expect(code).toBe(0);
    expect(out).toMatch(/9743.*; a free port is used instead\.$/m);
    expect(out).toMatch(/^Page {5}http:\/\/127\.0\.0\.1:(?!9743)\d+\/$/m);
  });

  test("run › serves, and logs out of NITRO when it is stopped", async () => {
    await withLab({}, async ({ lab, configFile }) => {
      let told = false;
      const ended = await run(
        ["run", "--config", configFile, "--listen", "127.0.0.1:0"],
        (err, kill) => {
          if (!told && err.includes("serving")) {
            told = true;
            void until(
              "a session is open",
              () => lab.nitro[0]?.openSessions() ?? 0,
              (open) => open > 0,
              10_000,
            ).then(kill, kill);
          }
        },
      );
      expect(ended.code).toBe(0);
      expect(told).toBe(true);
      expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
      const requests = lab.nitro.flatMap((server) => server.requests);
      expect(requests.length).toBeGreaterThan(5);
      for (const { method, path } of requests) {
        expect(method === "GET" || /\/config\/log(in|out)$/.test(path)).toBe(true);
      }
      expect(ended.out + ended.err).not.toContain(lab.nitroCredentials.password);
    });
  });
});
