import { expect, test } from "vitest";
import { planProbes } from "../../../src/agent/plan/plan.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../../src/agent/plan/settings.ts";
import type { PlannedProbe } from "../../../src/agent/plan/planned-probe.ts";
import { errandFor } from "../../../src/agent/workers/errand.ts";
import { deathsInARow, restartDelayMs } from "../../../src/agent/workers/restart.ts";
import { exchangeLoad, workerCount } from "../../../src/agent/workers/worker-count.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";

function planned(lines: readonly string[], settings: Partial<PlanSettings> = {}): PlannedProbe[] {
  const conf = [
    "#NS13.1 Build 37.38",
    "add server s1 192.0.2.1",
    "add serviceGroup g TCP",
    "bind serviceGroup g s1 4443",
    ...lines,
    "",
  ].join("\n");
  const estate = parseNsConf(conf, { adc: "prod" });
  return planProbes(estate, { ...BARE_SETTINGS, ...settings }, new Set());
}

function withMonitor(line: string, settings: Partial<PlanSettings> = {}): PlannedProbe {
  const [probe] = planned(
    [`add lb monitor m ${line}`, "bind serviceGroup g -monitorName m"],
    settings,
  );
  if (probe === undefined) {
    throw new Error("nothing is planned");
  }
  return probe;
}

const credential = { username: "LAB\\probe", password: "canary", secret: null };

test.each([
  ["TCP-ECV", "TCP-ECV -send hello -recv ready"],
  ["HTTP-ECV over TLS", 'HTTP-ECV -send "GET /" -recv ready -secure YES'],
  ["HTTP with an ordinary header", 'HTTP -httpRequest "GET /" -customHeaders "X-Probe: yes\\r\\n"'],
  ["POP3 that only greets", "TCP-ECV -recv +OK"],
])("%s may leave the main thread", (_name, line) => {
  const probe = withMonitor(line);
  expect(errandFor(probe)).toEqual({
    vantage: "backend",
    action: { kind: "monitor", run: probe.action.run },
  });
  expect(structuredClone(errandFor(probe))).toEqual(errandFor(probe));
});

test.each<[string, string, Partial<PlanSettings>]>([
  [
    "a credential",
    "LDAP -baseDN dc=lab",
    { monitors: new Map([["m", { credential, command: null }]]) },
  ],
  [
    "a command",
    "USER -scriptName own.pl",
    { monitors: new Map([["m", { credential: null, command: ["/bin/true"] }]]) },
  ],
  ["PING, which starts a program", "PING", {}],
  [
    "a header that lets its bearer in",
    'HTTP -httpRequest "GET /" -customHeaders "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==\\r\\n"',
    {},
  ],
  [
    "a cookie in what is sent",
    'TCP-ECV -send "GET / HTTP/1.0\\r\\nCookie: session=canary\\r\\n\\r\\n"',
    {},
  ],
])("%s keeps a probe in the main thread", (_name, line, settings) => {
  const probe = withMonitor(line, settings);
  expect(probe.action.run).not.toBeNull();
  expect(errandFor(probe)).toBeNull();
});

test("what cannot be run at all has no errand", () => {
  expect(errandFor(withMonitor("USER -scriptName own.pl"))).toBeNull();
});

test("the load of an estate counts TLS several times, and leaves out what stays", () => {
  const plain = withMonitor("TCP-ECV -recv ready -interval 5");
  const tls = withMonitor('HTTP-ECV -send "GET /" -recv ready -secure YES -interval 5');
  expect(5000 * exchangeLoad([plain])).toBeCloseTo(0.2);
  expect(5000 * exchangeLoad([tls])).toBeCloseTo(1.5);
  expect(5000 * exchangeLoad([plain, tls, withMonitor("PING")])).toBeCloseTo(1.7);
});

test.each([
  // The issue's own estate, 10,000 replicas at 5 s, keeps 1.2 cores busy.
  { wanted: "auto", load: 0.02, cpus: 8, threads: 0 },
  { wanted: "auto", load: 0.49, cpus: 8, threads: 0 },
  { wanted: "auto", load: 0.5, cpus: 8, threads: 1 },
  { wanted: "auto", load: 1.22, cpus: 8, threads: 3 },
  { wanted: "auto", load: 1.22, cpus: 2, threads: 1 },
  { wanted: "auto", load: 1.22, cpus: 1, threads: 0 },
  { wanted: "auto", load: 40, cpus: 8, threads: 7 },
  { wanted: 1, load: 40, cpus: 8, threads: 0 },
  { wanted: 2, load: 0.01, cpus: 1, threads: 2 },
] as const)("workers: $wanted at a load of $load on $cpus CPUs is $threads", (row) => {
  expect(workerCount(row.wanted, row.load, row.cpus)).toBe(row.threads);
});

test("a thread that keeps dying is started ever more slowly, one that lived long at once", () => {
  const delays: number[] = [];
  let deaths = 0;
  for (let count = 0; count < 9; count++) {
    deaths = deathsInARow(deaths, 10);
    delays.push(restartDelayMs(deaths));
  }
  expect(delays).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
  expect(restartDelayMs(deathsInARow(deaths, 60_000))).toBe(0);
});
