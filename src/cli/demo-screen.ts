import { printableLine } from "../lib/printable.ts";
import type { LiveAdc, LiveFinding, LiveMember, LiveState, LiveVserver } from "../model/live.ts";
import { memberWords, severity, vserverWords } from "../model/verdicts.ts";
import { TONE_SIGNS, toneOf, type Tone } from "../web/page/tone.ts";

/** One statement about the estate, as the demo shows it. */
export interface DemoRow {
  /** Stable identifier of its subject. */
  readonly key: string;
  readonly tone: Tone;
  /** Sort rank within a tone; the lowest is the worst. */
  readonly rank: number;
  /** `ex02:993`, or a vserver's name. */
  readonly place: string;
  /** Its service group, or its kind. */
  readonly of: string;
  /** ADC, replica and service; empty if nothing is compared. */
  readonly opinions: readonly string[];
  /** The statement as text. */
  readonly words: string;
  /** The reason; may be empty. */
  readonly reason: string;
  /** All of it in one sentence, for output without a terminal. */
  readonly sentence: string;
  /** Whether to print a line for its first appearance. */
  readonly isNews: boolean;
}

const TONES: readonly Tone[] = ["bad", "warn", "unknown", "quiet", "good"];

/** All current statements about the estate, worst first. */
export function demoRows(state: LiveState): readonly DemoRow[] {
  const rows = [
    ...state.members.map(memberRow),
    ...state.vservers.flatMap((vserver) => [...vserverRows(vserver)]),
    ...(state.findings ?? []).map(findingRow),
    ...state.adcs.flatMap((adc) => [...adcRow(adc)]),
  ];
  return rows.sort(
    (a, b) =>
      TONES.indexOf(a.tone) - TONES.indexOf(b.tone) ||
      a.rank - b.rank ||
      a.place.localeCompare(b.place) ||
      a.key.localeCompare(b.key),
  );
}

function memberRow(member: LiveMember): DemoRow {
  const { adc, adcService, server, port, verdict } = member;
  const tone = toneOf(verdict);
  const reason = reasonOf(member);
  const { label } = memberWords(member);
  const opinions = `ADC ${member.adcOpinion}, replica ${member.replica}, service ${member.service}`;
  return {
    key: `member ${adc} ${adcService} ${server} ${String(port)}`,
    tone,
    rank: severity(verdict),
    place: `${server}:${String(port)}`,
    of: adcService,
    opinions: [member.adcOpinion, member.replica, member.service],
    words: label,
    reason,
    sentence: `${adcService} ${server}:${String(port)}: ${verdict} (${withReason(opinions, reason)}): ${label}`,
    isNews: tone !== "good",
  };
}

function reasonOf({ reason }: Pick<LiveMember | LiveVserver, "reason">): string {
  return reason === null || reason === "ok" ? "" : reason;
}

function withReason(words: string, reason: string): string {
  return reason === "" ? words : `${words}, ${reason}`;
}

function* vserverRows(vserver: LiveVserver): Iterable<DemoRow> {
  const { adc, vserver: place, verdict } = vserver;
  const tone = toneOf(verdict);
  const ownReason = reasonOf(vserver);
  const { label } = vserverWords(vserver);
  const opinions = `ADC ${vserver.adcOpinion}, VIP ${vserver.vip}`;
  const key = `vserver ${adc} ${place}`;
  yield {
    key,
    tone,
    rank: severity(verdict),
    place,
    of: "vserver",
    opinions: [vserver.adcOpinion, "", vserver.vip],
    words: label,
    reason: ownReason,
    sentence: `${place}: ${verdict} (${withReason(opinions, ownReason)}): ${label}`,
    isNews: tone !== "good",
  };
  const beside = {
    tone: "warn",
    rank: 0,
    place,
    of: "vserver",
    opinions: [],
    isNews: true,
  } as const;
  if (vserver.certificateDiffers === true) {
    const words = "its servers' certificates differ";
    const reason = "certificate_differs";
    yield { ...beside, key: `${key} certificate`, words, reason, sentence: `${place}: ${words}` };
  }
  const [odd] = vserver.oddSchemes ?? [];
  if (odd !== undefined) {
    const words = "its servers offer different logins";
    const reason = `${odd.server}: ${odd.offers}`;
    const sentence = `${place}: ${words} (${reason})`;
    yield { ...beside, key: `${key} schemes`, words, reason, sentence };
  }
}

