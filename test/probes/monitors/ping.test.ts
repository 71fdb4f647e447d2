import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runMonitor, type MonitorResult } from "../../../src/probes/monitors/registry.ts";
import type { Network } from "../../../src/net/network.ts";
import type { ProbeContext } from "../../../src/net/probe-context.ts";
import { EchoBatches, fpingArguments, readFpingLine } from "../../../src/net/fping.ts";
import { until } from "../../support/contract.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import {
  networkNamespace,
  noNamespaces,
  type NetworkNamespace,
} from "../../support/network-namespace.ts";
import { probeContext } from "../../support/probe-context.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { missing } from "../../support/real-servers.ts";

const PLUGINS = "/usr/lib/nagios/plugins";
const absent =
  missing("fping", "fping") ??
  missing("ping", "iputils-ping") ??
  missing(`${PLUGINS}/check_ping`, "monitoring-plugins-basic") ??
  noNamespaces();

/** Behind routes to loopback's own device, where nobody has these addresses and so nobody answers. */
const SILENT = "10.55.0.7";
const SILENT_6 = "fd55::7";
const NO_ROUTE = "10.99.0.7";

function ping(
  host: string,
  context: ProbeContext = probeContext(),
  reverse = false,
): Promise<MonitorResult> {
  const spec = monitorSpec("PING");
  return runMonitor(
    { ...spec, monitor: { ...spec.monitor, reverse } },
    { host, port: 0, server: null },
    context,
  );
}

/** A network of the probes' whose fping is another program. */
function networkWith(program: string): Network {
  return { ...probeContext().network, echoes: new EchoBatches(program) };
}

