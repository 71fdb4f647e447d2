import { describe, expect, test } from "vitest";
import { readSince, restoreSince, writeSince } from "../../src/agent/kept-state.ts";
import { declaredFor, declaredWindows } from "../../src/maintenance/declarations.ts";
import { EMPTY_STORE } from "../../src/maintenance/store.ts";
import type { MemberState } from "../../src/model/adc-state.ts";
import type { Observation } from "../../src/model/observation.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { observed, smallEstate, STARTED_AT, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP-ECV -send x -recv "The Microsoft Exchange IMAP4 service is ready." -interval 30
add lb vserver v_imap TCP 10.0.0.100 143
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const OVERRUN = "maintenance_overrun";
const HOUR = 3_600_000;
const GOOD = observed({ passed: true });
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });
/** As IMAP shows a component that is Inactive. */
const INACTIVE = observed({
  passed: false,
  outcome: "failed",
  reason: "closed_without_data",
  step: "banner",
});

/** A world whose window, where it has one, is open from the start for so many hours. */
function world(windowHours: number | null): SmallEstate {
  const window = {
    name: "cu15",
    servers: ["ex01"],
    when: {
      kind: "fixed",
      startAt: STARTED_AT,
      endAt: STARTED_AT + (windowHours ?? 0) * HOUR,
    } as const,
    reason: null,
    author: null,
    autoEnd: false,
    flexible: false,
  };
  const windows = declaredWindows(windowHours === null ? [] : [window], EMPTY_STORE);
  return smallEstate(CONF, {
    declarations: {
      declaredFor: (server, now, awaySince) => declaredFor(server, windows, now, awaySince),
      observe: () => undefined,
    },
  });
}

function see(one: SmallEstate, what: Observation): void {
  one.observe("m_imap", "ex01", { ...what, startedAt: one.clock.at }, 3);
  one.observe("imap_greeting", "ex01", { ...what, startedAt: one.clock.at }, 3);
}

interface Act {
  readonly hours: number;
  readonly sees: Observation;
  readonly adc: MemberState["state"];
}

/** Plays what is seen and what the ADC says, each from its hour on, and tells the verdict at every full hour. */
function verdictsOf(one: SmallEstate, acts: readonly Act[], untilHours: number): string[] {
  const told: string[] = [];
  for (let hours = 0; hours <= untilHours; hours++) {
    one.clock.at = STARTED_AT + hours * HOUR;
    const act = acts.findLast((each) => each.hours <= hours);
    if (act !== undefined) {
      one.hear({ ex01: { state: act.adc } });
      see(one, act.sees);
      // The ADC's own time is over, and it has not changed its mind.
      one.clock.at += 600_000;
      one.hearAgain();
      see(one, act.sees);
      // And once more after the stability time.
      one.clock.at += 61_000;
      see(one, act.sees);
      one.state.evaluateAll();
    }
    told.push(one.member("ex01").verdict);
  }
  return told;
}

const WELL: Act = { hours: 0, sees: GOOD, adc: "up" };

