import { constants } from "node:fs";
import { mkdir, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { openOwnFile, readRegularFile, setAside, type StorageWatch } from "../lib/durable-file.ts";
import { errorCode } from "../lib/log.ts";
import { oneAtATime } from "../lib/pacing.ts";
import { runYielding, mapInSteps, type Steps } from "../lib/steps.ts";
import { REASONS, STEPS } from "../model/reasons.ts";
import {
  ownerKey,
  unwatchedEntry,
  type TimelineEntry,
  type TimelineOwner,
} from "../model/timeline.ts";
import { ADC_OPINIONS, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../model/verdicts.ts";

/** The changes of every verdict, in the state directory: the file being written, and the full one before it. */
export const JOURNAL_FILE = "history.jsonl";
const OLDER_FILE = "history.1.jsonl";
/** About 100,000 changes. Two of these are kept. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const FLUSH_EVERY_MS = 1_000;
/** Interval of the alive marker, and so the precision of a killed run's end. */
const ALIVE_EVERY_MS = 5 * 60_000;
/** Queued while the disk refuses writes; beyond that, the state at the time it recovers is written instead. */
const MAX_WAITING_BYTES = 1024 * 1024;

export const ownerShape = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("member"),
    adc: z.string(),
    adcService: z.string(),
    server: z.string(),
    port: z.union([z.number().int(), z.literal("*")]),
    vservers: z.array(z.string()).readonly(),
  }),
  z.object({
    kind: z.literal("vserver"),
    adc: z.string(),
    vserver: z.string(),
    vserverKind: z.enum(["lb", "cs", "gslb", "aaa"]),
  }),
]);
const upDown = z.enum(["up", "down", "unknown"]);
const at = z.number().int().nonnegative().max(8.64e15);
export const entryShape = z.object({
  at,
  adc: z.enum(ADC_OPINIONS),
  replica: upDown.nullable(),
  service: z.enum(["up", "down", "unknown", "none", "protected"]),
  verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
  step: z.enum(STEPS).nullable(),
  reason: z.enum(REASONS).nullable(),
  decidedBy: z.string().nullable(),
  detected: z.boolean().nullable(),
  working: z.number().int().nonnegative().nullable(),
  // Earlier versions did not write it.
  clientsLeft: z.boolean().nullable().default(null),
});
/** A line of the file. Owner numbers are valid within one file, which begins with the state at that time. */
const lineShape = z.discriminatedUnion("line", [
  z.object({ line: z.enum(["began", "alive", "ended"]), at }),
  z.object({ line: z.literal("owner"), id: z.number().int(), owner: ownerShape }),
  z.object({ line: z.literal("entry"), id: z.number().int(), entry: entryShape }),
  z.object({ line: z.literal("left"), id: z.number().int(), at }),
]);
type Line = z.output<typeof lineShape>;

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
const SILENCE_MS = 2 * ALIVE_EVERY_MS + 30_000;

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
    if (watchedFrom !== null && (now < lastAt || now > lastAt + SILENCE_MS)) {
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
        take(track, line.entry, close);
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
function take(
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

/** One change, as the history records it. */
export interface JournalChange {
  readonly owner: TimelineOwner;
  readonly entry: TimelineEntry;
}

export interface JournalOptions {
  readonly stateDir: string;
  readonly storage: StorageWatch;
  /** The current state of each member and vserver. */
  readonly current: () => Iterable<JournalChange>;
  readonly now: () => number;
  readonly segmentBytes?: number;
}

/**
 * Writes the journal: at most two files of 16 MB; the older one is overwritten. A disk error loses lines but never stops the
 * agent. One writer per directory: the agent holds its lock.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #path: string;
  readonly #ids = new Map<string, { readonly id: number; readonly vservers: string }>();
  readonly #inTurn = oneAtATime();
  readonly #timers: readonly NodeJS.Timeout[];
  #nextId = 0;
  #file: FileHandle | null = null;
  #bytes = 0;
  #waiting: { readonly text: string; readonly ofOwner: boolean }[] = [];
  #waitingBytes = 0;
  /** Queued lines were dropped, so the next write begins with the full state. */
  #isBehind = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#path = join(options.stateDir, JOURNAL_FILE);
    this.#put({ line: "began", at: options.now() });
    this.#timers = [
      setInterval(() => void this.#flush(), FLUSH_EVERY_MS).unref(),
      setInterval(() => this.#alive(), ALIVE_EVERY_MS).unref(),
    ];
  }

  /** Queues changes; they are written within a second. */
  record(changes: readonly JournalChange[]): void {
    for (const { owner, entry } of changes) {
      if (this.#isBehind) {
        return;
      }
      this.#put({ line: "entry", id: this.#idOf(owner), entry });
      if (this.#waitingBytes > MAX_WAITING_BYTES) {
        this.#isBehind = true;
        this.#restart();
      }
    }
  }

  /** Resolves when everything queued is written, or the disk has refused it. */
  async flushed(): Promise<void> {
    await this.#flush();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) {
      clearInterval(timer);
    }
    this.#put({ line: "ended", at: this.#options.now() });
    await this.#flush();
    await this.#inTurn(() => this.#closeFile());
  }

  #idOf(owner: TimelineOwner): number {
    const key = ownerKey(owner);
    const vservers = vserversOf(owner);
    const known = this.#ids.get(key);
    const id = known?.id ?? this.#nextId++;
    if (known?.vservers !== vservers) {
      this.#ids.set(key, { id, vservers });
      this.#put({ line: "owner", id, owner });
    }
    return id;
  }

  /** Records that the agent is alive, and which owners have left the estate. */
  #alive(): void {
    const now = this.#options.now();
    const here = new Set([...this.#options.current()].map(({ owner }) => ownerKey(owner)));
    for (const [key, { id }] of this.#ids) {
      if (!here.has(key)) {
        this.#ids.delete(key);
        this.#put({ line: "left", id, at: now });
      }
    }
    this.#put({ line: "alive", at: now });
  }

  #put(line: Line): void {
    const text = textOf(line);
    this.#waiting.push({ text, ofOwner: "id" in line });
    this.#waitingBytes += text.length;
  }

  /** Drops the queued lines of owners; their numbers start over. */
  #restart(): void {
    this.#ids.clear();
    this.#waiting = this.#waiting.filter(({ ofOwner }) => !ofOwner);
    this.#waitingBytes = lengthOf(this.#waiting);
  }

  /** Writes the full current state, yielding in between; changes meanwhile are queued behind it. */
  async #writeCurrent(file: FileHandle): Promise<void> {
    this.#restart();
    const first = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isBehind = false;
    const now = this.#options.now();
    const holding = [...this.#options.current()].map(({ owner, entry }) => {
      const id = this.#nextId++;
      this.#ids.set(ownerKey(owner), { id, vservers: vserversOf(owner) });
      return { id, owner, entry };
    });
    const texts = await runYielding(
      mapInSteps(
        holding,
        ({ id, owner, entry }) =>
          textOf({ line: "owner", id, owner }) +
          textOf({ line: "entry", id, entry: { ...entry, at: now } }),
      ),
    );
    const bytes = Buffer.from([...first.map(({ text }) => text), ...texts].join(""));
    try {
      await file.appendFile(bytes);
    } catch (error) {
      this.#isBehind = true;
      this.#waiting = [...first, ...this.#waiting];
      throw error;
    }
    this.#bytes += bytes.length;
  }

  async #flush(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#waiting.length === 0 && !this.#isBehind) {
        return;
      }
      try {
        let file = (this.#file ??= await this.#openFile());
        if (this.#isBehind) {
          await this.#writeCurrent(file);
        }
        const lines = this.#waiting;
        const bytes = Buffer.from(lines.map(({ text }) => text).join(""));
        await file.appendFile(bytes);
        this.#bytes += bytes.length;
        this.#waiting = this.#waiting.slice(lines.length);
        this.#waitingBytes = lengthOf(this.#waiting);
        if (this.#bytes > (this.#options.segmentBytes ?? SEGMENT_BYTES)) {
          await this.#turnOver();
          file = this.#file = await this.#openFile();
          await this.#writeCurrent(file);
        }
        this.#options.storage.written(this.#path);
      } catch (error) {
        this.#options.storage.refused(this.#path, error);
        await this.#closeFile();
      }
    });
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch(() => undefined);
  }

  /** Never follows a link or opens a pipe. */
  async #openFile(): Promise<FileHandle> {
    const { stateDir, storage, now } = this.#options;
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    for (;;) {
      const file = await openOwnFile(this.#path, constants.O_APPEND | constants.O_RDWR);
      if (file !== null) {
        this.#bytes = (await file.stat()).size;
        await endLastLine(file, this.#bytes);
        return file;
      }
      const aside = await setAside(this.#path, now());
      storage.setAside(this.#path, aside, "not a regular file", "the history starts over");
    }
  }

  /** The full file becomes the older one. */
  async #turnOver(): Promise<void> {
    const { stateDir, storage, now } = this.#options;
    const older = join(stateDir, OLDER_FILE);
    await this.#closeFile();
    try {
      await rename(this.#path, older);
    } catch (error) {
      if (!["EISDIR", "ENOTEMPTY", "EEXIST"].includes(errorCode(error))) {
        throw error;
      }
      const aside = await setAside(older, now());
      storage.setAside(older, aside, "not a regular file", "the history before this is lost");
      await rename(this.#path, older);
    }
  }
}

function textOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function vserversOf(owner: TimelineOwner): string {
  return owner.kind === "member" ? owner.vservers.join("\n") : "";
}

function lengthOf(lines: readonly { readonly text: string }[]): number {
  return lines.reduce((sum, { text }) => sum + text.length, 0);
}

/** A process that was killed may have left half a line. */
async function endLastLine(file: FileHandle, size: number): Promise<void> {
  if (size > 0) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString() !== "\n") {
      await file.appendFile("\n");
    }
  }
}
