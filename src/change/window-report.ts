import { z } from "zod";
import { nameMatcher } from "../lib/glob.ts";
import { append, groupBy } from "../lib/steps.ts";
import { REASONS } from "../model/reasons.ts";
import type { TimelineEntry } from "../model/timeline.ts";
import { isMismatch, MEMBER_VERDICTS, VERDICT_WORDS, VSERVER_VERDICTS } from "../model/verdicts.ts";
import type { MaintenanceWindow } from "../model/window.ts";
import type { JournalReading, Span, Track } from "./journal-reader.ts";

const instant = z.iso.datetime();
const seconds = z.number().nonnegative();

/** What a vserver's clients experienced over some time, excluding unwatched time. */
const vserverTimesShape = z.strictObject({
  adc: z.string(),
  vserver: z.string(),
  watched_seconds: seconds,
  adc_wrong_seconds: seconds.describe("The ADC was wrong about the vserver or one of its members."),
  sent_into_maintenance_seconds: seconds.describe(
    "Clients were sent to a server in maintenance, or answered by one that was drained.",
  ),
  down_seconds: seconds.describe("The vserver's VIP did not serve."),
});
export type VserverTimes = z.output<typeof vserverTimesShape>;

export const sloAnswer = z.strictObject({
  from: instant,
  to: instant,
  history_since: instant.nullable().describe("The oldest moment of which anything is kept."),
  watched_seconds: seconds,
  vservers: z.array(vserverTimesShape),
});
export type Slo = z.output<typeof sloAnswer>;

export const WINDOW_STEPS = ["drained", "in_maintenance", "good_again", "returned"] as const;

/** Report on a maintenance window, for the change ticket. */
export const windowReportAnswer = z.strictObject({
  window: z.string(),
  servers: z.array(z.string()),
  reason: z.string().nullable(),
  author: z.string().nullable(),
  start: instant,
  planned_end: z.union([instant, z.literal("never")]),
  from: instant,
  to: instant.describe("The end, or when the last server was back, if that was later."),
  history_since: instant.nullable(),
  watched_seconds: seconds,
  unwatched_seconds: seconds,
  steps: z.array(
    z.strictObject({
      server: z.string(),
      step: z.enum(WINDOW_STEPS),
      at: instant.nullable().describe("Null: not seen."),
    }),
  ),
  vservers: z.array(
    z.strictObject({
      ...vserverTimesShape.shape,
      working_minimum: z
        .number()
        .int()
        .nullable()
        .describe("Fewest working members at one time; null: not known."),
    }),
  ),
  incidents: z
    .array(
      z.strictObject({
        adc: z.string(),
        object: z.string().describe("The ADC's service or vserver."),
        server: z.string().nullable().describe("Null for a vserver."),
        port: z.union([z.number().int(), z.literal("*")]).nullable(),
        vservers: z.array(z.string()),
        verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
        meaning: z.string(),
        reason: z.enum(REASONS).nullable(),
        decided_by: z.string().nullable(),
        from: instant,
        to: instant,
        seconds,
        commands: z.array(z.string()).describe("What corrects it on the ADC."),
      }),
    )
    .describe("Times in which the ADC was wrong, the first 1,000."),
});
export type WindowReport = z.output<typeof windowReportAnswer>;

/** Maximum number of entries. */
const MAX_INCIDENTS = 1_000;
/** How long after its end a window's servers are watched for their return. */
const RETURN_WITHIN_MS = 24 * 3_600_000;

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Minutes per vserver in which the ADC was wrong, between two moments (milliseconds since the epoch). */
export function sloOf(reading: JournalReading, range: Range): Slo {
  const membersOf = membersByVserver(reading.tracks);
  return {
    from: iso(range.from),
    to: iso(range.to),
    history_since: isoOrNull(reading.since),
    watched_seconds: inSeconds(totalMs(clippedTo(reading.watched, range))),
    vservers: vserverTracks(reading.tracks).map((track) => timesOf(track, membersOf, range)),
  };
}

/**
 * Report on a window: its steps, what clients experienced, and when the ADC was wrong. `commandsFor`: commands for a member's
 * or vserver's verdict.
 */
