import { constants } from "node:fs";
import { mkdir, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { openOwnFile, quarantineFile, type StorageWatch } from "../lib/durable-file.ts";
import { errorCode } from "../lib/log.ts";
import { oneAtATime } from "../lib/pacing.ts";
import { runYielding, mapInSteps } from "../lib/steps.ts";
import { ownerKey, type TimelineEntry, type TimelineOwner } from "../model/timeline.ts";
import {
  JOURNAL_FILE,
  OLDER_FILE,
  SEGMENT_BYTES,
  ALIVE_EVERY_MS,
  type Line,
} from "./journal-format.ts";

const FLUSH_EVERY_MS = 1_000;
/** Queued while the disk refuses writes; beyond that, the state at the time it recovers is written instead. */
const MAX_WAITING_BYTES = 1024 * 1024;

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
  readonly #serialised = oneAtATime();
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
    this.#append({ line: "began", at: options.now() });
    this.#timers = [
      setInterval(() => void this.#flush(), FLUSH_EVERY_MS).unref(),
      setInterval(() => this.#writeHeartbeat(), ALIVE_EVERY_MS).unref(),
    ];
  }

  /** Queues changes; they are written within a second. */
  record(changes: readonly JournalChange[]): void {
    for (const { owner, entry } of changes) {
      if (this.#isBehind) {
        return;
      }
      this.#append({ line: "entry", id: this.#idOf(owner), entry });
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
    this.#append({ line: "ended", at: this.#options.now() });
    await this.#flush();
    await this.#serialised(() => this.#closeFile());
  }

  #idOf(owner: TimelineOwner): number {
    const key = ownerKey(owner);
    const vservers = vserversOf(owner);
    const known = this.#ids.get(key);
    const id = known?.id ?? this.#nextId++;
    if (known?.vservers !== vservers) {
      this.#ids.set(key, { id, vservers });
      this.#append({ line: "owner", id, owner });
    }
    return id;
  }

  /** Records that the agent is alive, and which owners have left the estate. */
  #writeHeartbeat(): void {
    const now = this.#options.now();
    const here = new Set([...this.#options.current()].map(({ owner }) => ownerKey(owner)));
    for (const [key, { id }] of this.#ids) {
      if (!here.has(key)) {
        this.#ids.delete(key);
        this.#append({ line: "left", id, at: now });
      }
    }
    this.#append({ line: "alive", at: now });
  }

  #append(line: Line): void {
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

  /** Writes the full current state, yielding in between; changes meanwhile are queued after it. */
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
    await this.#serialised(async () => {
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
          await this.#rotate();
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
      const aside = await quarantineFile(this.#path, now());
      storage.reportQuarantined(this.#path, aside, "not a regular file", "the history starts over");
    }
  }

  /** The full file becomes the older one. */
  async #rotate(): Promise<void> {
    const { stateDir, storage, now } = this.#options;
    const older = join(stateDir, OLDER_FILE);
    await this.#closeFile();
    try {
      await rename(this.#path, older);
    } catch (error) {
      if (!["EISDIR", "ENOTEMPTY", "EEXIST"].includes(errorCode(error))) {
        throw error;
      }
      const aside = await quarantineFile(older, now());
      storage.reportQuarantined(
        older,
        aside,
        "not a regular file",
        "the history before this is lost",
      );
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
