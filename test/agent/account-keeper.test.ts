import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ACCOUNTS_FILE,
  openAccountKeeper,
  type AccountKeeper,
} from "../../src/agent/accounts/account-keeper.ts";
import { gatedLogin } from "../../src/agent/accounts/gated-login.ts";
import { personOf } from "../../src/agent/accounts/lockout-key.ts";
import { SHORTEST_GAP_MS } from "../../src/probes/transactions/account-gate/decide-login.ts";
import type { LoginPlace } from "../../src/probes/transactions/account-gate/gate.ts";

const MINUTE_MS = 60_000;
const EX01: LoginPlace = { key: "backend/ex01", throughAdc: false };
const EX02: LoginPlace = { key: "backend/ex02", throughAdc: false };
const VIP: LoginPlace = { key: "vip/v_imap", throughAdc: true };

/** A state directory, and keepers over it that share one clock. */
async function shared() {
  const stateDir = await mkdtemp(join(tmpdir(), "adc-witness-accounts-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const clock = { at: 1_800_000_000_000 };
  const open = async (secret = "canary-91c2"): Promise<AccountKeeper> => {
    const keeper = await openAccountKeeper({
      stateDir,
      people: new Map([["probe", { secret, names: ["probe-a"] }]]),
      now: () => clock.at,
    });
    return {
      ...keeper,
      // Each login comes after the shortest gap between two.
      begin(account, place, deadline) {
        clock.at += SHORTEST_GAP_MS;
        return keeper.begin(account, place, deadline);
      },
    };
  };
  return { stateDir, clock, open };
}

async function begin(keeper: AccountKeeper, place: LoginPlace, deadline: number): Promise<string> {
  const begun = await keeper.begin("probe", place, deadline);
  if (begun.kind !== "begun") {
    throw new Error(JSON.stringify(begun));
  }
  return begun.id;
}

describe("two keepers of one state directory", () => {
  test("let one login begin at a time until one has succeeded", async () => {
    const { clock, open } = await shared();
    const [agent, command] = [await open(), await open()];
    const id = await begin(agent, EX01, clock.at + MINUTE_MS);
    expect(await command.begin("probe", EX02, clock.at + MINUTE_MS)).toMatchObject({
      kind: "wait",
      why: "busy",
    });
    await agent.end("probe", id, "accepted");
    expect(await command.begin("probe", EX02, clock.at + MINUTE_MS)).toMatchObject({
      kind: "begun",
    });
  });

  test("asked at the same instant, let one begin", async () => {
    const { clock, open } = await shared();
    const keepers = [await open(), await open(), await open()];
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(
        keepers.map((keeper) => keeper.begin("probe", EX01, clock.at + MINUTE_MS)),
      );
      expect(answers.filter(({ kind }) => kind === "begun").length).toBe(round === 0 ? 1 : 0);
    }
  });

  test("count rejections together: the second suspends for both, and for who comes after a restart", async () => {
    const { clock, open } = await shared();
    const [agent, command] = [await open(), await open()];
    await agent.end("probe", await begin(agent, EX01, clock.at + MINUTE_MS), "rejected");
    await command.end("probe", await begin(command, EX02, clock.at + MINUTE_MS), "rejected");
    const until = clock.at + 30 * MINUTE_MS;
    const restarted = await open();
    for (const keeper of [agent, command, restarted]) {
      expect(await keeper.begin("probe", VIP, clock.at + MINUTE_MS)).toMatchObject({
        kind: "wait",
        why: "suspended",
      });
      expect(keeper.suspended()).toEqual([{ account: "probe-a", until }]);
    }
    clock.at = until;
    expect(await restarted.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({
      kind: "begun",
    });
  });

  test("an acceptance elsewhere lays a rejection to its place", async () => {
    const { clock, open } = await shared();
    const [agent, command] = [await open(), await open()];
    await agent.end("probe", await begin(agent, VIP, clock.at + MINUTE_MS), "rejected");
    const id = await begin(command, EX01, clock.at + MINUTE_MS);
    expect(await command.end("probe", id, "accepted")).toMatchObject([
      { key: VIP.key, reason: "login_broken_by_adc" },
    ]);
    expect(await agent.begin("probe", VIP, clock.at + MINUTE_MS)).toMatchObject({
      why: "backing_off",
    });
  });
});

test("a login that a crash left without an end counts against the account once its time is over", async () => {
  const { clock, open } = await shared();
  await begin(await open(), EX01, clock.at + MINUTE_MS);
  const restarted = await open();
  expect(await restarted.begin("probe", EX02, clock.at + MINUTE_MS)).toMatchObject({ why: "busy" });
  clock.at += MINUTE_MS + 1;
  await restarted.end("probe", await begin(restarted, EX02, clock.at + MINUTE_MS), "rejected");
  expect(restarted.suspended()).toHaveLength(1);
});

/** Two logins that this process waits for, their time long over. */
async function twoLongUnderWay() {
  const { clock, open } = await shared();
  const keeper = await open();
  await keeper.end("probe", await begin(keeper, EX01, clock.at + MINUTE_MS), "accepted");
  const under = [
    await begin(keeper, EX01, clock.at + MINUTE_MS),
    await begin(keeper, EX02, clock.at + MINUTE_MS),
  ];
  clock.at += 60 * MINUTE_MS;
  return { clock, keeper, under };
}

test("a login that is still waited for is not over by the clock: a hold of ours, or a clock that was set, suspends nobody", async () => {
  const { clock, keeper, under } = await twoLongUnderWay();
  expect(keeper.suspended()).toEqual([]);
  expect(await keeper.begin("probe", VIP, clock.at + MINUTE_MS)).toMatchObject({ why: "busy" });
  // Word of the one must not end the wait for the other.
  for (const id of under) {
    await keeper.end("probe", id, "accepted");
    clock.at += MINUTE_MS;
  }
  expect(keeper.suspended()).toEqual([]);
  expect(await keeper.begin("probe", VIP, clock.at + MINUTE_MS)).toMatchObject({ kind: "begun" });
});

test("two rejections that come long after their time still suspend", async () => {
  const { clock, keeper, under } = await twoLongUnderWay();
  for (const id of under) {
    await keeper.end("probe", id, "rejected");
  }
  expect(keeper.suspended()).toEqual([{ account: "probe-a", until: clock.at + 30 * MINUTE_MS }]);
});

test("a login that breaks by a mistake of ours counts as unanswered, and holds up nobody", async () => {
  const { clock, open } = await shared();
  const keeper = await open();
  const planned = { id: EX01.key, vantage: "backend", intervalMs: 0, timeoutMs: 1_000 } as const;
  const broken = gatedLogin(
    keeper,
    "probe",
    planned,
    () => Promise.reject(new RangeError("a mistake")),
    () => clock.at,
    new AbortController().signal,
  );
  await expect(broken).rejects.toThrow("a mistake");
  expect(await keeper.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({
    why: "elsewhere_first",
  });
  await keeper.end("probe", await begin(keeper, EX02, clock.at + MINUTE_MS), "rejected");
  expect(keeper.suspended()).toHaveLength(1);
});

test("a file that cannot be understood may hide rejections: it is kept aside, and everybody waits", async () => {
  const { stateDir, clock, open } = await shared();
  await writeFile(join(stateDir, ACCOUNTS_FILE), '{"half a fi');
  const keeper = await open();
  expect(await keeper.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({
    why: "suspended",
  });
  expect(await readdir(stateDir)).toContain(`${ACCOUNTS_FILE}.damaged`);
});

test("without a state directory to write to, no login begins", async () => {
  const { stateDir, clock } = await shared();
  const notADirectory = join(stateDir, "file");
  await writeFile(notADirectory, "");
  const keeper = await openAccountKeeper({
    stateDir: notADirectory,
    people: new Map([["probe", { secret: "x", names: ["probe-a"] }]]),
    now: () => clock.at,
  });
  expect(await keeper.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({ kind: "failed" });
});

test("a new secret lifts a suspension at once, the same one does not, and neither is ever written down", async () => {
  const { stateDir, clock, open } = await shared();
  const first = await open();
  await first.end("probe", await begin(first, EX01, clock.at + MINUTE_MS), "rejected");
  await first.end("probe", await begin(first, EX02, clock.at + MINUTE_MS), "rejected");
  expect((await open()).suspended()).toHaveLength(1);
  const renewed = await open("canary-other");
  expect(renewed.suspended()).toEqual([]);
  expect(await renewed.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({ kind: "begun" });
  expect(await readFile(join(stateDir, ACCOUNTS_FILE), "utf8")).not.toContain("canary");
});

test("a command with an old secret does not take the gate from an agent whose secret works", async () => {
  const { clock, open } = await shared();
  const agent = await open("canary-new");
  const command = await open("canary-old");
  await agent.end("probe", await begin(agent, EX01, clock.at + MINUTE_MS), "accepted");
  expect(await command.begin("probe", EX01, clock.at + MINUTE_MS)).toMatchObject({
    why: "other_secret",
  });
  expect(await agent.begin("probe", EX02, clock.at + MINUTE_MS)).toMatchObject({ kind: "begun" });
});

test.each([
  ["LAB\\Probe-A", "probe-a"],
  ["probe-a@lab.example.com", "probe-a"],
  ["probe-a", "probe-a"],
])("%s is the person %s", (username, person) => {
  expect(personOf(username)).toBe(person);
});
