import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Agent } from "../../src/agent/agent.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { collectGarbage } from "../../bench/collect-garbage.ts";
import { estateConf } from "../../bench/estate-conf.ts";
import { repositoryRoot } from "../../bench/fuzz/root.ts";

const RELOADS = 4;
const MEMBERS = 2_000;
const DEADLINE_MS = 10_000;

interface Started {
  readonly agent: Agent;
  readonly config: Config;
  readonly stop: () => Promise<void>;
}

/** An agent that watches an ns.conf, none of whose addresses it may dial: every one is refused before a packet leaves. */
async function startAgent(nsConf: string, more: object = {}): Promise<Started> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-reload-"));
  const read = await parseConfig(
    JSON.stringify({
      agent: "test",
      state_dir: directory,
      unmapped: "refuse",
      adcs: [{ name: "lab", ns_conf: nsConf }],
      ...more,
    }),
    { file: "test.yml", baseDir: directory, env: {} },
  );
  if (read.kind === "invalid") {
    throw new Error(read.problems.map(({ message }) => message).join("\n"));
  }
  const { config } = read;
  const metrics = createMetrics({ version: "0", revision: "0", phases: false });
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const declarations = createDeclarations({
    configured: [],
    store: null,
    snapshot: null,
    onFailure: ignore,
  });
  const events = { ...metrics, probesPlanned: ignore };
  const agent = await Agent.open({ config, declarations, events, log });
  await agent.start();
  return {
    agent,
    config,
    stop: async () => {
      await agent.stop();
      metrics.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

test("reload › frees the previous configurations when it is done", async () => {
  const { agent, config, stop } = await startAgent(join(repositoryRoot(), "lab", "demo.conf"));
  try {
    const before: WeakRef<object>[] = [];
    for (let reload = 0; reload < RELOADS; reload += 1) {
      before.push(new WeakRef(agent.run), new WeakRef(agent.state));
      await agent.reload(config);
    }
    const alive = (): number => before.filter((each) => each.deref() !== undefined).length;
    const deadline = performance.now() + DEADLINE_MS;
    // A reference is kept to the end of its turn; probes that were broken off may hold theirs a little longer.
    for (collectGarbage(); alive() > 0 && performance.now() < deadline; collectGarbage()) {
      await sleep(20);
    }
    expect(alive()).toBe(0);
    expect(agent.state.probes.length).toBeGreaterThan(0);
  } finally {
    await stop();
  }
});

test("reload › shows the whole estate in every turn of the event loop when the estate is large", async () => {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-large-"));
  const nsConf = join(directory, "ns.conf");
  await writeFile(nsConf, estateConf([{ protocol: "tcp_ecv", members: MEMBERS }]));
  const { agent, config, stop } = await startAgent(nsConf);
  try {
    const before = agent.state;
    const shown = new Set<number>();
    const look = (): void => {
      shown.add(agent.state.members.length);
      if (agent.state === before) {
        setImmediate(look);
      }
    };
    look();
    await agent.reload(config);
    expect(agent.state).not.toBe(before);
    expect(shown).toEqual(new Set([MEMBERS]));
  } finally {
    await stop();
    await rm(directory, { recursive: true, force: true });
  }
});

test("reload › neither starves a probe nor exceeds its monitor's rate when it is repeated", async () => {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-storm-"));
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const nsConf = join(directory, "ns.conf");
  await writeFile(
    nsConf,
    `#NS13.1 Build 49.13
add server ex01 127.0.0.1
add serviceGroup sg TCP
add lb monitor m TCP -interval 2 -resptimeout 1 -retries 2 -downTime 2
bind serviceGroup sg ex01 ${String(port)}
bind serviceGroup sg -monitorName m
`,
  );
  const { agent, config, stop } = await startAgent(nsConf, {
    connect_to: { [`127.0.0.1:${String(port)}`]: `127.0.0.1:${String(port)}` },
  });
  const replica = (): string | undefined => agent.state.members[0]?.replica;
  const reloadUntil = async (wanted: string): Promise<number> => {
    const began = performance.now();
    while (replica() !== wanted && performance.now() - began < 20_000) {
      await agent.reload(config);
      await sleep(100);
    }
    return performance.now() - began;
  };
  try {
    const began = performance.now();
    await reloadUntil("up");
    expect(replica()).toBe("up");
    await new Promise((resolve) => server.close(resolve));
    // Two failures in a row, two seconds apart, and one interval until the first.
    expect(await reloadUntil("down")).toBeLessThan(10_000);
    expect(replica()).toBe("down");
    expect(connections).toBeLessThanOrEqual(1 + (performance.now() - began) / 2_000);
  } finally {
    await stop();
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);

function ignore(): void {
  // Nothing of it matters here.
}