export function windowReport(
  window: MaintenanceWindow,
  reading: JournalReading,
  now: number,
  commandsFor: (track: Track, verdict: TimelineEntry["verdict"]) => readonly string[],
): WindowReport {
  const applies = nameMatcher(window.servers);
  const latest = Math.max(window.startAt, Math.min(now, window.endAt + RETURN_WITHIN_MS));
  const members = reading.tracks.filter(
    ({ owner }) => owner.kind === "member" && applies(owner.server),
  );
  const whole = { from: window.startAt, to: latest };
  const byServer = [
    ...groupBy(members, ({ owner }) => (owner.kind === "member" ? owner.server : "")),
  ];
  const steps = byServer
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([server, tracks]) => stepsOf(tracks, whole).map((step) => ({ server, ...step })));
  const returns = steps.filter(({ step }) => step === "returned").map(({ at }) => at);
  const backAt = returns.some((at) => at === null)
    ? latest
    : Math.max(window.startAt, ...returns.map((at) => at ?? 0));
  const range = { from: window.startAt, to: Math.min(latest, Math.max(window.endAt, backAt)) };
  const served = new Set(members.flatMap(({ owner }) => vserverKeys(owner)));
  const vservers = vserverTracks(reading.tracks).filter(({ owner }) => served.has(keyOf(owner)));
  const membersOf = membersByVserver(reading.tracks);
  const watched = totalMs(clippedTo(reading.watched, range));
  return {
    window: window.name,
    servers: [...window.servers],
    reason: window.reason,
    author: window.author,
    start: iso(window.startAt),
    planned_end: Number.isFinite(window.endAt) ? iso(window.endAt) : "never",
    from: iso(range.from),
    to: iso(range.to),
    history_since: isoOrNull(reading.since),
    watched_seconds: inSeconds(watched),
    unwatched_seconds: inSeconds(range.to - range.from - watched),
    steps: steps.map(({ at, ...step }) => ({ ...step, at: isoOrNull(at) })),
    vservers: vservers.map((track) => ({
      ...timesOf(track, membersOf, range),
      working_minimum: minWorkingMembers(track, range),
    })),
    incidents: [...members, ...vservers]
      .flatMap((track) => mismatchesOf(track, range).map((span) => ({ track, span })))
      .sort((a, b) => a.span.from - b.span.from)
      .slice(0, MAX_INCIDENTS)
      .map(({ track, span }) => ({
        ...incidentOf(track, span),
        commands: [...commandsFor(track, span.entry.verdict)],
      })),
  };
}

/** When each step was first seen of the members of one server; null where it was not. */
function stepsOf(
  tracks: readonly Track[],
  range: Range,
): readonly { readonly step: (typeof WINDOW_STEPS)[number]; readonly at: number | null }[] {
  const moments = [...combinedStates(tracks, range)];
  const first = (
    after: number | null,
    is: (entries: readonly TimelineEntry[]) => boolean,
  ): number | null =>
    after === null
      ? null
      : (moments.find(({ at, entries }) => at >= after && entries.length > 0 && is(entries))?.at ??
        null);
  const drained = first(range.from, (entries) =>
    entries.every(({ adc, clientsLeft }) => isOut(adc) && clientsLeft !== true),
  );
  const inMaintenance = first(range.from, (entries) =>
    entries.some(({ detected }) => detected === true),
  );
  const began = drained ?? inMaintenance;
  const goodAgain = first(inMaintenance ?? drained, isFullyUp);
  const returned = first(
    began === null ? null : (goodAgain ?? began),
    (entries) => isFullyUp(entries) && entries.every(({ adc }) => adc === "up"),
  );
  return [
    { step: "drained", at: drained },
    { step: "in_maintenance", at: inMaintenance },
    { step: "good_again", at: goodAgain },
    { step: "returned", at: returned },
  ];
}

function isOut(adc: TimelineEntry["adc"]): boolean {
  return adc === "out" || adc === "down";
}

/** The combined state of all of them, at each change. */
function* combinedStates(
  tracks: readonly Track[],
  range: Range,
): Generator<{ readonly at: number; readonly entries: readonly TimelineEntry[] }> {
  const edges = tracks
    .flatMap((track) =>
      clippedTo(track.spans, range).flatMap(({ from, to, entry }) => [
        { at: to, track, entry: null },
        { at: from, track, entry },
      ]),
    )
    // Where one span follows another, the end of the first comes first.
    .sort((a, b) => a.at - b.at || Number(a.entry !== null) - Number(b.entry !== null));
  const held = new Map<Track, TimelineEntry>();
  for (const [index, { at, track, entry }] of edges.entries()) {
    if (entry === null) {
      held.delete(track);
    } else {
      held.set(track, entry);
    }
    if (edges[index + 1]?.at !== at) {
      yield { at, entries: [...held.values()] };
    }
  }
}

