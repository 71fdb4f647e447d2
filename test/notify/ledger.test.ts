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

/** Plays looks at given moments, in seconds; tells what was said at each. */
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
  test("ledger › tells a cause once it has stood for the wait, and its end likewise", () => {
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

  test("ledger › is silent about what was gone before its wait", () => {
    expect(
      play([
        [0, present(aCause())],
        [20, nothing],
        [60, nothing],
      ]).said,
    ).toEqual([]);
  });

  test("ledger › tells no end when it comes back within the wait", () => {
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
    ["a verdict more", { verdicts: ["routes_to_maintenance", "false_up"] as const }, true],
    ["a row more", { rows: ["svc_imap ex02:143", "svc_smtp ex02:25"] }, true],
    ["fewer rows", { rows: [] }, false],
    ["less urgent", { urgency: "warning" as const }, false],
    ["other words", { sentence: "other" }, false],
  ])("ledger › with %s in a cause that was told", (_what, change, isNews) => {
    const { said } = play([
      [0, present(aCause())],
      [30, present(aCause())],
      [40, present(aCause(change))],
      [70, present(aCause(change))],
      [71, present(aCause(change))],
    ]);
    expect(said).toEqual([[30, "firing"], ...(isNews ? [[70, "changed"]] : [])]);
  });

  test("ledger › tells again what stands for the time of repeat", () => {
    const looks = Array.from(
      { length: 8 },
      (_, index) => [index * 1_000, present(aCause())] as const,
    );
    expect(play(looks).said).toEqual([
      [1_000, "firing"],
      [5_000, "reminder"],
    ]);
  });

  test("ledger › tells no end while nothing certain is known of its rows", () => {
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

  test("ledger › waits no longer than its wait when the clock was set back", () => {
    const { said } = play([
      [100_000, present(aCause())],
      [0, present(aCause())],
      [30, present(aCause())],
    ]);
    expect(said).toEqual([[30, "firing"]]);
  });

  test("ledger › whatever happens, words of one cause are in order and never twice within the wait", () => {
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

  test("causes › members of one server are one cause, and the vserver behind it a line", () => {
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

  test("causes › a server that still answers when it has been taken out stays the cause it was", () => {
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

  test("causes › a vserver's own fault is a cause of its own", () => {
    const live = aLiveState({
      members: [wrong("ex02", 143, "false_down")],
      vservers: [aVserver({ vserver: "v_imap", verdict: "vip_wrong_certificate" })],
    });
    expect(causesOf(live).present.map(({ name }) => name)).toEqual(["ex02", "v_imap"]);
  });

  test("causes › a site that clients are sent to and that does not serve is more than one of its servers", () => {
    const site = deadSite();
    const behind = { ...wrong("198.51.100.10", 443, "false_up"), vservers: [site.vserver] };
    const live = aLiveState({ members: [behind], vservers: [site] });
    expect(causesOf(live).present.map(({ name }) => name)).toEqual(["198.51.100.10", "gslb_mail"]);
  });

  test.each(["settling", "maintenance_expected", "drained", "agree_down", "unknown"] as const)(
    "causes › %s is nobody's business",
    (verdict) => {
      expect(causesOf(aLiveState({ members: [aMember({ verdict })] })).present).toEqual([]);
    },
  );

  test("causes › an ADC that is not heard is told", () => {
    const live = aLiveState({ adcs: [anAdc({ up: false, lastError: "timeout" })] });
    expect(causesOf(live).present).toMatchObject([{ name: "prod", urgency: "warning" }]);
  });

  test("causes › a row is uncertain when it settles, before the import, and when cut off; not when it is gone", () => {
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
