import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createNetwork } from "../../src/net/dns.ts";
import { openAccountKeeper } from "../../src/agent/accounts/account-keeper.ts";
import {
  maySend,
  MAX_MESSAGES_PER_MINUTE,
  MINUTE_MS,
} from "../../src/agent/accounts/gated-login.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { ProbeRunner } from "../../src/agent/probe-runner.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";
import { smallEstate } from "./small-estate.ts";

const rounds = (server: string | null, ...at: number[]) => at.map((each) => ({ server, at: each }));

test.each<[what: string, sent: ReturnType<typeof rounds>, server: string | null, allowed: boolean]>(
  [
    ["nothing sent yet", [], "ex01", true],
    ["four at that server", rounds("ex01", 1, 2, 3, 4), "ex01", true],
    ["five at that server", rounds("ex01", 1, 2, 3, 4, 5), "ex01", false],
    ["five at another server", rounds("ex02", 1, 2, 3, 4, 5), "ex01", true],
    ["five through the ADC, which may have chosen it", rounds(null, 1, 2, 3, 4, 5), "ex01", false],
    [
      "three at that server and two through the ADC",
      [...rounds("ex01", 1, 2, 3), ...rounds(null, 4, 5)],
      "ex01",
      false,
    ],
    ["five at one that the ADC may choose", rounds("ex02", 1, 2, 3, 4, 5), null, false],
    [
      "four at each that the ADC may choose",
      [...rounds("ex01", 1, 2, 3, 4), ...rounds("ex02", 1, 2, 3, 4)],
      null,
      true,
    ],
    ["five, of which one is a minute old", rounds("ex01", -60_000, 1, 2, 3, 4), "ex01", true],
  ],
)("message rate › allows or refuses one more message after %s", (_what, sent, server, allowed) => {
  expect(maySend(sent, server, 10)).toBe(allowed);
});

test("message rate › never exceeds five messages a minute, however often it is asked", () => {
  const sent: { server: string | null; at: number }[] = [];
  for (let at = 0; at < 10 * MINUTE_MS; at += 700) {
    const server = at % 3 === 0 ? null : "ex01";
    if (maySend(sent, server, at)) {
      sent.push({ server, at });
    }
  }
  expect(sent.length).toBeGreaterThanOrEqual(9 * MAX_MESSAGES_PER_MINUTE);
  for (const { at } of sent) {
    const within = sent.filter((each) => each.at >= at && each.at < at + MINUTE_MS);
    expect(within.length).toBeLessThanOrEqual(MAX_MESSAGES_PER_MINUTE);
  }
});

const CONF = `add server ex01 10.0.0.1
add serviceGroup sg_sub TCP
add lb vserver v_sub TCP 10.0.0.100 587
bind serviceGroup sg_sub ex01 587
bind lb vserver v_sub sg_sub
`;

test("message rate › holds the sixth round of a minute back without counting a failure", async () => {
  const { clock, state, probe } = smallEstate(CONF, {
    settings: {
      ...BARE_SETTINGS,
      accounts: accounts(["a"], { address: "a@example.com" }),
      runs: [
        aRun("mail_round_trip", {
          account: "a",
          everyMs: 1_000,
          timeoutMs: 1_000,
          members: { ports: [587] },
        }),
      ],
    },
  });
  const stateDir = await mkdtemp(join(tmpdir(), "message-rate-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const now = (): number => clock.at;
  const ends: string[] = [];
  let finished = 0;
  const runner = new ProbeRunner({
    // Nothing is ever contacted: a round ends when it asks where to go.
    network: createNetwork({ connectTo: {}, unmapped: "refuse", now }),
    signal: new AbortController().signal,
    sourceAddresses: [],
    events: {
      probeFinished: () => {
        finished += 1;
      },
      loginEnded: (_account, end) => ends.push(end),
    },
    keeper: await openAccountKeeper({
      stateDir,
      clock: () => ({ run: "boot", monotonicMs: now(), wallMs: now() }),
      firstLoginDelayMs: 0,
    }),
    now,
    monotonic: now,
  });
  const record = probe("mail_round_trip", "ex01");
  for (let round = 0; round < 7; round += 1) {
    clock.at += 1_000;
    expect(await runner.run(record, state)).toBe(record.intervalMs);
  }
  expect(ends).toEqual([
    ...new Array<string>(MAX_MESSAGES_PER_MINUTE).fill("not_tried"),
    "held_back",
    "held_back",
  ]);
  expect(finished).toBe(MAX_MESSAGES_PER_MINUTE);
  clock.at += MINUTE_MS;
  await runner.run(record, state);
  expect(ends.at(-1)).toBe("not_tried");
  expect(finished).toBe(MAX_MESSAGES_PER_MINUTE + 1);
});