/** No sign of maintenance, and all opinions are up. */
function isFullyUp(entries: readonly TimelineEntry[]): boolean {
  return (
    entries.every(
      ({ detected, service, replica }) =>
        detected !== true && service !== "down" && replica !== "down",
    ) && entries.some(({ service, replica }) => service === "up" || replica === "up")
  );
}

function timesOf(
  track: Track,
  membersOf: ReadonlyMap<string, readonly Track[]>,
  range: Range,
): VserverTimes {
  const mine = clippedTo(track.spans, range);
  const members = (membersOf.get(keyOf(track.owner)) ?? []).flatMap(({ spans }) =>
    clippedTo(spans, range),
  );
  const together = (is: (entry: TimelineEntry) => boolean): number =>
    inSeconds(totalMs(mergedRanges([...mine, ...members].filter(({ entry }) => is(entry)))));
  return {
    adc: track.owner.adc,
    vserver: track.owner.kind === "vserver" ? track.owner.vserver : "",
    watched_seconds: inSeconds(totalMs(mine)),
    adc_wrong_seconds: together(({ verdict }) => isMismatch(verdict)),
    sent_into_maintenance_seconds: together(
      ({ verdict }) =>
        verdict === "routes_to_maintenance" || verdict === "vip_served_by_drained_server",
    ),
    down_seconds: inSeconds(totalMs(mine.filter(({ entry }) => entry.service === "down"))),
  };
}

/** While the vserver's verdict is unknown, its members are not counted yet. */
function minWorkingMembers(track: Track, range: Range): number | null {
  return clippedTo(track.spans, range).reduce<number | null>(
    (least, { entry: { verdict, working } }) =>
      verdict === "unknown" || working === null ? least : Math.min(least ?? working, working),
    null,
  );
}

/** Spans in which the ADC was wrong; those of one verdict and reason that follow one another are one. */
function mismatchesOf(track: Track, range: Range): readonly Span[] {
  const joined: Span[] = [];
  for (const span of clippedTo(track.spans, range).filter(({ entry }) =>
    isMismatch(entry.verdict),
  )) {
    const last = joined.at(-1);
    if (
      last?.to === span.from &&
      last.entry.verdict === span.entry.verdict &&
      last.entry.reason === span.entry.reason
    ) {
      joined[joined.length - 1] = { ...last, to: span.to };
    } else {
      joined.push(span);
    }
  }
  return joined;
}

function incidentOf(
  { owner }: Track,
  { from, to, entry: { verdict, reason, decidedBy } }: Span,
): Omit<WindowReport["incidents"][number], "commands"> {
  const isMember = owner.kind === "member";
  return {
    adc: owner.adc,
    object: isMember ? owner.adcService : owner.vserver,
    server: isMember ? owner.server : null,
    port: isMember ? owner.port : null,
    vservers: isMember ? [...owner.vservers] : [owner.vserver],
    verdict,
    meaning: VERDICT_WORDS[verdict].meaning,
    reason,
    decided_by: decidedBy,
    from: iso(from),
    to: iso(to),
    seconds: inSeconds(to - from),
  };
}

function membersByVserver(tracks: readonly Track[]): ReadonlyMap<string, readonly Track[]> {
  const members = new Map<string, Track[]>();
  for (const track of tracks) {
    for (const key of vserverKeys(track.owner)) {
      append(members, key, track);
    }
  }
  return members;
}

function vserverTracks(tracks: readonly Track[]): readonly Track[] {
  return tracks
    .filter(({ owner }) => owner.kind === "vserver")
    .sort((a, b) => (keyOf(a.owner) < keyOf(b.owner) ? -1 : 1));
}

/** Members name the vservers they serve without their kind. */
function keyOf(owner: Track["owner"]): string {
  return owner.kind === "vserver" ? `${owner.adc}\n${owner.vserver}` : "";
}

function vserverKeys(owner: Track["owner"]): readonly string[] {
  return owner.kind === "member" ? owner.vservers.map((name) => `${owner.adc}\n${name}`) : [];
}

function clippedTo<Part extends Range>(parts: readonly Part[], range: Range): readonly Part[] {
  return parts
    .map((part) => ({
      ...part,
      from: Math.max(part.from, range.from),
      to: Math.min(part.to, range.to),
    }))
    .filter(({ from, to }) => from < to);
}

/** Merges overlapping spans. */
function mergedRanges(parts: readonly Range[]): readonly Range[] {
  const result: Range[] = [];
  for (const { from, to } of [...parts].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to) {
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    } else {
      result.push({ from, to });
    }
  }
  return result;
}

function totalMs(parts: readonly Range[]): number {
  return parts.reduce((sum, { from, to }) => sum + to - from, 0);
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}
