import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { causesOf, type Cause } from "../../src/notify/cause.ts";
import { stepLedger, type Ledger, type Notice } from "../../src/notify/ledger.ts";
import type { MemberVerdict } from "../../src/model/verdicts.ts";
import {
  aLiveState,
  aMember,
  anAdc,
  aVserver,
  deadSite,
  maintenanceHour,
} from "../support/live-state.ts";

const PACE = { groupWaitMs: 30_000, repeatMs: 3_600_000 };
const nothing = { present: [], uncertain: () => false };

function aCause(cause: Partial<Cause> = {}): Cause {
  return {
    key: "ex02",
    adc: "prod",
    name: "ex02",
    urgency: "critical",
    verdicts: ["routes_to_maintenance"],
    servers: ["ex02"],
    vservers: [],
    rows: ["svc_imap ex02:143"],
    sentence: "NetScaler prod sends IMAP clients to ex02, which is in maintenance",
    lines: [],
    advice: "Disable it.",
    since: 0,
    path: "/",
    ...cause,
  };
}

/** Plays looks at given times, in seconds; gives what was reported at each. */
function play(
  looks: readonly (readonly [atS: number, causes: Parameters<typeof stepLedger>[1]])[],
) {
  let ledger: Ledger = {};
  const said: (readonly [number, Notice["kind"]])[] = [];
  for (const [atS, causes] of looks) {
    const step = stepLedger(ledger, causes, atS * 1_000, PACE);
    ledger = step.ledger;
    said.push(...step.notices.map(({ kind }) => [atS, kind] as const));
  }
  return { ledger, said };
}

const present = (...causes: Cause[]) => ({ present: causes, uncertain: () => false });

describe("ledger", () => {
  test("reports a cause, and its end, once it has lasted for the wait time", () => {
    const { said, ledger } = play([
      [0, present(aCause())],
      [29, present(aCause())],
      [30, present(aCause())],
      [60, present(aCause())],
      [100, nothing],
      [129, nothing],
      [130, nothing],
    ]);
    expect(said).toEqual([
      [30, "firing"],
      [130, "resolved"],
    ]);
    expect(ledger).toEqual({});
  });

  test("reports nothing when the cause ended within the wait time", () => {
    expect(
      play([
        [0, present(aCause())],
        [20, nothing],
        [60, nothing],
      ]).said,
    ).toEqual([]);
  });

  test("reports no end when the cause comes back within the wait time", () => {
    const { said } = play([
      [0, present(aCause())],
      [30, present(aCause())],
      [40, nothing],
      [60, present(aCause())],
      [80, nothing],
      [100, present(aCause())],
    ]);
    expect(said).toEqual([[30, "firing"]]);
  });

  test.each([
    ["another verdict", { verdicts: ["routes_to_maintenance", "false_up"] as const }, true],
    ["another row", { rows: ["svc_imap ex02:143", "svc_smtp ex02:25"] }, true],
    ["fewer rows", { rows: [] }, false],
    ["lower urgency", { urgency: "warning" as const }, false],
    ["another sentence", { sentence: "other" }, false],
  ])("reports a change of a reported cause as expected: %s", (_what, change, isNews) => {
    const { said } = play([
      [0, present(aCause())],
      [30, present(aCause())],
      [40, present(aCause(change))],
      [70, present(aCause(change))],
      [71, present(aCause(change))],
    ]);
    expect(said).toEqual([[30, "firing"], ...(isNews ? [[70, "changed"]] : [])]);
  });

  test("reminds of a cause that lasts for the repeat time", () => {
    const looks = Array.from(
      { length: 8 },
      (_, index) => [index * 1_000, present(aCause())] as const,
    );
    expect(play(looks).said).toEqual([
      [1_000, "firing"],
      [5_000, "reminder"],
    ]);
  });

  test("reports no end while its rows are uncertain", () => {
    const unsure = { present: [], uncertain: () => true };
    const { said } = play([
      [0, present(aCause())],
      [30, present(aCause())],
      [60, unsure],
      [9_000, unsure],
      [9_001, nothing],
      [9_031, nothing],
    ]);
    expect(said).toEqual([
      [30, "firing"],
      [9_031, "resolved"],
    ]);
  });

  test("does not wait longer when the clock was set back", () => {
    const { said } = play([
      [100_000, present(aCause())],
      [0, present(aCause())],
      [30, present(aCause())],
    ]);
    expect(said).toEqual([[30, "firing"]]);
  });

  test("reports a cause and its end alternately for any sequence of looks", () => {
    const look = fc.record({
      afterS: fc.integer({ min: 0, max: 100 }),
      state: fc.constantFrom("present", "grown", "gone", "unsure"),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        let atS = 0;
        const { said } = play(
          looks.map(({ afterS, state }) => {
            atS += afterS;
            switch (state) {
              case "present":
                return [atS, present(aCause())] as const;
              case "grown":
                return [atS, present(aCause({ rows: ["one", "another"] }))] as const;
              case "gone":
                return [atS, nothing] as const;
              default:
                return [atS, { present: [], uncertain: () => true }] as const;
            }
          }),
        );
        let open = false;
        for (const [, kind] of said) {
          expect(kind === "firing").toBe(!open);
          open = kind !== "resolved";
        }
      }),
    );
  });
});

