import { execFileSync } from "node:child_process";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Agent } from "../../src/agent/agent.ts";
import { readSince, SINCE_FILE, writeSince } from "../../src/agent/kept-state.ts";
import { parseConfig } from "../../src/config/load.ts";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { configOf } from "../support/in-process-agent.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { smallEstate } from "./small-estate.ts";

const CONF = `add server ex01 192.0.2.11
add serviceGroup sg TCP
bind serviceGroup sg ex01 143
`;

function silentWatch(): StorageWatch {
  const nothing = (): void => undefined;
  return new StorageWatch({ warn: nothing, error: nothing });
}

describe("readSince", () => {
  test("reads what writeSince wrote", async () => {
    const folder = join(await temporaryFolder(), "state");
    const { state } = smallEstate(CONF);
    state.evaluateAll();
    await writeSince(folder, state);
    const { members, writtenAt } = await readSince(folder, silentWatch());
    expect(Object.values(members)).toMatchObject([{ verdict: state.members[0]?.verdict }]);
    expect(Math.abs(Date.now() - writtenAt)).toBeLessThan(60_000);
  });

  test.each([
    ["cut off", (path: string) => writeFile(path, '{"a')],
    ["empty", (path: string) => writeFile(path, "")],
    ["something else", (path: string) => writeFile(path, '{"version":2}')],
    ["a pipe", async (path: string) => void execFileSync("mkfifo", [path])],
    ["a link", (path: string) => symlink("/etc/hostname", path)],
  ])(
    "sets a file aside that is %s, and reports it, only when a watch owns the directory",
    async (_name, make) => {
      const folder = await temporaryFolder();
      await make(join(folder, SINCE_FILE));
      expect(await readSince(folder)).toEqual({ members: {}, writtenAt: 0 });
      expect(await readdir(folder)).toEqual([SINCE_FILE]);
      const watch = silentWatch();
      expect(await readSince(folder, watch)).toEqual({ members: {}, writtenAt: 0 });
      expect(await readdir(folder)).toEqual([expect.stringMatching(/^since\.json\.set-aside-/)]);
      expect(watch.health.problems).toEqual([expect.stringContaining("verdict times start over")]);
    },
  );
});

test("writeSince › never writes through a link", async () => {
  const folder = await temporaryFolder();
  const victim = join(folder, "victim");
  await writeFile(victim, "precious");
  await symlink(victim, join(folder, `${SINCE_FILE}.new`));
  await writeSince(folder, smallEstate(CONF).state);
  expect(await readFile(victim, "utf8")).toBe("precious");
});

test("Agent › writes since.json one write at a time when a stop meets those of the timer", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const folder = await temporaryFolder();
  await writeFile(join(folder, "ns.conf"), CONF);
  const text = JSON.stringify({
    agent: "test",
    state_dir: join(folder, "state"),
    // Nothing is dialled: every address is refused before a packet leaves.
    unmapped: "refuse",
    adcs: [{ name: "lab", ns_conf: "ns.conf" }],
  });
  const config = await configOf(parseConfig(text, { file: "test.yml", baseDir: folder, env: {} }));
  const metrics = createMetrics({ version: "0", revision: "0", phases: false });
  onTestFinished(() => {
    metrics.close();
  });
  const ignore = (): void => undefined;
  const storage = silentWatch();
  const agent = await Agent.open({
    config,
    storage,
    declarations: createDeclarations({
      configured: [],
      store: null,
      snapshot: null,
      onFailure: ignore,
    }),
    events: { ...metrics, probesPlanned: ignore },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  await agent.start();
  const writes = 5;
  vi.advanceTimersByTime(writes * 60_000);
  await agent.stop();
  expect(storage.health).toEqual({ writable: true, writeErrors: 0, problems: [] });
  expect(Object.keys((await readSince(config.stateDir)).members)).toHaveLength(1);
});
