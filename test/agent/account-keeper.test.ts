import { sealed } from "../support/sealed.ts";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ACCOUNTS_FILE,
  openAccountKeeper,
  type AccountKeeper,
  type Credential,
} from "../../src/agent/accounts/account-keeper.ts";
import { decodeLoginState } from "../../src/agent/accounts/login-state.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import { gatedLogin, type LoginGate } from "../../src/agent/accounts/gated-login.ts";
import { observed } from "./small-estate.ts";
import { LoginQueue } from "../../src/agent/accounts/login-queue.ts";
import { lockoutKeyOf } from "../../src/probes/monitors/spec.ts";
import {
  NEW_SECRET_MS,
  MIN_GAP_MS,
} from "../../src/probes/transactions/account-gate/decide-login.ts";
import type { LoginOutcome } from "../../src/model/observation.ts";
import {
  initialGate,
  SUSPENSION_MS,
  type LoginEndpoint,
} from "../../src/probes/transactions/account-gate/gate.ts";

const MINUTE_MS = 60_000;
const EX01: LoginEndpoint = { key: "backend/ex01", server: "ex01", throughAdc: false };
const EX02: LoginEndpoint = { key: "backend/ex02", server: "ex02", throughAdc: false };
const EX03: LoginEndpoint = { key: "backend/ex03", server: "ex03", throughAdc: false };
const VIP: LoginEndpoint = { key: "vip/v_imap", server: "192.0.2.1", throughAdc: true };

interface Opened {
  readonly keeper: AccountKeeper;
  /** Each login comes after the shortest gap between two. */
  readonly begin: (place: LoginEndpoint) => ReturnType<AccountKeeper["begin"]>;
  /** A login that must begin. */
  readonly begun: (place: LoginEndpoint) => Promise<string>;
  readonly login: (place: LoginEndpoint, outcome: LoginOutcome) => Promise<void>;
}

