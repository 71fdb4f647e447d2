import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LiveState } from "../../src/model/live.ts";
import { historyReports, maintenanceActions, maintenanceChecks } from "../../src/cli/service.ts";
import {
  runMaintenance,
  type MaintenanceCommand,
  type MaintenanceOptions,
} from "../../src/cli/maintenance.ts";
import { monthOf } from "../../src/cli/reports.ts";
import { hashSync } from "bcryptjs";
import { labCaFile, labCertificateFiles } from "../support/lab-certificate-files.ts";
import type { WebOptions } from "../../src/web/server.ts";
import { Journal } from "../../src/change/journal.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import { memberEntry, memberOwner, vserverEntry, vserverOwner } from "../../src/model/timeline.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { LOCK_FILE, openStore, STORE_FILE } from "../../src/maintenance/store.ts";
import { freePorts } from "../support/real-servers.ts";
import { closedPort } from "../support/scripted-server.ts";
import { aMember, anAdc, aLiveState, aVserver, NOON } from "../support/live-state.ts";
import { IDLE_ACTIONS, serve } from "../web/support.ts";
import { commandAnswer } from "../support/command-answer.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-cli-"));
  await writeFile(join(directory, "token"), "canary-token\n");
  await writeFile(join(directory, "ns.conf"), "add server ex01 192.0.2.1\n");
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}
async function run(
  command: MaintenanceCommand,
  options: Partial<MaintenanceOptions>,
): Promise<Ran> {
  let out = "";
  let err = "";
  const status = await runMaintenance(
    { config: null, url: null, tokenFile: null, json: false, pollEveryMs: 5, ...options, command },
    {
      out: (text) => (out += text),
      err: (text) => (err += text),
    },
  );
  expect(out + err).not.toMatch(/canary-(token|password)/);
  if (command.kind === "report" ? command.format === "json" : options.json === true) {
    commandAnswer(command.kind === "slo" ? "slo" : `maintenance ${command.kind}`, out);
  }
  return { status, out, err };
}

const START: Extract<MaintenanceCommand, { kind: "start" }> = {
  kind: "start",
  servers: ["ex01"],
  name: null,
  start: null,
  end: null,
  for: "2h",
  reason: "CU15",
  author: "jo",
  autoEnd: false,
  flexible: false,
};

/** `2026-11` of a time, in this machine's zone. */
function monthOfTime(at: number): string {
  const day = new Date(at);
  return `${String(day.getFullYear())}-${String(day.getMonth() + 1).padStart(2, "0")}`;
}

/** This time, or a little earlier if a month ends before the length is over. */
function withinOneMonth(at: number, lengthMs: number): number {
  return monthOfTime(at) === monthOfTime(at + lengthMs) ? at : at - lengthMs;
}

/** A real web server with a real store behind it, as the agent has them; the live state is the test's. */
async function startAgent(
  live: () => LiveState,
  doors: Pick<Partial<WebOptions>, "configFile" | "listen"> = {},
  now = (): number => NOON,
): Promise<{ url: string; close: () => Promise<void> }> {
  const opened = await openStore(join(directory, "state"));
  if (opened.kind !== "open") {
    throw new Error(opened.message);
  }
  const declarations = createDeclarations({
    configured: [],
    store: opened.store,
    snapshot: null,
    onFailure: (message) => {
      throw new Error(message);
    },
  });
  const checks = maintenanceChecks({
    live,
    declarations,
    history: { runs: () => [] },
    serverOf: () => null,
    stabilityMs: () => 60_000,
    now,
  });
  const reports = historyReports({
    stateDir: () => join(directory, "state"),
    live,
    declarations,
    estateOf: () => null,
    written: () => Promise.resolve(),
    now,
  });
  const { url } = await serve(live, {
    token: () => "canary-token",
    now: Date.now,
    ...doors,
    actions: {
      ...IDLE_ACTIONS,
      ...reports,
      maintenance: {
        ...maintenanceActions(declarations, () => live().members),
        ...checks,
        ...reports,
      },
    },
  });
  return { url, close: () => declarations.close() };
}