describe("maintenance overrun", () => {
  test.each([
    ["its window over", 3, "return_overdue"],
    ["never declared", null, "drained_undeclared"],
  ])("is not reported when a member out of service has just begun to fail, %s", (...of) => {
    const [, windowHours, working] = of;
    const one = world(windowHours);
    const acts: readonly Act[] = [WELL, { hours: 1, sees: GOOD, adc: "out" }];
    expect(verdictsOf(one, acts, 6).at(-1)).toBe(working);
    one.clock.at += 1_000;
    see(one, REFUSED);
    expect(one.member("ex01").verdict).toBe("drained_undeclared");
    one.clock.at += 300_000;
    one.hearAgain();
    see(one, REFUSED);
    one.state.evaluateAll();
    expect(one.member("ex01").verdict).toBe(OVERRUN);
  });

  test("is reported at once when a member has not worked since its window ended", () => {
    const one = world(3);
    verdictsOf(one, [WELL], 2);
    one.clock.at = STARTED_AT + 3 * HOUR - 20_000;
    see(one, GOOD);
    one.hear({ ex01: { state: "out" } });
    one.clock.at += 10_000;
    see(one, REFUSED);
    one.state.evaluateAll();
    expect(one.member("ex01").verdict).toBe("drained");
    one.clock.at = STARTED_AT + 3 * HOUR + 1_000;
    see(one, REFUSED);
    one.state.evaluateAll();
    expect(one.member("ex01").verdict).toBe(OVERRUN);
  });

  test.each<[string, number | null, readonly Act[], readonly string[]]>([
    [
      "a component left Inactive when the window is over",
      3,
      [WELL, { hours: 1, sees: INACTIVE, adc: "down" }],
      ["agree_up", "maintenance_expected", "maintenance_expected", ...times(3, OVERRUN)],
    ],
    [
      "a service left stopped when the window is over",
      3,
      [WELL, { hours: 1, sees: REFUSED, adc: "down" }],
      ["agree_up", "maintenance_expected", "maintenance_expected", ...times(3, OVERRUN)],
    ],
    [
      "a member out and not working when the window is over",
      3,
      [WELL, { hours: 1, sees: REFUSED, adc: "out" }],
      ["agree_up", "drained", "drained", ...times(3, OVERRUN)],
    ],
    [
      "a member still disabled that works when the window is over",
      3,
      [WELL, { hours: 1, sees: GOOD, adc: "out" }],
      ["agree_up", "ready_to_return", "ready_to_return", ...times(3, "return_overdue")],
    ],
    [
      "a member that came back inside the window and died after it: an outage",
      2,
      [
        WELL,
        { hours: 1, sees: INACTIVE, adc: "down" },
        { hours: 2, sees: GOOD, adc: "up" },
        { hours: 3, sees: REFUSED, adc: "down" },
      ],
      ["agree_up", "maintenance_expected", "agree_up", ...times(3, "agree_down")],
    ],
    [
      "undeclared: a component Inactive for four hours",
      null,
      [WELL, { hours: 1, sees: INACTIVE, adc: "down" }],
      ["agree_up", ...times(4, "maintenance_expected"), ...times(2, OVERRUN)],
    ],
    [
      "undeclared: out of service and not working for four hours",
      null,
      [WELL, { hours: 1, sees: REFUSED, adc: "out" }],
      ["agree_up", ...times(4, "drained_undeclared"), ...times(2, OVERRUN)],
    ],
    [
      "undeclared: out of service and working is only undeclared, however long",
      null,
      [WELL, { hours: 1, sees: GOOD, adc: "out" }],
      ["agree_up", ...times(6, "drained_undeclared")],
    ],
    [
      "undeclared: enabled again after work, and its service is still stopped",
      null,
      [WELL, { hours: 1, sees: REFUSED, adc: "out" }, { hours: 2, sees: REFUSED, adc: "down" }],
      ["agree_up", "drained_undeclared", ...times(3, "agree_down"), ...times(2, OVERRUN)],
    ],
    [
      "an outage that no maintenance began is an outage, however long",
      null,
      [WELL, { hours: 1, sees: REFUSED, adc: "down" }],
      ["agree_up", ...times(6, "agree_down")],
    ],
  ])("follows the verdicts of each hour: %s", (_what, windowHours, acts, expected) => {
    expect(verdictsOf(world(windowHours), acts, expected.length - 1)).toEqual(expected);
  });

  test("starts at the ADC's last change when this agent never saw the member good", () => {
    const one = world(null);
    one.hear({ ex01: { state: "down", sinceMs: 20 * 24 * HOUR } });
    see(one, INACTIVE);
    expect(one.member("ex01")).toMatchObject({
      verdict: OVERRUN,
      awaySince: STARTED_AT - 20 * 24 * HOUR,
    });
  });
});

describe("maintenance overrun over a restart", () => {
  /** The second run begins with a look that passes, as one of a page that is served in maintenance. */
  async function restarted(pausedMs: number, sinceMs: number | null): Promise<SmallEstate> {
    const folder = await temporaryFolder();
    const first = world(null);
    verdictsOf(first, [WELL, { hours: 1, sees: INACTIVE, adc: "down" }], 3);
    await writeSince(folder, first.state);
    const second = world(null);
    second.clock.at = first.clock.at + pausedMs;
    second.hear({ ex01: { state: "down", sinceMs } });
    second.observe("imap_greeting", "ex01", { ...GOOD, startedAt: second.clock.at });
    const { good, memory } = second.member("ex01");
    expect({ good, lastGoodAt: memory.lastGoodAt }).toEqual({ good: true, lastGoodAt: null });
    const { members } = await readSince(folder);
    restoreSince(second.state, { members, writtenAt: first.clock.at }, second.clock.at);
    see(second, INACTIVE);
    return second;
  }

  test("counts on from the last good answer when the pause is short", async () => {
    const soon = await restarted(60_000, null);
    expect(soon.member("ex01").verdict).toBe("maintenance_expected");
    soon.clock.at += 2 * HOUR;
    soon.hearAgain();
    see(soon, INACTIVE);
    expect(soon.member("ex01").verdict).toBe(OVERRUN);
  });

  test("counts on when the pause is long and the ADC has not changed its state", async () => {
    const late = await restarted(2 * HOUR, 4 * HOUR);
    expect(late.member("ex01").verdict).toBe(OVERRUN);
  });

  test("starts anew when the ADC has changed its state in the pause", async () => {
    const late = await restarted(5 * HOUR, 1 * HOUR);
    expect(late.member("ex01").verdict).toBe("maintenance_expected");
  });
});

function times(count: number, verdict: string): readonly string[] {
  return new Array<string>(count).fill(verdict);
}