describe("causes", () => {
  const wrong = (server: string, port: number, verdict: MemberVerdict) =>
    aMember({ server, port, adcService: `s${String(port)}`, verdict, mismatch: true });

  test("combine the members of one server, with its vserver as a line", () => {
    const live = aLiveState({
      members: [wrong("ex02", 143, "routes_to_maintenance"), wrong("ex02", 25, "false_up")],
      vservers: [aVserver({ vserver: "v_imap", verdict: "vip_served_by_drained_server" })],
    });
    const [cause, ...rest] = causesOf(live).present;
    expect(rest).toEqual([]);
    expect(cause).toMatchObject({
      name: "ex02",
      urgency: "critical",
      verdicts: ["routes_to_maintenance", "false_up", "vip_served_by_drained_server"],
      sentence: "NetScaler prod sends IMAP clients to ex02, which is in maintenance",
    });
    expect(cause?.lines).toHaveLength(3);
  });

  test("keep their key when a drained server still answers", () => {
    const [leak] = causesOf(
      aLiveState({ members: [wrong("ex02", 25, "routes_to_maintenance")] }),
    ).present;
    const answering = (vserver: string) =>
      aVserver({
        vserver,
        verdict: "vip_served_by_drained_server",
        mismatch: true,
        drainedServers: new Set(["ex02"]),
      });
    const taken = causesOf(aLiveState({ vservers: [answering("v_smtp"), answering("v_imap")] }));
    expect(taken.present.map(({ key, servers }) => ({ key, servers }))).toEqual([
      { key: leak?.key, servers: ["ex02"] },
    ]);
    expect(taken.present[0]?.sentence).toMatch(
      /sends clients of v_\w+ \(.*\) to ex02, out of service/,
    );
    expect(taken.present[0]?.lines).toHaveLength(2);
  });

  test("include a vserver's own fault separately", () => {
    const live = aLiveState({
      members: [wrong("ex02", 143, "false_down")],
      vservers: [aVserver({ vserver: "v_imap", verdict: "vip_wrong_certificate" })],
    });
    expect(causesOf(live).present.map(({ name }) => name)).toEqual(["ex02", "v_imap"]);
  });

  test("include a dead GSLB site beside its server", () => {
    const site = deadSite();
    const behind = { ...wrong("198.51.100.10", 443, "false_up"), vservers: [site.vserver] };
    const live = aLiveState({ members: [behind], vservers: [site] });
    expect(causesOf(live).present.map(({ name }) => name)).toEqual(["198.51.100.10", "gslb_mail"]);
  });

  test.each(["settling", "maintenance_expected", "drained", "agree_down", "unknown"] as const)(
    "do not include %s",
    (verdict) => {
      expect(causesOf(aLiveState({ members: [aMember({ verdict })] })).present).toEqual([]);
    },
  );

  test("include an ADC that does not answer", () => {
    const live = aLiveState({ adcs: [anAdc({ up: false, lastError: "timeout" })] });
    expect(causesOf(live).present).toMatchObject([{ name: "prod", urgency: "warning" }]);
  });

  test("treat a row as uncertain when it settles, before the import and when cut off, but not when gone", () => {
    const row = causesOf(maintenanceHour()).present[0]?.rows[0] ?? "";
    const uncertainIn = (live: Parameters<typeof causesOf>[0]) =>
      causesOf(live).uncertain("prod", row);
    const settled = maintenanceHour();
    const settling = {
      ...settled,
      members: settled.members.map((member) => ({ ...member, verdict: "settling" as const })),
    };
    expect(uncertainIn(settled)).toBe(false);
    expect(uncertainIn(settling)).toBe(true);
    expect(uncertainIn(aLiveState())).toBe(true);
    expect(uncertainIn({ ...settled, cutOff: true })).toBe(true);
    expect(uncertainIn(aLiveState({ adcs: [] }))).toBe(false);
  });
});