/** A state directory, and keepers over it that share the clocks of one machine. */
async function shared() {
  const stateDir = await mkdtemp(join(tmpdir(), "adc-witness-accounts-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const clock = { run: "boot", monotonicMs: 5_000, wallMs: 1_800_000_000_000 };
  const pass = (ms: number): void => {
    clock.monotonicMs += ms;
    clock.wallMs += ms;
  };
  const open = async (secret = "canary-91c2", firstLoginDelayMs = 0): Promise<Opened> => {
    const keeper = await openAccountKeeper({
      stateDir,
      clock: () => ({ ...clock }),
      firstLoginDelayMs,
    });
    keeper.reconfigure(new Map([["probe", ["probe-a"]]]));
    const begin = (place: LoginEndpoint) => {
      pass(MIN_GAP_MS);
      return keeper.begin(
        { lockoutKey: "probe", secret: sealed(secret), name: "probe-a" },
        place,
        MINUTE_MS,
      );
    };
    const begun = async (place: LoginEndpoint): Promise<string> => {
      const answer = await begin(place);
      if (answer.kind !== "begun") {
        throw new Error(JSON.stringify(answer));
      }
      return answer.id;
    };
    const login = async (place: LoginEndpoint, outcome: LoginOutcome): Promise<void> => {
      await keeper.end("probe", await begun(place), outcome);
    };
    return { keeper, begin, begun, login };
  };
  return { stateDir, clock, pass, open };
}

describe("account keepers sharing a state directory", () => {
  test("allow one login at a time until one has succeeded", async () => {
    const { open } = await shared();
    const [agent, command] = [await open(), await open()];
    const id = await agent.begun(EX01);
    expect(await command.begin(EX02)).toMatchObject({ kind: "wait", why: "busy" });
    await agent.keeper.end("probe", id, "accepted");
    expect(await command.begin(EX02)).toMatchObject({ kind: "begun" });
  });

  test("allow one of several logins that are requested at the same instant", async () => {
    const { open } = await shared();
    const keepers = [await open(), await open(), await open()];
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(keepers.map(({ begin }) => begin(EX01)));
      expect(answers.filter(({ kind }) => kind === "begun").length).toBe(round === 0 ? 1 : 0);
    }
  });

  test("suspend the account for all of them, and after a restart, when the second login is rejected", async () => {
    const { clock, pass, open } = await shared();
    const [agent, command] = [await open(), await open()];
    await agent.login(EX01, "rejected");
    await command.login(EX02, "rejected");
    const until = clock.wallMs + 30 * MINUTE_MS;
    const restarted = await open();
    for (const { begin, keeper } of [agent, command, restarted]) {
      expect(await begin(VIP)).toMatchObject({ kind: "wait", why: "suspended" });
      expect(keeper.suspended()).toEqual([{ account: "probe-a", until }]);
    }
    pass(30 * MINUTE_MS);
    expect(await restarted.begin(EX03)).toMatchObject({ kind: "begun" });
  });

  test("attribute a rejection to its target when another target accepts the login", async () => {
    const { open } = await shared();
    const [agent, command] = [await open(), await open()];
    await agent.login(VIP, "rejected");
    const id = await command.begun(EX01);
    expect(await command.keeper.end("probe", id, "accepted")).toMatchObject([
      { key: VIP.key, reason: "login_broken_by_adc" },
    ]);
    expect(await agent.begin(VIP)).toMatchObject({ why: "backing_off" });
  });
});

describe("account keeper under clock changes", () => {
  test.each([31 * MINUTE_MS, -31 * MINUTE_MS])(
    "neither lifts nor prolongs a suspension when the wall clock is set by %d ms",
    async (stepMs) => {
      const { clock, pass, open } = await shared();
      const agent = await open();
      await agent.login(EX01, "rejected");
      await agent.login(EX02, "rejected");
      clock.wallMs += stepMs;
      for (const { begin } of [agent, await open()]) {
        expect(await begin(EX03)).toMatchObject({ why: "suspended" });
      }
      pass(30 * MINUTE_MS);
      expect(await (await open()).begin(EX03)).toMatchObject({ kind: "begun" });
    },
  );

  test("counts a suspension by the wall clock, never backwards, when the machine restarts", async () => {
    const { clock, open } = await shared();
    const agent = await open();
    await agent.login(EX01, "rejected");
    await agent.login(EX02, "rejected");
    Object.assign(clock, { run: "second", monotonicMs: 10, wallMs: clock.wallMs - 1e9 });
    expect(await (await open()).begin(EX03)).toMatchObject({ why: "suspended" });
    Object.assign(clock, { run: "third", monotonicMs: 10, wallMs: clock.wallMs + 31 * MINUTE_MS });
    expect(await (await open()).begin(EX03)).toMatchObject({ kind: "begun" });
  });
});

test("account keeper › counts a login that a crash left unfinished against the account when its time is over", async () => {
  const { pass, open } = await shared();
  await (await open()).begun(EX01);
  const restarted = await open();
  expect(await restarted.begin(EX02)).toMatchObject({ why: "busy" });
  pass(MINUTE_MS + 1);
  await restarted.login(EX02, "rejected");
  expect(restarted.keeper.suspended()).toHaveLength(1);
});

test("account keeper › begins at most two logins when it is killed in the middle of a login ten times", async () => {
  const { pass, open } = await shared();
  let begun = 0;
  for (let start = 0; start < 10; start += 1) {
    const killed = await open();
    pass(MINUTE_MS + 1);
    begun += (await killed.begin(start % 2 === 0 ? EX01 : EX02)).kind === "begun" ? 1 : 0;
  }
  expect(begun).toBe(2);
});

describe("account keeper with an empty state directory, which may have been lost", () => {
  test("delays the first login, over restarts too", async () => {
    const { pass, open } = await shared();
    expect(await (await open("s", 12_000)).begin(EX01)).toEqual({
      kind: "wait",
      why: "starting",
      waitMs: 12_000,
    });
    pass(11_000);
    const restarted = await open("s", 12_000);
    expect(await restarted.begin(EX01)).toMatchObject({ why: "starting" });
    expect(await restarted.begin(EX01)).toMatchObject({ kind: "begun" });
  });

  test("does not delay the first login when no delay is set, as for a command", async () => {
    const { open } = await shared();
    expect(await (await open()).begin(EX01)).toMatchObject({ kind: "begun" });
  });
});

/** Two logins that this process waits for, their time long over. */
async function twoLongUnderWay() {
  const { pass, open } = await shared();
  const agent = await open();
  await agent.login(EX01, "accepted");
  const under = [await agent.begun(EX01), await agent.begun(EX02)];
  pass(60 * MINUTE_MS);
  return { pass, agent, under };
}

test("account keeper › suspends no account when logins end late because the event loop stalled", async () => {
  const { pass, agent, under } = await twoLongUnderWay();
  expect(agent.keeper.suspended()).toEqual([]);
  expect(await agent.begin(VIP)).toMatchObject({ why: "busy" });
  // The end of one login must not end the wait for the other.
  for (const id of under) {
    await agent.keeper.end("probe", id, "accepted");
    pass(MINUTE_MS);
  }
  expect(agent.keeper.suspended()).toEqual([]);
  expect(await agent.begin(VIP)).toMatchObject({ kind: "begun" });
});

test("account keeper › suspends the account when two rejections come long after their time", async () => {
  const { agent, under } = await twoLongUnderWay();
  for (const id of under) {
    await agent.keeper.end("probe", id, "rejected");
  }
  expect(agent.keeper.suspended()).toMatchObject([{ account: "probe-a" }]);
});

const PROBE_LOGIN: Credential = {
  lockoutKey: "probe",
  secret: sealed("canary-91c2"),
  name: "probe-a",
};
const AT_EX01 = {
  id: EX01.key,
  vantage: "backend",
  server: "ex01",
  address: "192.0.2.11",
  intervalMs: 20,
  timeoutMs: 1_000,
} as const;

function gateOf(keeper: AccountKeeper, queue = new LoginQueue()): LoginGate {
  return { keeper, queue, monotonic: () => 0, signal: new AbortController().signal };
}

test("gated login › counts as unanswered and holds no later login back when the probe throws", async () => {
  const { open } = await shared();
  const agent = await open();
  const broken = gatedLogin(gateOf(agent.keeper), PROBE_LOGIN, AT_EX01, () =>
    Promise.reject(new RangeError("a mistake")),
  );
  await expect(broken).rejects.toThrow("a mistake");
  expect(await agent.begin(EX01)).toMatchObject({ why: "elsewhere_first" });
  await agent.login(EX02, "rejected");
  expect(agent.keeper.suspended()).toHaveLength(1);
});

test("gated login › is held back as busy while a login of the account that has waited longer is first", async () => {
  const { open } = await shared();
  const { keeper } = await open();
  const queue = new LoginQueue();
  const longer = queue.join("probe", "vip", 0);
  let runs = 0;
  const login = () =>
    gatedLogin(gateOf(keeper, queue), PROBE_LOGIN, AT_EX01, () => {
      runs += 1;
      return Promise.resolve({ observation: observed({ passed: true }), passed: true });
    });
  expect(await login()).toEqual({ kind: "held_back", why: "busy", message: null });
  expect(runs).toBe(0);
  const waiting = login();
  longer.leave(true);
  expect(await waiting).toMatchObject({ kind: "ran" });
  expect(runs).toBe(1);
});

test("gated login › gives the account's suspension as the reason when it is not first either", async () => {
  const { open } = await shared();
  const agent = await open();
  await agent.login(EX01, "rejected");
  await agent.login(EX02, "rejected");
  const queue = new LoginQueue();
  queue.join("probe", "vip", 0);
  const held = await gatedLogin(gateOf(agent.keeper, queue), PROBE_LOGIN, AT_EX01, () =>
    Promise.reject(new Error("not to be run")),
  );
  expect(held).toEqual({ kind: "held_back", why: "suspended", message: null });
});

test("account keeper › sets an unreadable file aside and delays every login, since rejections may be lost", async () => {
  const { stateDir, pass, open } = await shared();
  await writeFile(join(stateDir, ACCOUNTS_FILE), '{"half a fi');
  expect(await (await open()).begin(EX01)).toMatchObject({ why: "starting" });
  expect(await readdir(stateDir)).toContainEqual(
    expect.stringMatching(/^accounts\.json\.set-aside-/),
  );
  pass(29 * MINUTE_MS);
  expect(await (await open()).begin(EX01)).toMatchObject({ why: "starting" });
  pass(MINUTE_MS);
  expect(await (await open()).begin(EX01)).toMatchObject({ kind: "begun" });
});

test.each([
  ["damaged", (file: string) => writeFile(file, '{"half a fi')],
  ["of another version", (file: string) => writeFile(file, '{"version":2}')],
  ["a directory", (file: string) => mkdir(file)],
])(
  "account keeper › sets a file that is %s aside and reports it when it is opened, before any login",
  async (_name, make) => {
    const { stateDir, clock } = await shared();
    await make(join(stateDir, ACCOUNTS_FILE));
    const storage = new StorageWatch({ warn: () => undefined, error: () => undefined });
    await openAccountKeeper({ stateDir, clock: () => clock, firstLoginDelayMs: 0, storage });
    expect(storage.health.problems).toEqual([
      expect.stringContaining("no account logs in until the suspension time has passed"),
    ]);
    expect(decodeLoginState(await readFile(join(stateDir, ACCOUNTS_FILE), "utf8"))).toMatchObject({
      firstLoginAt: clock.wallMs + SUSPENSION_MS,
    });
  },
);

test("account keeper › begins no login when the state directory cannot be written", async () => {
  const { stateDir, clock } = await shared();
  const notADirectory = join(stateDir, "file");
  await writeFile(notADirectory, "");
  const keeper = await openAccountKeeper({
    stateDir: notADirectory,
    clock: () => clock,
    firstLoginDelayMs: 0,
  });
  const credential = { lockoutKey: "probe", secret: sealed("x"), name: "probe-a" };
  expect(await keeper.begin(credential, EX01, MINUTE_MS)).toMatchObject({
    kind: "failed",
    why: "state_unusable",
  });
});

test("account keeper › tries a new secret half an hour after the rejections, not the same one, and writes neither down", async () => {
  const { stateDir, pass, open } = await shared();
  const first = await open();
  await first.login(EX01, "rejected");
  await first.login(EX02, "rejected");
  const restarted = await open();
  const renewed = await open("canary-other");
  pass(NEW_SECRET_MS);
  expect(await renewed.begin(EX03)).toMatchObject({ why: "suspended" });
  expect(await restarted.begin(EX03)).toMatchObject({ why: "suspended" });
  pass(SUSPENSION_MS - NEW_SECRET_MS);
  expect(await renewed.begin(EX03)).toMatchObject({ kind: "begun" });
  expect(await readFile(join(stateDir, ACCOUNTS_FILE), "utf8")).not.toContain("canary");
});

test("account keeper › accepts a new secret at once when a reload replaces one that works", async () => {
  const { keeper, login } = await (await shared()).open("canary-old");
  await login(EX01, "accepted");
  const begin = (secret: string) =>
    keeper.begin({ lockoutKey: "probe", secret: sealed(secret), name: "probe-a" }, EX02, MINUTE_MS);
  expect(await begin("canary-new")).toMatchObject({ why: "other_secret" });
  keeper.reconfigure(new Map([["probe", ["probe-a"]]]));
  expect(await begin("canary-new")).toMatchObject({ why: "paced" });
});

test("account keeper › holds a command with an old secret back when the agent's secret works", async () => {
  const { open } = await shared();
  const agent = await open("canary-new");
  await agent.login(EX01, "accepted");
  const command = await open("canary-old");
  expect(await command.begin(EX01)).toMatchObject({ why: "other_secret" });
  expect(await agent.begin(EX02)).toMatchObject({ kind: "begun" });
});

test("account keeper › drops no suspended account when an ADC names more than a thousand users", async () => {
  const { clock, pass, stateDir } = await shared();
  const gates = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [
      `user-${String(index)}`,
      { ...initialGate(), lastStartedAt: index + 1 },
    ]),
  );
  const suspension = { until: clock.wallMs + 1e9, nextMs: 1 };
  const accounts = { ...gates, held: { ...initialGate(), suspension, lastStartedAt: 1 } };
  await writeFile(join(stateDir, ACCOUNTS_FILE), JSON.stringify({ version: 1, accounts }));
  const keeper = await openAccountKeeper({ stateDir, clock: () => clock, firstLoginDelayMs: 0 });
  pass(MINUTE_MS);
  const fresh = { lockoutKey: "fresh", secret: sealed("x"), name: "monitor m" };
  expect(await keeper.begin(fresh, EX01, MINUTE_MS)).toMatchObject({ kind: "begun" });
  const book = decodeLoginState(await readFile(join(stateDir, ACCOUNTS_FILE), "utf8"));
  expect(book?.gates.size).toBe(1_000);
  expect(book?.gates.has("held") && book.gates.has("fresh")).toBe(true);
});