function estate(ex01: "up" | "out"): LiveState {
  const member = (server: string, adcOpinion: "up" | "out") =>
    aMember({
      server,
      adcOpinion,
      adcRawState: adcOpinion === "up" ? "UP" : "OUT OF SERVICE",
      connections: 0,
      verdict: adcOpinion === "up" ? "agree_up" : "drained",
      since: NOON - 3_600_000,
    });
  return aLiveState({
    adcs: [anAdc()],
    members: [member("ex01", ex01), member("ex02", "up")],
    vservers: [aVserver()],
  });
}

describe("maintenance with an agent", () => {
  test("refuses an unknown server unless it is forced", async () => {
    const { url, close } = await startAgent(() => estate("up"));
    const address = { url, tokenFile: join(directory, "token") };
    const refused = await run({ ...START, servers: ["ex0l", "ex01"], name: "typo" }, address);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toBe(
      "WITNESS CRITICAL - No ADC has a member on ex0l; known servers: ex01, ex02. Use --force to declare the window anyway.\n",
    );
    const forced = await run({ ...START, servers: ["ex0l"], name: "typo", force: true }, address);
    expect(forced).toMatchObject({ status: 0 });
    const pattern = await run({ ...START, servers: ["ex0*"], name: "all" }, address);
    expect(pattern).toMatchObject({ status: 0 });
    await close();
  });

  test.each(["25:00", "soon", "2026-02-30 10:00"])("refuses %s as a time", async (end) => {
    const { url, close } = await startAgent(() => estate("up"));
    const told = await run(
      { ...START, for: null, end },
      { url, tokenFile: join(directory, "token") },
    );
    expect(told.status).toBe(3);
    expect(told.err).toContain("--end take 22:00");
    await close();
  });

  test("declares, lists and ends a window over the API", async () => {
    const { url, close } = await startAgent(() => estate("up"));
    const address = { url, tokenFile: join(directory, "token") };
    const started = await run(START, address);
    expect(started).toMatchObject({ status: 0, err: "" });
    expect(started.out).toMatch(
      /^WITNESS OK - ex01 declared: ex01 from \S+ \S+ \S+ to \S+ \S+ \S+\n$/,
    );
    expect(await run(START, address)).toMatchObject({ status: 0, out: started.out });

    const listed = await run({ kind: "list" }, address);
    expect(listed.out).toMatch(
      /^WITNESS OK - 1 of 1 windows open\nNAME +STATE .*\nex01 +open +ex01 .* api +CU15\n$/,
    );
    const asJson = await run({ kind: "list" }, { ...address, json: true });
    expect(JSON.parse(asJson.out)).toMatchObject({ windows: [{ name: "ex01", author: "jo" }] });

    expect((await run({ kind: "end", name: "ex01", author: null }, address)).status).toBe(0);
    expect(await run({ kind: "end", name: "ex01", author: null }, address)).toEqual({
      status: 2,
      out: "",
      err: "WITNESS CRITICAL - No open or upcoming window is named ex01.\n",
    });
    await close();
  });

  test("extend › moves the end when the window is declared, and refuses to shorten it", async () => {
    const { url, close } = await startAgent(() => estate("up"));
    const address = { url, tokenFile: join(directory, "token"), json: true };
    const extend = (change: { for?: string; end?: string; name?: string }) =>
      run({ kind: "extend", name: "ex01", for: null, end: null, author: null, ...change }, address);
    const endOf = (told: Ran): number =>
      Date.parse((JSON.parse(told.out) as { window: { end: string } }).window.end);
    const before = endOf(await run(START, address));
    expect(endOf(await extend({ for: "30m" }))).toBe(before + 1_800_000);
    const later = new Date(before + 7_200_000).toISOString();
    expect(endOf(await extend({ end: later }))).toBe(before + 7_200_000);
    const sooner = await extend({ end: new Date(before).toISOString() });
    expect(sooner).toMatchObject({ status: 2 });
    expect(sooner.err).toContain("would end sooner");
    expect(await extend({ for: "30m", name: "ex09" })).toMatchObject({ status: 2 });
    expect(await extend({ for: "soon" })).toMatchObject({ status: 2 });
    expect(await extend({})).toMatchObject({ status: 3 });
    await close();
  });

  test("report, slo › show the hour when the agent runs and when it has ended", async () => {
    const stateDir = join(directory, "state");
    const { url, close } = await startAgent(() => estate("up"), {}, Date.now);
    const address = { url, tokenFile: join(directory, "token") };
    const since = new Date(Date.now() - 1_800_000).toISOString();
    expect((await run({ ...START, start: since, name: "=ex01" }, address)).status).toBe(0);
    const begun = withinOneMonth(Date.now() - 1_200_000, 180_000);
    const month = monthOfTime(begun);
    let now = begun;
    const journal = new Journal({
      stateDir,
      storage: new StorageWatch({ warn: () => undefined, error: () => undefined }),
      current: () => [],
      now: () => now,
    });
    const vserver = aVserver();
    const told = (change: Parameters<typeof aMember>[0]) => {
      const member = aMember({ server: "ex01", vservers: [vserver.vserver], ...change });
      return { owner: memberOwner(member), entry: memberEntry(member, now) };
    };
    journal.record([
      { owner: vserverOwner(vserver), entry: vserverEntry(vserver, now) },
      told({ verdict: "routes_to_maintenance", reason: "bye", service: "down" }),
    ]);
    now += 120_000;
    journal.record([told({ adcOpinion: "out", verdict: "drained" })]);
    now += 60_000;
    await journal.close();

    const report = (format: "text" | "html" | "csv" | "json", where: Partial<MaintenanceOptions>) =>
      run({ kind: "report", name: "=ex01", format }, where);
    const json = await report("json", address);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      author: "jo",
      watched_seconds: 180,
      vservers: [{ vserver: vserver.vserver, adc_wrong_seconds: 120 }],
      incidents: [
        {
          verdict: "routes_to_maintenance",
          seconds: 120,
          commands: [expect.stringContaining("disable service") as unknown],
        },
      ],
    });
    expect((await report("html", address)).out).toMatch(/^<!doctype html>/);
    expect((await report("text", address)).out).toMatch(
      /^WITNESS WARNING - =ex01: The ADC was wrong about 1 of 1 virtual servers\. Not seen back in service: ex01\./,
    );
    const csv = (await report("csv", address)).out.split("\r\n");
    expect(csv.every((line) => line === "" || line.split(",").length >= 10)).toBe(true);
    expect(csv.join("\n")).not.toMatch(/(^|,)[=+@-]/m);
    expect((await run({ kind: "report", name: "ex09", format: "text" }, address)).status).toBe(2);

    const slo = await run({ kind: "slo", month }, { ...address, json: true });
    expect(JSON.parse(slo.out)).toMatchObject({ watched_seconds: 180 });
    expect((await run({ kind: "slo", month: "2026-13" }, address)).status).toBe(3);
    await close();

    const config = join(directory, "adc-witness.yml");
    await writeFile(
      config,
      `adcs:\n  - name: adc1\n    ns_conf: ${join(directory, "ns.conf")}\nstate_dir: ${stateDir}\nweb:\n  listen: ["127.0.0.1:${String(await closedPort())}"]\n`,
    );
    const without = await report("json", { config });
    expect(JSON.parse(without.out)).toMatchObject({ watched_seconds: 180 });
    expect((await run({ kind: "slo", month }, { config })).out).toMatch(
      /^WITNESS OK - the ADC was wrong about 1 of 1/,
    );
  });

  test.each([
    [
      "this month when none is given",
      null,
      new Date(2026, 11, 31, 23, 59),
      "2026-12-01",
      "2027-01-01",
    ],
    ["a month by its name", "2026-02", new Date(2026, 11, 31), "2026-02-01", "2026-03-01"],
  ])("slo › covers %s", (_name, month, now, from, to) => {
    const local = (day: string): string => new Date(`${day}T00:00:00`).toISOString();
    expect(monthOf(month, now.getTime())).toEqual({ from: local(from), to: local(to) });
  });

  test("writes nothing without the token", async () => {
    const { url, close } = await startAgent(() => estate("up"));
    expect((await run(START, { url })).status).toBe(2);
    expect(await readdir(join(directory, "state"))).not.toContain(STORE_FILE);
    await close();
  });

  test.each([
    ["an end and a length", { end: "2030-01-01T00:00:00Z" }],
    ["neither end nor length", { for: null }],
    ["an invalid length", { for: "soon" }],
  ])("refuses %s", async (_name, changes) => {
    const { url, close } = await startAgent(() => estate("up"));
    const refused = await run(
      { ...START, ...changes },
      { url, tokenFile: join(directory, "token") },
    );
    expect(refused.status).toBe(2);
    expect(refused.err).toMatch(/^WITNESS CRITICAL - /);
    await close();
  });

  test("preflight › passes when a server can be taken out", async () => {
    const { url, close } = await startAgent(() => estate("up"));
    const good = await run({ kind: "preflight", server: "ex01" }, { url });
    expect(good.status).toBe(0);
    expect(good.out.split("\n")[0]).toBe("WITNESS OK - ex01 can be taken out | failed=0 checks=5");
    await close();
  });

  test("preflight › warns when a remaining server offers other login methods", async () => {
    const odd = { server: "ex02", port: 443, path: "/ews/", offers: "basic", others: "ntlm" };
    const live = estate("up");
    const { url, close } = await startAgent(() => ({
      ...live,
      vservers: live.vservers.map((vserver) => ({ ...vserver, oddSchemes: [odd] })),
    }));
    const warned = await run({ kind: "preflight", server: "ex01" }, { url });
    expect(warned.status).toBe(1);
    expect(warned.out).toContain("WITNESS WARNING - ex01 can be taken out | failed=0 checks=5\n");
    expect(warned.out).toMatch(/warn +auth_schemes +At \S+, ex02:443 of \S+ offers /);
    const json = await run({ kind: "preflight", server: "ex01" }, { url, json: true });
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      checks: expect.arrayContaining([
        expect.objectContaining({ name: "auth_schemes", ok: true, warning: true }),
      ]) as unknown,
    });
    await close();
  });

  test("preflight › fails when a server must not be taken out", async () => {
    const { url, close } = await startAgent(() => estate("out"));
    const bad = await run({ kind: "preflight", server: "ex02" }, { url });
    expect(bad.status).toBe(2);
    expect(bad.out).toContain(
      "WITNESS CRITICAL - ex02 must not be taken out yet | failed=1 checks=5\n",
    );
    expect(bad.out).toMatch(/NO {2}capacity +\S.* would keep 0 of 1/);
    await close();
  });

  test("preflight › applies the given capacity and horizon", async () => {
    const { url, close } = await startAgent(() => estate("up"), {}, Date.now);
    const address = { url, tokenFile: join(directory, "token") };
    const look = (limits: { minCapacity?: string; horizon?: string }) =>
      run({ kind: "preflight", server: "ex01", ...limits }, address);
    expect((await look({ minCapacity: "1" })).status).toBe(0);
    const two = await look({ minCapacity: "2" });
    expect(two.status).toBe(2);
    expect(two.out).toMatch(/NO {2}capacity +\S.* would keep 1 of 2/);
    expect((await look({ minCapacity: "0" })).status).toBe(0);

    const start = new Date(Date.now() + 6 * 3_600_000).toISOString();
    const end = new Date(Date.now() + 9 * 3_600_000).toISOString();
    const soon = { ...START, servers: ["ex02"], start, end, for: null };
    expect((await run(soon, address)).status).toBe(0);
    expect((await look({})).status).toBe(0);
    const far = await look({ horizon: "12h" });
    expect(far.status).toBe(2);
    expect(far.out).toMatch(/NO {2}windows +ex02 is coming for ex02/);

    for (const limits of [{ minCapacity: "-1" }, { minCapacity: "two" }, { horizon: "soon" }]) {
      const refused = await look(limits);
      expect(refused.status).toBe(2);
      expect(refused.err).toContain("min_capacity (a number), horizon (a duration: 4h)");
    }
    await close();
  });

  test("verify › waits until a server is drained and prints what is missing meanwhile", async () => {
    let looks = 0;
    const { url, close } = await startAgent(() => {
      looks += 1;
      return estate(looks > 4 ? "out" : "up");
    });
    const command = { kind: "verify", server: "ex01", want: "drained", waitMs: 20_000 } as const;
    const waited = await run(command, { url });
    expect(waited.status).toBe(0);
    expect(waited.out).toContain("WITNESS OK - ex01 is drained");
    expect(waited.err.match(/waiting: .*is UP on/g)).toHaveLength(1);
    await close();
  });

  test("verify › gives up with what is still missing when the wait ends", async () => {
    const { url, close } = await startAgent(() => estate("out"));
    const command = { kind: "verify", server: "ex01", want: "returned", waitMs: 30 } as const;
    const waited = await run(command, { url, json: true });
    expect(waited.status).toBe(2);
    expect(JSON.parse(waited.out)).toMatchObject({ server: "ex01", ok: false });
    await close();
  });
});