function findingRow(finding: LiveFinding): DemoRow {
  const common = { tone: "warn", rank: 0, opinions: [], isNews: true } as const;
  switch (finding.kind) {
    case "mailbox_side":
      return {
        ...common,
        key: `finding ${finding.adc} ${finding.account}`,
        place: finding.account,
        of: "mailbox side",
        words: "fails in the same way behind every server",
        reason: finding.reason ?? "",
        sentence: finding.message,
      };
    case "adc_flapping":
      return {
        ...common,
        key: `finding ${finding.adc} ${finding.adcService} ${finding.server} ${String(finding.port)}`,
        place: `${finding.server}:${String(finding.port)}`,
        of: finding.adcService,
        words: "flaps on the ADC",
        reason: "adc_flapping",
        // The number of flaps is not a change.
        sentence: `${finding.adcService} ${finding.server}:${String(finding.port)}: the ADC takes it DOWN and UP again, and no probe shows why`,
      };
  }
}

/** For a pair, shows which node is polled; a single node is shown only if it does not answer. */
function* adcRow(adc: LiveAdc): Iterable<DemoRow> {
  const common = { key: `adc ${adc.name}`, rank: 0, place: adc.name, of: "ADC", opinions: [] };
  if (adc.up === false) {
    const words =
      adc.splitBrain === true ? "both nodes claim to be primary" : "NITRO does not answer";
    const reason = adc.lastError ?? "";
    const sentence = `${adc.name}: ${withReason(words, reason)}`;
    yield { ...common, tone: "warn", words, reason, sentence, isNews: true };
    return;
  }
  const primary = adc.nodes.find((node) => node.primary);
  if (adc.nodes.length > 1 && primary !== undefined) {
    const node = adc.nodes.indexOf(primary) + 1;
    const words = `node ${String(node)} of the pair is followed`;
    const sentence = `${adc.name}: ${words} (${primary.node})`;
    yield { ...common, tone: "quiet", words, reason: primary.node, sentence, isNews: true };
  }
}

/** A line of the story, with its time. */
export interface StoryEvent {
  readonly atMs: number;
  readonly text: string;
}

/** The next step of the story. */
export type NextStep =
  /** Waiting for a verdict on all rows; `unjudged` have none. */
  | { readonly kind: "judging"; readonly unjudged: number }
  | { readonly kind: "step"; readonly inMs: number; readonly text: string }
  /** It restarts when all rows have a verdict. */
  | { readonly kind: "again" }
  | { readonly kind: "over" };

