import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalReading } from "../../src/change/journal-reader.ts";
import { sloOf, windowReport } from "../../src/change/window-report.ts";
import type { MemberVerdict } from "../../src/model/verdicts.ts";
import { windowReportPage } from "../../src/web/page/window-report-page.ts";
import { aMember } from "../support/live-state.ts";
import {
  at,
  counts,
  iso,
  memberTrack,
  RECORDED_HOUR,
  RECORDED_WINDOW,
  vserverTrack,
  type MemberParts,
} from "../support/recorded-hour.ts";

describe("windowReport", () => {
  test("report › gives steps, what clients met and incidents when an hour was watched", () => {
    const report = windowReport(RECORDED_WINDOW, RECORDED_HOUR, at(90), (_track, verdict) => [
      `fix ${verdict}`,
    ]);
    expect(report).toMatchObject({
      from: iso(0),
      // The planned end had passed before the server was back.
      to: iso(50),
      watched_seconds: 50 * 60,
      unwatched_seconds: 0,
    });
    expect(report.steps).toEqual([
      { server: "ex02", step: "drained", at: iso(5) },
      { server: "ex02", step: "in_maintenance", at: iso(3) },
      { server: "ex02", step: "good_again", at: iso(40) },
      { server: "ex02", step: "returned", at: iso(50) },
    ]);
    expect(report.vservers).toEqual([
      {
        adc: "prod",
        vserver: "v_imap",
        watched_seconds: 50 * 60,
        adc_wrong_seconds: 120,
        sent_into_maintenance_seconds: 120,
        down_seconds: 0,
        working_minimum: 1,
      },
    ]);
    expect(
      report.incidents.map(({ object, verdict, from, seconds, commands }) => ({
        object,
        verdict,
        from,
        seconds,
        commands,
      })),
    ).toEqual([
      {
        object: aMember().adcService,
        verdict: "routes_to_maintenance",
        from: iso(3),
        seconds: 120,
        commands: ["fix routes_to_maintenance"],
      },
      {
        object: "v_imap",
        verdict: "vip_served_by_drained_server",
        from: iso(3),
        seconds: 60,
        commands: ["fix vip_served_by_drained_server"],
      },
    ]);
  });

  test.each([
    ["when the last client is gone", 3, 0, 8],
    ["at once when the ADC does not tell of clients", null, null, 5],
  ])("report › gives the drained step %s", (_, atFirst, afterwards, minute) => {
    const out = { adcOpinion: "out", verdict: "drained" } as const;
    const reading: JournalReading = {
      since: at(0),
      watched: [{ from: at(0), to: at(30) }],
      tracks: [
        memberTrack("ex02", 30, [
          [0, { connections: 40 }],
          [5, { ...out, connections: atFirst }],
          [8, { ...out, connections: afterwards }],
        ]),
      ],
    };
    const { steps } = windowReport(RECORDED_WINDOW, reading, at(30), () => []);
    expect(steps[0]).toEqual({ server: "ex02", step: "drained", at: iso(minute) });
  });

  test("report › gives unwatched times when the agent did not run", () => {
    const gap: JournalReading = {
      since: at(20),
      watched: [{ from: at(20), to: at(30) }],
      tracks: [memberTrack("ex02", 30, [[20, { adcOpinion: "out", verdict: "drained" }]])],
    };
    const report = windowReport(RECORDED_WINDOW, gap, at(60), () => []);
    expect(report).toMatchObject({ watched_seconds: 600, unwatched_seconds: 50 * 60 });
    expect(report.steps.map(({ at: seen }) => seen)).toEqual([iso(20), null, iso(20), null]);
  });

  test("report › stays within its bounds when a member flapped endlessly", () => {
    const flaps: MemberParts = Array.from({ length: 150_000 }, (_, index) => [
      index / 1_000,
      index % 2 === 0 ? { verdict: "blind_monitor" } : {},
    ]);
    const parts = flaps.map(([minute]) => [minute, counts(1)] as const);
    const reading = {
      since: at(0),
      watched: [{ from: at(0), to: at(150) }],
      tracks: [memberTrack("ex02", 150, flaps), vserverTrack(150, parts)],
    };
    let asked = 0;
    const report = windowReport({ ...RECORDED_WINDOW, endAt: at(150) }, reading, at(150), () => {
      asked += 1;
      return [];
    });
    expect(report.vservers[0]?.working_minimum).toBe(1);
    expect([report.incidents.length, asked]).toEqual([1_000, 1_000]);
    expect(report.incidents[0]?.from).toBe(iso(0));
  });

  test("report › is one file without script that escapes what it shows", () => {
    const page = windowReportPage(
      windowReport(
        { ...RECORDED_WINDOW, reason: "<script>alert(1)</script>", endAt: Infinity },
        RECORDED_HOUR,
        at(60),
        () => ["disable service a"],
      ),
      "Europe/Berlin",
    );
    expect(page).not.toMatch(/<script|https?:|src=/);
    expect(page).toContain("disable service a");
    expect(page).toContain("13:03:00");
  });

  test("slo › counts no time twice and no unwatched time, whatever overlaps", () => {
    const verdicts: readonly MemberVerdict[] = [
      "agree_up",
      "blind_monitor",
      "routes_to_maintenance",
    ];
    const minutes = fc.uniqueArray(fc.integer({ min: -30, max: 60 }), {
      minLength: 1,
      maxLength: 8,
    });
    const parts = fc
      .tuple(minutes, fc.array(fc.constantFrom(...verdicts), { minLength: 8 }))
      .map(([starts, held]): MemberParts =>
        starts
          .sort((a, b) => a - b)
          .map((start, index) => [start, { verdict: held[index] ?? "agree_up" }]),
      );
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const tracks = [
          memberTrack("ex01", 61, one),
          memberTrack("ex02", 61, other),
          vserverTrack(61, [[-30, {}]]),
        ];
        const [row] = sloOf(
          { since: at(-30), watched: [], tracks },
          { from: at(0), to: at(30) },
        ).vservers;
        const isWrong = (minute: number): boolean =>
          tracks.some(({ spans }) =>
            spans.some(
              ({ from, to, entry }) =>
                from <= at(minute) &&
                at(minute) < to &&
                entry.verdict !== "agree_up" &&
                entry.replica !== null,
            ),
          );
        const wrong = Array.from({ length: 30 }, (_, minute) => isWrong(minute)).filter(Boolean);
        expect(row?.adc_wrong_seconds).toBe(wrong.length * 60);
      }),
    );
  });
});