test("account keeper › reports a suspended user that only the ADC names when the user has asked for a login in this run", async () => {
  const { clock, stateDir } = await shared();
  const open = () =>
    openAccountKeeper({ stateDir, clock: () => ({ ...clock }), firstLoginDelayMs: 0 });
  const svc = { lockoutKey: "svc", secret: sealed("stale"), name: "monitor m_ldap" };
  const keeper = await open();
  for (const place of [EX01, EX02]) {
    const begun = await keeper.begin(svc, place, MINUTE_MS);
    await keeper.end("svc", begun.kind === "begun" ? begun.id : "", "rejected");
    clock.monotonicMs += MIN_GAP_MS;
  }
  expect(keeper.suspended()).toMatchObject([{ account: "monitor m_ldap" }]);
  expect((await open()).suspended()).toEqual([]);
});

test.each([
  ["LAB\\Probe-A", "probe-a"],
  ["probe-a@lab.example.com", "probe-a"],
  [" probe-a ", "probe-a"],
  ["ＰＲＯＢＥ-A", "probe-a"],
  ["CN=Probe-A,OU=Service,DC=lab,DC=local", "probe-a"],
  ["uid=probe-a,ou=people,dc=lab,dc=local", "probe-a"],
  ["cn = probe-a + ou=x,dc=lab", "probe-a"],
  ["CN=Doe\\, John,DC=lab", "doe, john"],
  ["userPrincipalName=probe-a@lab.local,DC=lab", "probe-a"],
])("account keeper › %s has the lockout key %s", (username, key) => {
  expect(lockoutKeyOf(username)).toBe(key);
});
