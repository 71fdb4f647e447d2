import { join } from "node:path";
import { readRegularFile } from "../lib/durable-file.ts";
import { runYielding, type Steps } from "../lib/steps.ts";
import {
  ownerKey,
  unwatchedEntry,
  type TimelineEntry,
  type TimelineOwner,
} from "../model/timeline.ts";
import {
  JOURNAL_FILE,
  OLDER_FILE,
  SEGMENT_BYTES,
  ALIVE_EVERY_MS,
  lineShape,
  type Line,
} from "./journal-format.ts";

/** The state of one owner over a time in which the agent ran. Milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly entry: TimelineEntry;
}

export interface Track {
  readonly owner: TimelineOwner;
  /** In order; no agent was running between two of them. */
  readonly spans: readonly Span[];
}

export interface JournalReading {
  readonly tracks: readonly Track[];
  /** When the agent ran. */
  readonly watched: readonly { readonly from: number; readonly to: number }[];
  /** Time of the oldest entry; null: none. */
  readonly since: number | null;
}

/**
 * Reads the journal of a state directory from `sinceMs` on. `runningUntil`: the writing agent is still running, so its last
 * state lasts until then; null: until the last line. Unreadable lines are skipped. Never rejects.
 */
export async function readJournal(
  stateDir: string,
  sinceMs: number,
  runningUntil: number | null,
): Promise<JournalReading> {
  const texts: string[] = [];
  for (const file of [OLDER_FILE, JOURNAL_FILE]) {
    const read = await readRegularFile(join(stateDir, file), 2 * SEGMENT_BYTES);
    if (read.kind === "text") {
      texts.push(read.text);
    }
  }
  return runYielding(readLines(texts, sinceMs, runningUntil));
}

interface Reading extends Track {
  readonly spans: Span[];
  entry: TimelineEntry | null;
}

/** A longer gap between lines means that the agent did not run or the clock was set. */
const MAX_GAP_MS = 2 * ALIVE_EVERY_MS + 30_000;

function* readLines(
  texts: readonly string[],
  sinceMs: number,
  runningUntil: number | null,
): Steps<JournalReading> {
  const tracks = new Map<string, Reading>();
  const watched: { from: number; to: number }[] = [];
  let since: number | null = null;
  let watchedFrom: number | null = null;
  let lastAt = 0;
  const close = (track: Reading, to: number): void => {
    if (track.entry !== null && to > Math.max(track.entry.at, sinceMs)) {
      track.spans.push({ from: Math.max(track.entry.at, sinceMs), to, entry: track.entry });
    }
  };
  /** Ends all spans at `to`; they continue at `resumeAt`, or not at all. */
  const pause = (to: number, resumeAt: number | null): void => {
    for (const track of tracks.values()) {
      close(track, to);
      const { entry } = track;
      track.entry = entry === null || resumeAt === null ? null : { ...entry, at: resumeAt };
    }
    if (watchedFrom !== null && to > Math.max(watchedFrom, sinceMs)) {
      watched.push({ from: Math.max(watchedFrom, sinceMs), to });
    }
    watchedFrom = resumeAt;
  };
  const pass = (now: number): void => {
    if (watchedFrom !== null && (now < lastAt || now > lastAt + MAX_GAP_MS)) {
      pause(lastAt, now);
    }
    watchedFrom ??= now;
    lastAt = now;
  };
  for (const text of texts) {
    const owners = new Map<number, Reading>();
    for (const line of linesOf(text)) {
      yield;
      if (line === null) {
        continue;
      }
      switch (line.line) {
        case "owner": {
          const key = ownerKey(line.owner);
          const { spans = [], entry = null } = tracks.get(key) ?? {};
          const track: Reading = { owner: line.owner, spans, entry };
          tracks.set(key, track);
          owners.set(line.id, track);
          continue;
        }
        case "began":
          // A killed run wrote no end.
          pause(lastAt, null);
          break;
        case "ended":
          pass(line.at);
          pause(line.at, null);
          since ??= line.at;
          continue;
        case "alive":
        case "entry":
        case "left":
          break;
      }
      const now = line.line === "entry" ? line.entry.at : line.at;
      since ??= now;
      pass(now);
      const track = "id" in line ? owners.get(line.id) : undefined;
      if (track !== undefined && line.line === "entry") {
        addEntry(track, line.entry, close);
      } else if (track !== undefined && line.line === "left") {
        close(track, now);
        track.entry = null;
      }
    }
  }
  pause(watchedFrom === null ? lastAt : Math.max(lastAt, runningUntil ?? lastAt), null);
  return {
    tracks: [...tracks.values()]
      .filter(({ spans }) => spans.length > 0)
      .map(({ owner, spans }) => ({ owner, spans })),
    watched,
    since,
  };
}

/** The first lines of a file repeat the state: no change. */
function addEntry(
  track: Reading,
  entry: TimelineEntry,
  close: (track: Reading, to: number) => void,
): void {
  const { entry: before } = track;
  if (before !== null && JSON.stringify({ ...entry, at: before.at }) === JSON.stringify(before)) {
    return;
  }
  close(track, entry.at);
  track.entry = entry;
}

function* linesOf(text: string): Generator<Line | null> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end === -1 ? text.length : end);
    from = end === -1 ? text.length : end + 1;
    yield lineOf(line);
  }
}

function lineOf(text: string): Line | null {
  try {
    return lineShape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    // A truncated last line of a killed process.
    return null;
  }
}

/** Converts a track to a timeline; gaps are unknown. */
export function timelineOf({ spans }: Track): readonly TimelineEntry[] {
  return spans.flatMap(({ from, to, entry }, index) => {
    const held = { ...entry, at: from };
    return spans[index + 1]?.from === to ? [held] : [held, unwatchedEntry(to, entry)];
  });
}