describe.skipIf(absent !== null)("PING monitor with fping", () => {
  let world: NetworkNamespace;
  const before = process.env["PATH"] ?? "";
  beforeAll(async () => {
    world = await networkNamespace({ fping: ["/usr/bin/fping"], ping: ["/usr/bin/ping"] });
    world.run(["ip", "route", "add", "10.55.0.0/24", "dev", "lo"]);
    world.run(["ip", "-6", "route", "add", "fd55::/64", "dev", "lo"]);
    process.env["PATH"] = `${world.programs}:${before}`;
  });
  afterAll(async () => {
    process.env["PATH"] = before;
    await world.close();
  });

  /** How often each program was started by `work`. */
  async function started(
    work: () => Promise<unknown>,
  ): Promise<{ readonly fping: number; readonly ping: number }> {
    const count = (program: string): number => world.starts(program).length;
    const [fping, single] = [count("fping"), count("ping")];
    await work();
    return { fping: count("fping") - fping, ping: count("ping") - single };
  }

  test("shares one process and keeps results apart when targets are pinged together", async () => {
    const { network } = probeContext();
    await ping("127.0.0.1", probeContext(20_000, { network }));
    const hosts = Array.from({ length: 40 }, (_, index) => `127.0.3.${String(index + 1)}`);
    const starts = await started(async () => {
      const results = await Promise.all(
        [...hosts, "127.0.3.1"].map((host) => ping(host, probeContext(20_000, { network }))),
      );
      results.forEach(({ passed, observation }, index) => {
        expect(passed).toBe(true);
        expect(observation).toMatchObject({ outcome: "match", reason: "ok", step: "response" });
        expect(observation.responseTimeMs).toBeLessThan(1_000);
        const host = hosts[index] ?? "127.0.3.1";
        expect(observation.evidence.transcript).toContain(`< ${host} is alive (`);
      });
    });
    expect(starts).toEqual({ fping: 1, ping: 0 });
  });

  test("limits the batch size and uses separate batches for families and source addresses", async () => {
    const { network } = probeContext();
    const context = (localAddress: string | null): ProbeContext =>
      probeContext(20_000, { network, localAddress });
    const hosts = Array.from({ length: 65 }, (_, index) => `127.0.4.${String(index + 1)}`);
    const starts = await started(async () => {
      const results = await Promise.all([
        ...hosts.map((host) => ping(host, context(null))),
        ping("127.0.0.1", context("127.0.0.9")),
        ping("::1", context(null)),
      ]);
      expect(results.map(({ passed }) => passed)).toEqual(results.map(() => true));
    });
    // Two for 65 targets, one for the source address, one for IPv6, and one trial of each family.
    expect(starts).toEqual({ fping: 6, ping: 0 });
  });

  const SLOW_MS = 8_000;
  test("times out each silent target at its own timeout without delaying the others", async () => {
    const { network } = probeContext();
    const context = (timeoutMs: number): ProbeContext => probeContext(timeoutMs, { network });
    const [quick, slow, alive, unsent] = await Promise.all([
      ping(SILENT, context(700)),
      ping("10.55.0.8", context(SLOW_MS)),
      ping("127.0.0.1", context(20_000)),
      ping(NO_ROUTE, context(20_000)),
    ]);
    expect(quick.observation).toMatchObject({ outcome: "timeout", reason: "response_timeout" });
    expect(slow.observation).toMatchObject({ outcome: "timeout", reason: "response_timeout" });
    expect(alive.passed).toBe(true);
    expect(unsent).toMatchObject({
      passed: null,
      observation: { outcome: "fault", reason: "unreachable" },
    });
    expect(unsent.observation.evidence.detail).toMatch(/Network is unreachable/);
    expect(quick.observation.durationMs).toBeGreaterThanOrEqual(695);
    expect(slow.observation.durationMs).toBeGreaterThanOrEqual(SLOW_MS - 100);
    // The rest is what a busy machine may take to start a process.
    expect(quick.observation.durationMs).toBeLessThan(SLOW_MS - 500);
    expect(alive.observation.durationMs).toBeLessThan(SLOW_MS - 500);
  });

  test("passes with reverse only when nothing replies", async () => {
    const { network } = probeContext();
    const reversed = (host: string): Promise<MonitorResult> =>
      ping(host, probeContext(4_000, { network }), true);
    const all = await Promise.all([SILENT, "127.0.0.1", NO_ROUTE].map(reversed));
    expect(all.map(({ passed }) => passed)).toEqual([true, false, null]);
  });

  test("reports agent_fault when the source address is not local", async () => {
    const { observation } = await ping(
      "127.0.0.1",
      probeContext(20_000, { localAddress: "10.9.9.9" }),
    );
    expect(observation).toMatchObject({ outcome: "fault", reason: "agent_fault" });
    expect(observation.evidence.detail).toMatch(/[Cc]annot assign requested address/);
  });

  test("ends every probe at once and leaves no process when aborted", async () => {
    const { network } = probeContext();
    await ping("127.0.0.1", probeContext(20_000, { network }));
    const earlier = world.starts("fping").length;
    const controller = new AbortController();
    const context = probeContext(60_000, { network, signal: controller.signal });
    const all = Promise.all([SILENT, "10.55.0.8", "10.55.0.9"].map((host) => ping(host, context)));
    await until(() => world.starts("fping").length > earlier);
    const running = world.starts("fping").slice(earlier);
    controller.abort();
    for (const { observation } of await all) {
      expect(observation).toMatchObject({ outcome: "fault", reason: "agent_fault" });
      expect(observation.durationMs).toBeLessThan(30_000);
    }
    expect(running).toHaveLength(1);
    await until(() => running.every((pid) => !existsSync(`/proc/${String(pid)}`)));
    // While it is still gathered no process is started at all.
    const late = new AbortController();
    const gathered = ping(SILENT, probeContext(60_000, { network, signal: late.signal }));
    late.abort();
    expect((await gathered).observation.outcome).toBe("fault");
  });

  test("starts one ping per target when fping is missing", async () => {
    const network = networkWith("/nowhere/fping");
    const starts = await started(async () => {
      for (let round = 0; round < 2; round += 1) {
        const results = await Promise.all(
          ["127.0.0.1", "127.0.0.2", "::1"].map((host) =>
            ping(host, probeContext(20_000, { network })),
          ),
        );
        expect(results.map(({ passed }) => passed)).toEqual([true, true, true]);
      }
    });
    expect(starts).toEqual({ fping: 0, ping: 6 });
  });

  test("passes by ping when fping may not open raw sockets", async () => {
    // Copies have no file capabilities. Echoes over sockets without privileges are allowed, as systemd's defaults do.
    const copies = await temporaryFolder();
    const plain = (program: string): readonly string[] => {
      copyFileSync(`/usr/bin/${program}`, join(copies, program));
      return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", join(copies, program)];
    };
    const unprivileged = await networkNamespace({ fping: plain("fping"), ping: plain("ping") });
    onTestFinished(() => unprivileged.close());
    unprivileged.run(["sh", "-c", "echo 0 0 > /proc/sys/net/ipv4/ping_group_range"]);
    process.env["PATH"] = `${unprivileged.programs}:${before}`;
    onTestFinished(() => {
      process.env["PATH"] = `${world.programs}:${before}`;
    });
    const { network } = probeContext();
    for (let round = 0; round < 2; round += 1) {
      const context = probeContext(20_000, { network });
      const results = await Promise.all(
        ["127.0.0.1", "127.0.0.2"].map((host) => ping(host, context)),
      );
      expect(results.map(({ passed }) => passed)).toEqual([true, true]);
    }
    expect(unprivileged.starts("fping").length).toBeGreaterThan(0);
  });

  describe("compared with ping and the monitoring-plugins", () => {
    /** Exit statuses of check_ping and check_icmp, within so many seconds. */
    const plugins = (host: string, seconds: number): (number | null)[] => {
      const limits = ["-H", host, "-w", "900,100%", "-c", "900,100%", "-t", String(seconds)];
      return [
        [`${PLUGINS}/check_ping`, ...limits, "-p", "1"],
        [`${PLUGINS}/check_icmp`, ...limits, "-n", "1"],
      ].map((command) => {
        try {
          world.run(command);
          return 0;
        } catch (error) {
          return (error as { status: number | null }).status;
        }
      });
    };
    test.each([
      ["127.0.0.1", true, 0],
      ["127.9.9.9", true, 0],
      ["::1", true, 0],
      [SILENT, false, 2],
      [SILENT_6, false, 2],
    ] as const)("gives the same result for %s", async (host, expected, status) => {
      const timeoutMs = expected ? 20_000 : 1_500;
      const byFping = await ping(host, probeContext(timeoutMs));
      const byPing = await ping(
        host,
        probeContext(timeoutMs, { network: networkWith("/nowhere/fping") }),
      );
      expect([byFping.passed, byPing.passed]).toEqual([expected, expected]);
      expect(byFping.observation.outcome).toBe(byPing.observation.outcome);
      expect(plugins(host, expected ? 20 : 3)).toEqual([status, status]);
    });

    test("is unknown when there is no route, which the plugins call critical", async () => {
      const byFping = await ping(NO_ROUTE, probeContext(20_000));
      const byPing = await ping(NO_ROUTE, probeContext(20_000, { network: networkWith("/none") }));
      for (const { passed, observation } of [byFping, byPing]) {
        expect(passed).toBe(null);
        expect(observation).toMatchObject({ outcome: "fault", reason: "unreachable" });
      }
      expect(plugins(NO_ROUTE, 3)).toEqual([2, 2]);
    });
  });
});

