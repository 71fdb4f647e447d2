import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openAccountKeeper } from "../../src/agent/accounts/account-keeper.ts";
import {
  credentialOnWire,
  heldBackResult,
  type HeldBackReason,
} from "../../src/agent/accounts/gated-login.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import { ProbeRunner } from "../../src/agent/probe-runner.ts";
import { takeLock } from "../../src/lib/lock.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { monitorCredential, sealed } from "../support/sealed.ts";
import { serve, type Behaviour } from "../support/scripted-server.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";
import { observed, smallEstate, STARTED_AT } from "./small-estate.ts";

const SERVERS = ["ex01", "ex02", "ex03"] as const;

/** POP3 and LDAP monitors of one user that only the ADC's configuration names, bound to three servers. */
const CONF = [
  "#NS13.1 Build 37.38",
  "add serviceGroup sg_ldap TCP",
  "add serviceGroup sg_pop TCP",
  'add lb monitor m_ldap LDAP -scriptName nsldap.pl -dispatcherIP 127.0.0.1 -dispatcherPort 3013 -password 12ab -encrypted -encryptmethod ENCMTHD_3 -LRTM DISABLED -baseDN "dc=lab,dc=local" -bindDN "CN=svc,DC=lab,DC=local" -interval 5 -resptimeout 2 -downTime 5',
  "add lb monitor m_pop POP3 -scriptName nspop3.pl -dispatcherIP 127.0.0.1 -dispatcherPort 3013 -userName svc@lab.local -password 12ab -encrypted -encryptmethod ENCMTHD_3 -LRTM DISABLED -interval 5 -resptimeout 2 -downTime 5",
  ...SERVERS.flatMap((server, index) => [
    `add server ${server} 192.0.2.${String(index + 1)}`,
    `bind serviceGroup sg_ldap ${server} 389`,
    `bind serviceGroup sg_pop ${server} 110`,
  ]),
  "bind serviceGroup sg_ldap -monitorName m_ldap",
  "bind serviceGroup sg_pop -monitorName m_pop",
].join("\n");

function settingsWith(username: string): PlanSettings {
  const credential = monitorCredential({ username, password: "stale-password" });
  return {
    ...BARE_SETTINGS,
    monitors: new Map(["m_ldap", "m_pop"].map((name) => [name, { credential, command: null }])),
  };
}

/** A POP3 server that notes its commands and rejects every password. */
function popServer(commands: string[], isRight: () => boolean): Behaviour {
  return (socket) => {
    socket.write("+OK ready\r\n");
    socket.on("data", (data) => {
      const line = data.toString("latin1").trimEnd();
      commands.push(line);
      const isRejected = line.startsWith("PASS") && !isRight();
      socket.write(isRejected ? "-ERR [AUTH] no such user or password\r\n" : "+OK\r\n");
    });
  };
}

/** An LDAP server that counts binds with a password and answers them with 49, invalid credentials. */
function ldapServer(binds: { count: number }): Behaviour {
  return (socket) => {
    socket.on("data", (data) => {
      if (data[5] === 0x60) {
        binds.count += 1;
        const head = [0x30, 0x0c, 0x02, 0x01, data[4] ?? 0];
        socket.write(Buffer.from([...head, 0x61, 0x07, 0x0a, 0x01, 49, 0x04, 0x00, 0x04, 0x00]));
      }
    });
  };
}

async function site(settings = settingsWith("")) {
  const stateDir = await mkdtemp(join(tmpdir(), "login-monitors-"));
  const commands: string[] = [];
  const binds = { count: 0 };
  const world = { isRight: false };
  const pop = await serve(popServer(commands, () => world.isRight));
  const ldap = await serve(ldapServer(binds));
  onTestFinished(async () => {
    await Promise.all([pop.close(), ldap.close()]);
    await rm(stateDir, { recursive: true, force: true });
  });
  const clock = { run: "boot", monotonicMs: 0, wallMs: Date.now() };
  const small = smallEstate(CONF, { settings });
  const logged: Readonly<Record<string, unknown>>[] = [];
  const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    logged.push({ ...fields, message });
  };
  /** An agent's life over the same state directory. */
  const start = async () =>
    new ProbeRunner({
      network: createNetwork({
        connectTo: {
          ...Object.fromEntries(
            SERVERS.map((_, index) => [
              `192.0.2.${String(index + 1)}:110`,
              `127.0.0.1:${String(pop.port)}`,
            ]),
          ),
          ...Object.fromEntries(
            SERVERS.map((_, index) => [
              `192.0.2.${String(index + 1)}:389`,
              `127.0.0.1:${String(ldap.port)}`,
            ]),
          ),
        },
        unmapped: "refuse",
        now: Date.now,
      }),
      signal: new AbortController().signal,
      sourceAddresses: [],
      events: { probeFinished: () => undefined, loginEnded: () => undefined },
      log: { debug: log, info: log, warn: log, error: log },
      keeper: await openAccountKeeper({
        stateDir,
        clock: () => ({ ...clock }),
        firstLoginDelayMs: 0,
      }),
      now: () => clock.wallMs,
      // Nobody waits for another login here: it is held back at once.
      monotonic: (() => {
        let at = 0;
        return () => (at += 60_000);
      })(),
    });
  const records = SERVERS.flatMap((server) => [
    small.probe("m_pop", server),
    small.probe("m_ldap", server),
  ]);
  const round = async (runner: ProbeRunner): Promise<void> => {
    for (const record of records) {
      clock.monotonicMs += 1_000;
      clock.wallMs += 1_000;
      await runner.run(record, small.state);
    }
  };
  const passwords = (): number =>
    binds.count + commands.filter((line) => line.startsWith("PASS")).length;
  return { ...small, stateDir, world, clock, start, round, records, commands, passwords, logged };
}

