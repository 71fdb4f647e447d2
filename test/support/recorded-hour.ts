import type { JournalReading, Track } from "../../src/change/journal-reader.ts";
import { memberEntry, memberOwner, vserverEntry, vserverOwner } from "../../src/model/timeline.ts";
import { aMember, aVserver, NOON } from "./live-state.ts";

const MINUTE = 60_000;
/** So many minutes after noon. */
export const at = (minute: number): number => NOON + minute * MINUTE;
export const iso = (minute: number): string => new Date(at(minute)).toISOString();

export type MemberParts = readonly (readonly [number, Parameters<typeof aMember>[0]])[];

/** One member: what held from each minute after noon on, until `end`. */
export function memberTrack(server: string, end: number, parts: MemberParts): Track {
  const owner = memberOwner(aMember({ server, vservers: ["v_imap"] }));
  const spans = parts.map(([from, change], index) => ({
    from: at(from),
    to: at(parts[index + 1]?.[0] ?? end),
    entry: memberEntry(aMember({ server, vservers: ["v_imap"], ...change }), at(from)),
  }));
  return { owner, spans };
}

export function vserverTrack(
  end: number,
  parts: readonly (readonly [number, Parameters<typeof aVserver>[0]])[],
): Track {
  const owner = vserverOwner(aVserver({ vserver: "v_imap" }));
  const spans = parts.map(([from, change], index) => ({
    from: at(from),
    to: at(parts[index + 1]?.[0] ?? end),
    entry: vserverEntry(aVserver({ vserver: "v_imap", ...change }), at(from)),
  }));
  return { owner, spans };
}

const HIDDEN = { declared: "open", adc: false, detected: true } as const;
export const counts = (reallyUp: number) => ({
  members: { configured: 2, adcUp: 2, reallyUp, reallyDown: 0, maintenance: 0 },
});

/** ex02 goes into maintenance two minutes before it is drained, works again at 40 and is returned at 50. */
export const RECORDED_HOUR: JournalReading = {
  since: at(-60),
  watched: [{ from: at(-60), to: at(90) }],
  tracks: [
    memberTrack("ex01", 90, [[-60, {}]]),
    memberTrack("ex02", 90, [
      [-60, {}],
      [
        3,
        { verdict: "routes_to_maintenance", reason: "bye", service: "down", maintenance: HIDDEN },
      ],
      [
        5,
        {
          adcOpinion: "out",
          verdict: "maintenance_expected",
          service: "down",
          maintenance: HIDDEN,
        },
      ],
      [40, { adcOpinion: "out", verdict: "ready_to_return" }],
      [50, {}],
    ]),
    vserverTrack(90, [
      [-60, counts(2)],
      [3, { ...counts(1), verdict: "vip_served_by_drained_server" }],
      [4, counts(1)],
      [40, counts(2)],
    ]),
  ],
};

/** Declared for {@link RECORDED_HOUR}. */
export const RECORDED_WINDOW = {
  name: "ex02",
  servers: ["ex02"],
  startAt: at(0),
  endAt: at(45),
  reason: "CU15",
  author: "jo",
  autoEnd: false,
  flexible: false,
};