describe("fping program", () => {
  test("is started with family, source address and one timeout for the batch", () => {
    const plan = { family: 4, localAddress: "192.0.2.9", timeoutMs: 1999.2 } as const;
    const line = fpingArguments({ ...plan, addresses: ["192.0.2.1", "192.0.2.2"] }).join(" ");
    expect(line).toBe("-4 -r 0 -t 2000 -i 1 -e -S 192.0.2.9 192.0.2.1 192.0.2.2");
  });

  test.each([
    [
      "192.0.2.1 is alive (0.25 ms)",
      { kind: "decided", address: "192.0.2.1", result: { kind: "reply", roundTripMs: 0.25 } },
    ],
    [
      "fd00::1 is alive (12.3 ms) [<- fd00::2]",
      { kind: "decided", address: "fd00::1", result: { kind: "reply", roundTripMs: 12.3 } },
    ],
    ["192.0.2.1 is unreachable", { kind: "silent", address: "192.0.2.1" }],
    [
      "192.0.2.1: error while sending ping: No route to host",
      { address: "192.0.2.1", result: { outcome: "fault", reason: "unreachable" } },
    ],
    [
      "192.0.2.1: error while sending ping: Permission denied",
      { address: "192.0.2.1", result: { outcome: "fault", reason: "agent_fault" } },
    ],
    [
      "ICMP Host Unreachable from 192.0.2.254 for ICMP Echo sent to 192.0.2.1",
      { address: "192.0.2.1", result: { outcome: "timeout", reason: "unreachable" } },
    ],
    ["ICMP Time Exceeded from 192.0.2.254 for ICMP Echo sent to 192.0.2.1", { kind: "other" }],
    ["fping: cannot bind source address : Cannot assign requested address", { kind: "other" }],
  ])("has its output line classified: %s", (line, expected) => {
    expect(readFpingLine(line)).toMatchObject(expected);
  });
});
