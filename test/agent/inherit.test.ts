import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { buildRecords } from "../../src/agent/records/build-records.ts";
import { readSince, restoreSince, writeSince } from "../../src/agent/kept-state.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { observed, smallEstate, STARTED_AT, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP-ECV -send x -recv "The Microsoft Exchange IMAP4 service is ready."
add lb vserver v_imap TCP 10.0.0.100 143
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap ex02 143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const GOOD = observed({ passed: true });
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });

/** The same or another configuration, imported over what is known. */
function importAgain({ records, state, clock }: SmallEstate, conf: string) {
  const estate = parseNsConf(conf, { adc: "prod" });
  const again = buildRecords(
    estate,
    planProbes(estate, BARE_SETTINGS),
    { pollMs: 0, vservers: new Map(), now: () => clock.at },
    records,
  );
  state.setRecords("prod", again);
  state.evaluateAll();
  return again;
}

function inTrouble(): SmallEstate {
  const world = smallEstate(CONF);
  world.hear({ ex01: { state: "up" }, ex02: { state: "out" } });
  world.observe("m_imap", "ex01", REFUSED, 3);
  world.observe("m_imap", "ex02", GOOD);
  world.later(3_600_000);
  world.hearAgain();
  return world;
}

describe("estate imported again", () => {
  test("keeps verdicts, times, opinions and state of what stays", () => {
    const world = inTrouble();
    const before = world.member("ex01");
    expect(before.verdict).toBe("false_up");
    world.clock.at += 30_000;
    const again = importAgain(
      world,
      `${CONF}add server ex03 10.0.0.3\nbind serviceGroup sg_imap ex03 143\n`,
    );
    const [ex01, ex02, ex03] = again.members;
    expect(ex01).not.toBe(before);
    expect(ex01).toMatchObject({
      verdict: "false_up",
      since: before.since,
      mismatchSeconds: 30,
      replica: "down",
      adcOpinion: "up",
    });
    expect(ex02).toMatchObject({ outSince: STARTED_AT, verdict: "drained_undeclared" });
    expect(ex03).toMatchObject({ verdict: "unknown", replica: "unknown" });
  });

  test("records a probe's result at its successor when the probe was under way", () => {
    const world = inTrouble();
    const old = world.probe("m_imap", "ex01");
    importAgain(world, CONF);
    world.state.recordResult(old, GOOD, true);
    const now = world.probe("m_imap", "ex01");
    expect(now).not.toBe(old);
    expect(now).toMatchObject({ opinion: "up", lastPassed: true });
    expect(world.member("ex01").verdict).toBe("agree_up");
  });

  test("discards a probe's result when its member has left", () => {
    const world = inTrouble();
    const old = world.probe("m_imap", "ex02");
    importAgain(world, CONF.replace("bind serviceGroup sg_imap ex02 143\n", ""));
    expect(() => world.state.recordResult(old, GOOD, true)).not.toThrow();
    expect(world.state.members.map(({ server }) => server)).toEqual(["ex01"]);
  });
});

describe("times of an earlier run", () => {
  async function directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "adc-witness-since-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  test("are restored when the same verdict is reached after the first probes", async () => {
    const path = await directory();
    const first = inTrouble();
    await writeSince(path, first.state);
    const heldSince = first.member("ex01").since;

    const second = smallEstate(CONF);
    second.clock.at = first.clock.at + 60_000;
    second.hear({ ex01: { state: "up" }, ex02: { state: "out" } });
    restoreSince(second.state, await readSince(path), second.clock.at);
    expect(second.member("ex01").verdict).toBe("unknown");
    second.observe("m_imap", "ex01", REFUSED, 3);
    second.later(120_000);
    second.hearAgain();
    expect(second.member("ex01")).toMatchObject({ verdict: "false_up", since: heldSince });
    expect(second.member("ex02").outSince).toBe(STARTED_AT);
  });

  test("are not restored when the verdict comes only after the member was good", async () => {
    const path = await directory();
    const first = inTrouble();
    await writeSince(path, first.state);
    const second = smallEstate(CONF);
    second.hear({ ex01: { state: "up" } });
    restoreSince(second.state, await readSince(path), second.clock.at);
    second.observe("m_imap", "ex01", GOOD);
    second.clock.at += 600_000;
    second.observe("m_imap", "ex01", REFUSED, 3);
    second.later(600_000);
    second.hearAgain();
    expect(second.member("ex01")).toMatchObject({ verdict: "false_up", since: second.clock.at });
  });

  test.each([
    ["a minute old (kept)", 60, true],
    ["an hour old (not kept)", 3_600, false],
  ])(
    "keep the time since which a member is good or not when the file is %s",
    async (_name, ageSeconds, kept) => {
      const path = await directory();
      const first = inTrouble();
      const goodSince = first.member("ex02").memory.goodSince;
      await writeSince(path, first.state);
      const second = smallEstate(CONF);
      second.clock.at = first.clock.at + ageSeconds * 1_000;
      const writtenAt = first.clock.at / 1_000;
      await utimes(join(path, "since.json"), writtenAt, writtenAt);
      second.hear({ ex02: { state: "out" } });
      second.observe("m_imap", "ex02", GOOD);
      restoreSince(second.state, await readSince(path), second.clock.at);
      expect(second.member("ex02").memory.goodSince).toBe(kept ? goodSince : second.clock.at);
    },
  );

  test.each([["{"], ['{"a": 1}'], ["[]"], [""]])(
    "are empty when the file holds %j",
    async (text) => {
      const path = await directory();
      await writeFile(join(path, "since.json"), text);
      expect((await readSince(path)).members).toEqual({});
    },
  );

  test("are empty when there is no file, and read when an earlier release wrote it", async () => {
    const path = await directory();
    expect((await readSince(path)).members).toEqual({});
    await writeFile(
      join(path, "since.json"),
      JSON.stringify({ a: { verdict: "agree_up", since: 1, outSince: null } }),
    );
    expect((await readSince(path)).members["a"]).toMatchObject({ verdict: "agree_up", since: 1 });
  });
});