describe("stale password of login monitors", () => {
  test("is sent at most twice over all monitors, servers and restarts", async () => {
    const { start, round, passwords, commands } = await site();
    for (let life = 0; life < 3; life += 1) {
      const runner = await start();
      for (let turn = 0; turn < 10; turn += 1) {
        await round(runner);
      }
    }
    expect(passwords()).toBe(2);
    expect(commands).toContain("USER svc@lab.local");
    expect(commands).not.toContain("USER");
  });

  test("leaves no replica UP, each keeping the rejection, while the account is suspended", async () => {
    const { start, round, records, world, clock, state, member, hear } = await site();
    world.isRight = true;
    const runner = await start();
    await runner.run(records[0] ?? fail(), state);
    expect(records[0]?.opinion).toBe("up");
    world.isRight = false;
    for (let turn = 0; turn < 3; turn += 1) {
      await round(runner);
    }
    for (const record of records) {
      expect(record).toMatchObject({
        opinion: "unknown",
        lastPassed: null,
        last: { outcome: "fault", step: "login", reason: "auth_rejected" },
      });
    }
    hear(Object.fromEntries(SERVERS.map((server) => [server, { state: "down" as const }])));
    for (const server of SERVERS) {
      expect(member(server, "sg_pop")).toMatchObject({
        verdict: "unknown",
        reason: "auth_rejected",
        replica: "unknown",
      });
    }
    expect(state.suspendedAccounts.map(({ account }) => account)).toContain("monitor m_pop");
    // One trial after the suspension, and all are judged again.
    world.isRight = true;
    clock.monotonicMs += 40 * 60_000;
    await runner.run(records[4] ?? fail(), state);
    await round(runner);
    expect(records[0]?.opinion).toBe("up");
  });
});

test("login monitors › retries a rejecting server a minute later when anything of it has recovered", async () => {
  const { start, records, world, clock, state, observe, hear } = await site();
  const [ex01 = fail(), , ex02 = fail()] = records;
  const runner = await start();
  const login = async (record: typeof ex01, isRight: boolean, afterMs = 1_000): Promise<void> => {
    clock.monotonicMs += afterMs;
    clock.wallMs += afterMs;
    world.isRight = isRight;
    await runner.run(record, state);
  };
  /** It rejects, and another accepts: from the second time on it backs off for more than two minutes. */
  const reject = async (): Promise<void> => {
    await login(ex01, false, 10 * 60_000);
    await login(ex02, true);
    expect(ex01).toMatchObject({ opinion: "down", last: { reason: "backend_unavailable" } });
  };
  await login(ex02, true);
  await reject();
  await reject();
  await login(ex01, true, 2 * 60_000);
  expect(ex01).toMatchObject({ opinion: "down", heldBack: { why: "backing_off" } });
  // Another life, or a single look, knows it from the state directory.
  ex01.last = null;
  await (await start()).run(ex01, state);
  const known = { outcome: "failed", step: "login", reason: "backend_unavailable" };
  expect(ex01).toMatchObject({ last: known, lastPassed: false });
  const startedAt = clock.wallMs;
  observe("pop3_greeting", "ex01", observed({ passed: false, startedAt }));
  observe("pop3_greeting", "ex01", observed({ passed: true, startedAt }));
  await login(ex01, true);
  expect(ex01).toMatchObject({ opinion: "up", heldBack: null });
  await reject();
  await login(ex01, true, 70_000);
  expect(ex01.heldBack).toMatchObject({ why: "backing_off" });
  hear({ ex01: { state: "up", sinceMs: STARTED_AT - startedAt } });
  await login(ex01, true);
  expect(ex01.heldBack).toMatchObject({ why: "backing_off" });
  hear({ ex01: { state: "up", sinceMs: STARTED_AT - clock.wallMs } });
  await login(ex01, true);
  expect(ex01.heldBack).toBeNull();
});