describe("maintenance with an agent behind TLS and basic auth", () => {
  const { certificate, key } = labCertificateFiles("adc");
  const USERS = `basic_auth_users:\n  jo: ${hashSync("canary-password", 5)}\n`;
  const TLS = `tls_server_config:\n  cert_file: ${certificate}\n  key_file: ${key}\n`;

  async function locked(webConfig: string) {
    const configFile = join(directory, "web-config.yml");
    await writeFile(configFile, webConfig);
    await writeFile(join(directory, "password"), "canary-password\n");
    return startAgent(() => estate("up"), { configFile });
  }
  const login = () => ({ user: "jo", passwordFile: join(directory, "password") });

  test("declares, checks and ends with basic auth, a private authority and the token", async () => {
    const { url, close } = await locked(USERS + TLS);
    expect(url).toMatch(/^https:/);
    const keys = { url, tokenFile: join(directory, "token"), ...login(), caFile: labCaFile() };
    expect(await run(START, keys)).toMatchObject({ status: 0, err: "" });
    expect((await run({ kind: "list" }, keys)).out).toMatch(/^WITNESS OK - 1 of 1 windows open\n/);
    expect((await run({ kind: "preflight", server: "ex01" }, keys)).status).toBe(0);
    expect((await run({ kind: "end", name: "ex01", author: null }, keys)).status).toBe(0);
    await close();
  });

  test("writes nothing with basic auth alone, and reads nothing without it", async () => {
    const { url, close } = await locked(USERS);
    expect(url).toMatch(/^http:/);
    const open = await run({ kind: "list" }, { url });
    expect(open).toMatchObject({ status: 2, out: "" });
    expect((await run({ kind: "list" }, { url, ...login() })).status).toBe(0);
    expect((await run(START, { url, ...login() })).status).toBe(2);
    await writeFile(join(directory, "password"), "wrong\n");
    expect((await run({ kind: "list" }, { url, ...login() })).status).toBe(2);
    expect(await readdir(join(directory, "state"))).not.toContain(STORE_FILE);
    await close();
  });

  test("sends no secret to an agent whose certificate is not trusted", async () => {
    const { url, close } = await locked(USERS + TLS);
    const refused = await run({ kind: "list" }, { url, ...login() });
    expect(refused.status).toBe(3);
    expect(refused.err).toMatch(/does not answer: (UNABLE_TO_|SELF_SIGNED_)/);
    const otherName = url.replace("127.0.0.1", "127.0.0.2");
    expect(
      (await run({ kind: "list" }, { url: otherName, ...login(), caFile: labCaFile() })).status,
    ).toBe(3);
    await close();
  });

  test("finds scheme and address in the configuration", async () => {
    for (const webConfig of [USERS, USERS + TLS]) {
      const { port = 0 } = await freePorts(["port"]);
      await writeFile(join(directory, "web-config.yml"), webConfig);
      const listen = `127.0.0.1:${String(port)}`;
      const config = join(directory, "adc-witness.yml");
      await writeFile(
        config,
        `adcs: [{ name: prod, ns_conf: ns.conf }]\nmaintenance: { token_file: token }\n` +
          `web: { listen: ["${listen}"], config_file: web-config.yml }\n`,
      );
      await writeFile(join(directory, "password"), "canary-password");
      const { close } = await startAgent(() => estate("up"), {
        listen: [listen],
        configFile: join(directory, "web-config.yml"),
      });
      const started = await run(START, { config, ...login(), caFile: labCaFile() });
      expect(started).toMatchObject({ status: 0, err: "" });
      await close();
    }
  });

  test.each([
    ["a name without a password", { user: "jo" }, /given together/],
    ["a password without a name", { passwordFile: "/dev/null" }, /given together/],
    [
      "a password that cannot be read",
      { user: "jo", passwordFile: "/nowhere" },
      /\/nowhere .*ENOENT/,
    ],
    ["an authority that cannot be read", { caFile: "/nowhere" }, /\/nowhere .*ENOENT/],
  ])("refuses %s", async (_name, options, message) => {
    const told = await run({ kind: "list" }, { url: "http://127.0.0.1:1", ...options });
    expect(told.status).toBe(3);
    expect(told.err).toMatch(message);
  });
});

