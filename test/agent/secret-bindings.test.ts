import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ACCOUNTS_FILE, openAccountKeeper } from "../../src/agent/accounts/account-keeper.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import type { PlannedProbe } from "../../src/agent/plan/planned-probe.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { SecretBindings } from "../../src/agent/secret-bindings.ts";
import type { MonitorConfig } from "../../src/config/schema.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { probeContext } from "../support/probe-context.ts";
import { serve } from "../support/scripted-server.ts";
import { monitorCredential, sealed } from "../support/sealed.ts";

const ENTRY: MonitorConfig = {
  username: "cn=probe",
  password: sealed("S3cret!"),
  secret: null,
  command: null,
};
const LDAPS = "add lb monitor m LDAP -scriptName nsldap.pl -bindDN cn=probe -secure YES";

/** What an estate of this monitor, bound to servers at these addresses, makes the agent do. */
function planOf(monitor: string, ...addresses: readonly string[]): PlannedProbe[] {
  const lines = [
    ...addresses.map((address, index) => `add server dc${String(index)} ${address}`),
    "add serviceGroup sg TCP",
    ...addresses.map((_, index) => `bind serviceGroup sg dc${String(index)} 636`),
    monitor,
    "bind serviceGroup sg -monitorName m",
  ];
  const credential = monitorCredential({ username: "cn=probe", password: "S3cret!" });
  return planProbes(parseNsConf(lines.join("\n"), { adc: "prod" }), {
    ...BARE_SETTINGS,
    // Another script than the firmware's runs by a command alone.
    monitors: new Map([["m", { credential, command: monitor.includes("mine.pl") ? ["x"] : null }]]),
  });
}

/** A state directory, and what starts over it. */
async function home() {
  const stateDir = await mkdtemp(join(tmpdir(), "secret-bindings-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const start = async () => {
    const bindings = new SecretBindings();
    const clock = () => ({ run: "boot", monotonicMs: 0, wallMs: 1_000 });
    const keeper = await openAccountKeeper({ stateDir, clock, firstLoginDelayMs: 0 });
    return (plan: readonly PlannedProbe[], entry: MonitorConfig = ENTRY) =>
      bindings.bind(plan, new Map([["m", entry]]), keeper);
  };
  return { stateDir, start, bind: await start() };
}

/** Addresses whose probe still has the secret. */
function given(plan: readonly PlannedProbe[]): (string | null)[] {
  return plan.flatMap(({ action, address }) =>
    action.kind === "monitor" && action.run !== null && action.run.spec.credential !== null
      ? [address]
      : [],
  );
}

test("a monitor's secret › is sent to the servers it was first used with, import after import", async () => {
  const { bind } = await home();
  for (let round = 0; round < 3; round += 1) {
    const { plan, news } = await bind(planOf(LDAPS, "192.0.2.1", "192.0.2.2"));
    expect(given(plan)).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(news).toEqual([]);
  }
});

test.each([
  ["another type", "add lb monitor m FTP -userName probe -secure YES"],
  ["TLS no longer", LDAPS.replace(" -secure YES", "")],
  ["another script", LDAPS.replace("nsldap.pl", "mine.pl")],
])("a monitor's secret › is withheld when the monitor has %s", async (_what, monitor) => {
  const { bind } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const { plan, news } = await bind(planOf(monitor, "192.0.2.1"));
  expect(given(plan)).toEqual([]);
  expect(news).toEqual([
    expect.stringMatching(/^the secret of monitors\.m is not sent: it was configured for LDAP/),
  ]);
  expect((await bind(planOf(monitor, "192.0.2.1"))).news).toEqual([]);
  // What comes back as it was gets it again.
  expect(given((await bind(planOf(LDAPS, "192.0.2.1"))).plan)).toEqual(["192.0.2.1"]);
});

test("a monitor's secret › is withheld from a server that is new in the estate, and not from the others", async () => {
  const { bind } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const { plan, news } = await bind(planOf(LDAPS, "192.0.2.1", "198.51.100.66"));
  expect(given(plan)).toEqual(["192.0.2.1"]);
  expect(news).toEqual([expect.stringContaining("add the server to monitors.m.servers")]);
});

test("a monitor's secret › is withheld when destIP moves elsewhere", async () => {
  const { bind } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const moved = await bind(planOf(`${LDAPS} -destIP 198.51.100.66`, "192.0.2.1"));
  expect(given(moved.plan)).toEqual([]);
});

test("a monitor's secret › is sent when the configuration names the servers or gives another secret", async () => {
  const { bind } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const grown = planOf(LDAPS, "192.0.2.1", "192.0.2.2");
  const named = { ...ENTRY, servers: ["dc*"] };
  expect(given((await bind(grown, named)).plan)).toEqual(["192.0.2.1", "192.0.2.2"]);
  const only = { ...ENTRY, servers: ["192.0.2.2"] };
  expect(given((await bind(grown, only)).plan)).toEqual(["192.0.2.2"]);
  const changed = { ...ENTRY, password: sealed("another") };
  expect(given((await bind(grown, changed)).plan)).toEqual(["192.0.2.1", "192.0.2.2"]);
});

test("a monitor's secret › is withheld from a changed import and kept where it was when the agent restarts", async () => {
  const { bind, start, stateDir } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const restarted = await start();
  const ftp = planOf("add lb monitor m FTP -userName probe", "198.51.100.66");
  expect(given((await restarted(ftp)).plan)).toEqual([]);
  expect(given((await restarted(planOf(LDAPS, "198.51.100.66"))).plan)).toEqual([]);
  expect(given((await restarted(planOf(LDAPS, "192.0.2.1"))).plan)).toEqual(["192.0.2.1"]);
  // The operator's word, at the same time as a restart.
  const again = await start();
  const named = { ...ENTRY, servers: ["198.51.100.*"] };
  expect(given((await again(ftp, named)).plan)).toEqual(["198.51.100.66"]);
  const written = await readFile(join(stateDir, ACCOUNTS_FILE), "utf8");
  expect(written).toContain("198.51.100.66");
  expect(written).not.toContain("S3cret!");
});

test("a monitor's secret › is withheld unless this process bound it when the state directory cannot be read", async () => {
  const { bind, start, stateDir } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  await rm(stateDir, { recursive: true });
  await writeFile(stateDir, "");
  const restarted = await start();
  const { plan, news } = await restarted(planOf(LDAPS, "192.0.2.1"));
  expect(given(plan)).toEqual([]);
  expect(news).toEqual([expect.stringContaining("state_dir cannot be read")]);
  expect(given((await bind(planOf(LDAPS, "192.0.2.1"))).plan)).toEqual(["192.0.2.1"]);
});

test("a monitor's secret › makes the replica unknown, not_configured, and nothing is dialled when it is withheld", async () => {
  const server = await serve(() => undefined);
  const { bind } = await home();
  await bind(planOf(LDAPS, "192.0.2.1"));
  const ftp = planOf("add lb monitor m FTP -userName probe", "192.0.2.1");
  const { action } = (await bind(ftp)).plan[0] ?? {};
  if (action?.kind !== "monitor" || action.run === null) {
    throw new Error("the plan has another form");
  }
  const { spec, target } = action.run;
  const result = await runMonitor(
    spec,
    { ...target, host: "127.0.0.1", port: server.port },
    probeContext(1_000),
  );
  expect(result).toMatchObject({
    passed: null,
    observation: { outcome: "fault", reason: "not_configured" },
  });
  expect(server.accepted()).toBe(0);
  await server.close();
});