describe("login monitor whose login waits", () => {
  const refused = { outcome: "fault", step: "login", reason: "auth_rejected" } as const;
  const rejected = observed({ passed: false, ...refused, login: "rejected" });
  const unanswered = observed({ passed: false, reason: "response_timeout", login: "unanswered" });

  test.each([
    ["for another target after a rejection there", "elsewhere_first", rejected, refused],
    ["for another target that did not answer", "elsewhere_first", unanswered, null],
    ["for another target after a restart", "elsewhere_first", undefined, null],
    ["for its account's suspension", "suspended", rejected, refused],
    ["for its account's suspension, after a restart", "suspended", undefined, refused],
    ["for its turn", "paced", rejected, null],
  ] as const satisfies readonly (readonly [string, HeldBackReason, unknown, unknown])[])(
    "reports the rejection or nothing when it waits %s",
    (_name, why, refusal, expected) => {
      const heldBack = { kind: "held_back", why, message: null } as const;
      const credential = { lockoutKey: "svc", secret: sealed("x"), name: "monitor m" };
      const last = observed({ passed: true });
      const result = heldBackResult({ kind: "monitor", heldBack, last, credential }, refusal, 60);
      expect(result === null).toBe(expected === null);
      expect(result ?? {}).toMatchObject(
        expected === null ? {} : { passed: null, observation: { ...expected, startedAt: 60 } },
      );
    },
  );

  test("is strict_monitor, not false_down, when another account's login succeeds", () => {
    const run = aRun("pop3_login", {
      account: "b",
      everyMs: 60_000,
      members: { adcServices: ["sg_pop"] },
      allowPlaintext: true,
    });
    const settings = { ...settingsWith(""), accounts: accounts(["b"]), runs: [run] };
    const world = smallEstate(CONF, { settings });
    world.hear({ ex01: { state: "down" } });
    world.observe("m_pop", "ex01", rejected);
    world.observe("pop3_login", "ex01", observed({ passed: true, login: "accepted" }));
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01", "sg_pop")).toMatchObject({
      verdict: "strict_monitor",
      reason: "auth_rejected",
    });
  });
});

test("login monitors › logs the held-back login once and marks its probe when the state directory is locked", async () => {
  const { start, stateDir, records, state, logged, passwords } = await site();
  const runner = await start();
  const taken = await takeLock(join(stateDir, "accounts.lock"));
  for (let turn = 0; turn < 2; turn += 1) {
    await runner.run(records[0] ?? fail(), state);
  }
  expect(records[0]?.heldBack).toMatchObject({ why: "state_locked" });
  expect(passwords()).toBe(0);
  expect(logged).toEqual([
    {
      account: "monitor m_pop",
      reason: "state_locked",
      error: "another process holds the lock on accounts.json",
      message: "logins held back",
    },
  ]);
  if (taken.kind === "held") {
    await taken.lock.release();
  }
  await runner.run(records[0] ?? fail(), state);
  expect(records[0]?.heldBack).toBeNull();
  expect(logged.at(-1)).toMatchObject({ message: "logins resumed" });
});

describe("user of a login monitor", () => {
  const planned = (username: string, name: "m_pop" | "m_ldap" = "m_pop") =>
    smallEstate(CONF, { settings: settingsWith(username) }).probe(name, "ex01").planned;

  test.each(["", "svc", "LAB\\svc", "CN=svc,OU=x,DC=lab"])(
    "is the monitor's own when the configuration says %j",
    (username) => {
      const { action } = planned(username);
      expect(action.kind === "monitor" && action.run?.spec.credential?.username).toBe(
        "svc@lab.local",
      );
      expect(credentialOnWire(planned(username))).toMatchObject({ lockoutKey: "svc" });
      expect(credentialOnWire(planned(username, "m_ldap"))).toMatchObject({ lockoutKey: "svc" });
    },
  );

  test("is the configuration's when it names another user than the monitor", () => {
    expect(credentialOnWire(planned("itest"))).toMatchObject({ lockoutKey: "itest" });
  });

  test("is missing and the monitor is not repeated when neither names a user", () => {
    const conf = CONF.replace(" -userName svc@lab.local", "");
    const { action } = smallEstate(conf, { settings: settingsWith("") }).probe(
      "m_pop",
      "ex01",
    ).planned;
    expect(action).toMatchObject({
      run: null,
      unsupportedReason: "neither the ADC's monitor nor monitors.m_pop has a user name",
    });
  });

  test("is taken from the script's arguments when they name one", () => {
    const conf = CONF.replace(
      "POP3 -scriptName nspop3.pl",
      'USER -scriptName nspop3.pl -scriptArgs "user=svc;password=x"',
    ).replace(" -userName svc@lab.local", "");
    const { planned: probe } = smallEstate(conf, { settings: settingsWith("") }).probe(
      "m_pop",
      "ex01",
    );
    expect(credentialOnWire(probe)).toMatchObject({ lockoutKey: "svc", name: "monitor m_pop" });
  });
});

function fail(): never {
  throw new Error("no such probe");
}