describe("maintenance without an agent", () => {
  let nobody: string;
  beforeEach(async () => {
    nobody = `127.0.0.1:${String(await closedPort())}`;
  });
  async function configFile(): Promise<string> {
    const text = `adcs: [{ name: prod, ns_conf: ns.conf }]\nmaintenance: { token_file: token }\nweb: { listen: ["${nobody}"] }\n`;
    const path = join(directory, "adc-witness.yml");
    await writeFile(path, text);
    return path;
  }

  test("writes the store itself", async () => {
    const config = await configFile();
    expect(await run(START, { config })).toMatchObject({ status: 0, err: "" });
    expect((await run({ kind: "list" }, { config })).out).toContain("1 of 1 windows open");
    expect((await run({ kind: "end", name: "ex01", author: null }, { config })).status).toBe(0);
    expect(await readdir(join(directory, "state"))).toEqual([STORE_FILE, LOCK_FILE]);
  });

  test("fails when another process holds the store", async () => {
    const config = await configFile();
    const held = await openStore(join(directory, "state"));
    const refused = await run(START, { config });
    expect(refused.status).toBe(3);
    expect(refused.err).toMatch(/^WITNESS UNKNOWN - .* is in use by another process/);
    if (held.kind === "open") {
      await held.store.close();
    }
  });

  test("cannot run a preflight", async () => {
    const config = await configFile();
    expect(await run({ kind: "preflight", server: "ex01" }, { config })).toEqual({
      status: 3,
      out: "",
      err: `WITNESS UNKNOWN - No agent listens at http://${nobody}. This command needs a running agent.\n`,
    });
  });

  test("refuses a bad length as the agent would", async () => {
    const config = await configFile();
    expect((await run({ ...START, for: "soon" }, { config })).status).toBe(2);
  });

  test.each([
    ["no address", () => ({}), "Give the agent's address"],
    [
      "a token that cannot be read",
      () => ({ url: `http://${nobody}`, tokenFile: "/nowhere" }),
      "ENOENT",
    ],
    ["no agent at the address", () => ({ url: `http://${nobody}` }), "No agent listens at"],
  ])("fails with a message when there is %s", async (_name, options, message) => {
    const told = await run({ kind: "list" }, options());
    expect(told.status).toBe(3);
    expect(told.err).toContain(message);
  });
});
