import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { BuiltAgent } from "../support/built-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const KILLS = 12;
const CONF = partOfDemo({
  groups: ["sg_imaps"],
  timing: "-interval 2 -resptimeout 1 -downTime 2",
});

/** Numbers that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

interface Window {
  readonly name: string;
  readonly servers: readonly string[];
}

async function windowsOf(agent: BuiltAgent): Promise<readonly Window[]> {
  const { text } = await agent.ask("/api/v1/maintenance");
  return (JSON.parse(text) as { windows: Window[] }).windows;
}

/** Every file of the state that is complete by its name is complete by its content. */
async function expectReadable(stateDir: string): Promise<void> {
  for (const name of await readdir(stateDir)) {
    if (/^(maintenance|accounts|since)\.json$/.test(name)) {
      const text = await readFile(join(stateDir, name), "utf8");
      expect(() => JSON.parse(text) as unknown, name).not.toThrow();
    }
  }
}

test(
  `agent › keeps acknowledged windows and readable files, and retries no account too often, when killed ${String(KILLS)} times`,
  { timeout: 480_000 },
  async () => {
    await withLab({ confText: CONF }, async ({ lab, directory, configFile, yaml, env }) => {
      const written = parse(yaml) as Record<string, unknown> & { transactions: object };
      const stateDir = join(directory, "state");
      await writeFile(
        configFile,
        stringify({
          ...written,
          state_dir: stateDir,
          members: [{ match: "ex*", exchange: "2016" }],
          transactions: {
            ...written.transactions,
            run: [
              { transaction: "imap_login", account: "probe-a", every: "10s" },
              { transaction: "imap_login", account: "probe-b", every: "10s" },
            ],
          },
        }),
      );
      // One account whose password the organisation no longer knows.
      const options = { configFile, env: { ...env, LAB_PROBE_B_PASSWORD: "long-changed" } };
      const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
      const random = numbers(20_261_125);
      const acknowledged: string[] = [];
      for (let round = 0; round < KILLS; round++) {
        const agent = await BuiltAgent.start(options);
        let alive = true;
        const declaring = (async () => {
          for (let count = 0; alive; count++) {
            const name = `round-${String(round)}-${String(count)}`;
            const body = JSON.stringify({ name, servers: ["ex09"], force: true, for: "2h" });
            const asked = { method: "POST", body, token };
            const answer = await agent.ask("/api/v1/maintenance", asked).catch(() => null);
            if (answer?.status === 200) {
              acknowledged.push(name);
            }
          }
        })();
        const diesAt = performance.now() + random() * 2_000;
        await until(
          "its hour has come",
          () => performance.now(),
          (now) => now >= diesAt,
          10_000,
        );
        await agent.end("SIGKILL");
        alive = false;
        await declaring;
        await expectReadable(stateDir);
      }
      expect(acknowledged.length).toBeGreaterThan(KILLS);

      // The lock of the dead is taken over, and everything is there.
      const agent = await BuiltAgent.start(options);
      try {
        const names = new Set((await windowsOf(agent)).map(({ name }) => name));
        expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
        await until(
          "both accounts have been tried",
          () => lab.organisation.signIns().map(({ accepted }) => accepted),
          (signIns) => signIns.includes(true) && signIns.includes(false),
          60_000,
        );
        const rejected = lab.organisation
          .signIns()
          .flatMap(({ accepted, username }) => (accepted ? [] : [username]));
        expect(new Set(rejected)).toEqual(new Set(["LAB\\probe-b"]));
        expect(rejected.length).toBeLessThanOrEqual(2);
        expect(await agent.end()).toBe(0);
      } finally {
        await agent.end("SIGKILL");
      }
    });
  },
);