export interface DemoView {
  readonly state: LiveState;
  /** URL of the page. */
  readonly page: string;
  readonly story: string;
  readonly sinceStartMs: number;
  readonly events: readonly StoryEvent[];
  readonly next: NextStep;
  /** Shown at the bottom if the terminal has room. */
  readonly hint: string;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** One line of the screen: text without control characters, and its style. */
export interface ScreenLine {
  readonly text: string;
  readonly style: "plain" | "title" | "story" | "faint" | Tone;
}

/** Minimum height for blank lines and headings. */
const ROOMY_ROWS = 16;
const HINT_ROWS = 30;

/**
 * The whole screen, within the size of the terminal: page, clock, story and next step; then as many rows as fit, worst first;
 * then the counts.
 */
export function demoScreen(view: DemoView, { rows, columns }: TerminalSize): readonly ScreenLine[] {
  const isRoomy = rows >= ROOMY_ROWS;
  const blank: readonly ScreenLine[] = isRoomy ? [plain("")] : [];
  const all = demoRows(view.state);
  const head: readonly ScreenLine[] = [
    { text: `${view.page}  ${clock(view.sinceStartMs)}  ${view.story}`, style: "title" },
    { text: nextWords(view.next), style: "faint" },
    ...blank,
    ...storyLines(view.events, columns, rows >= HINT_ROWS ? 6 : isRoomy ? 4 : 2),
    ...blank,
  ];
  const foot: readonly ScreenLine[] =
    rows >= HINT_ROWS && view.hint !== "" ? [plain(""), { text: view.hint, style: "faint" }] : [];
  // For the heading and the counts.
  const room = Math.max(0, rows - head.length - foot.length - (isRoomy ? 2 : 1));
  const shown = all.slice(0, room);
  const table = tableLines(shown, columns, isRoomy);
  const counts = plain(countWords(all, all.length - shown.length));
  return [...head, ...table, counts, ...foot].slice(0, rows).map((line) => ({
    ...line,
    text: cut(printableLine(line.text), columns),
  }));
}

/** `+1:42`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `+${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, "0")}`;
}

function nextWords(next: NextStep): string {
  switch (next.kind) {
    case "judging":
      return `The story begins when every row has a verdict; ${String(next.unjudged)} have none yet.`;
    case "step":
      return `Next in ${clock(next.inMs).slice(1)}: ${next.text}`;
    case "again":
      return "The story restarts when everything is well. Ctrl-C ends it.";
    case "over":
      return "The story is over. Ctrl-C ends it.";
  }
}

/** The last event in full, as far as it fits, after one line for each earlier event. */
function storyLines(
  events: readonly StoryEvent[],
  columns: number,
  room: number,
): readonly ScreenLine[] {
  const [last, ...earlier] = events.toReversed();
  if (last === undefined) {
    return [];
  }
  const whole = wrapped(eventText(last), columns).slice(0, room);
  const before = earlier.slice(0, room - whole.length).reverse();
  return [
    ...before.map((each) => ({ text: eventText(each), style: "faint" }) as const),
    ...whole.map((text) => ({ text, style: "story" }) as const),
  ];
}

function eventText({ atMs, text }: StoryEvent): string {
  return `${clock(atMs)} ${printableLine(text)}`;
}

function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

const GAP = 2;
/** Minimum width of a group's name. */
const MIN_OBJECT_WIDTH = 6;
const MIN_WORDS = 12;
const OPINIONS = ["ADC", "REPLICA", "SERVICE"];

/** If space is short: drop the opinions, shrink then drop the group, drop the reason, and truncate the statement last. */
function tableLines(
  rows: readonly DemoRow[],
  columns: number,
  hasHeading: boolean,
): readonly ScreenLine[] {
  const widest = (texts: readonly string[]): number =>
    Math.max(0, ...texts.map((text) => text.length));
  const place = widest(rows.map((row) => row.place));
  const reason = widest(rows.map((row) => (row.reason.length > MAX_REASON ? "" : row.reason)));
  const allWords = widest(rows.map((row) => row.words));
  const opinions = OPINIONS.map((title, index) =>
    widest([title, ...rows.map((row) => row.opinions[index] ?? "")]),
  );
  const ofAll = widest(rows.map((row) => row.of));
  const taken = 2 + place + GAP + allWords + (reason === 0 ? 0 : GAP + reason);
  const opinionsWidth = opinions.reduce((sum, width) => sum + width + GAP, 0);
  const left = columns - taken;
  const showsOpinions = left >= opinionsWidth + ofAll + GAP;
  const of = Math.min(ofAll, left - GAP - (showsOpinions ? opinionsWidth : 0));
  const showsOf = of >= MIN_OBJECT_WIDTH;
  const showsReason = reason > 0 && left >= 0;
  const words = Math.max(
    MIN_WORDS,
    Math.min(allWords, columns - 2 - place - GAP - (showsReason ? GAP + reason : 0)),
  );
  const line = (cells: {
    readonly sign: string;
    readonly place: string;
    readonly of: string;
    readonly opinions: readonly string[];
    readonly words: string;
    readonly reason: string;
  }): string =>
    [
      `${cells.sign} ${cells.place.padEnd(place)}`,
      ...(showsOf ? [cut(cells.of, of).padEnd(of)] : []),
      ...(showsOpinions
        ? opinions.map((width, index) => (cells.opinions[index] ?? "").padEnd(width))
        : []),
      cut(cells.words, words).padEnd(words),
      ...(showsReason ? [cells.reason] : []),
    ]
      .join(" ".repeat(GAP))
      .trimEnd();
  const heading = line({
    sign: " ",
    place: "MEMBER",
    of: "OF",
    opinions: OPINIONS,
    words: "VERDICT",
    reason: "REASON",
  });
  return [
    ...(hasHeading ? [{ text: heading, style: "faint" } as const] : []),
    ...rows.map((row) => ({
      text: line({ ...row, sign: TONE_SIGNS[row.tone] }),
      style: row.tone,
    })),
  ];
}

/** Longer reasons are sentences and do not get a column. */
const MAX_REASON = 26;

const COUNT_WORDS: Readonly<Record<Tone, string>> = {
  bad: "wrong",
  warn: "to look at",
  unknown: "unknown",
  quiet: "as expected",
  good: "agree",
};

function countWords(all: readonly DemoRow[], hidden: number): string {
  const counts = TONES.flatMap((tone) => {
    const count = all.filter((row) => row.tone === tone).length;
    return count === 0 ? [] : [`${String(count)} ${COUNT_WORDS[tone]}`];
  });
  return `${counts.join(" · ")}${hidden > 0 ? ` (${String(hidden)} not shown)` : ""}`;
}

function plain(text: string): ScreenLine {
  return { text, style: "plain" };
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
