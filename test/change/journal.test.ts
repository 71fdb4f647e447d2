import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { Journal } from "../../src/change/journal.ts";
import { JOURNAL_FILE } from "../../src/change/journal-format.ts";
import { readJournal, timelineOf } from "../../src/change/journal-reader.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";
import {
  memberEntry,
  memberOwner,
  type TimelineEntry,
  type TimelineOwner,
} from "../../src/model/timeline.ts";
import { aMember, NOON } from "../support/live-state.ts";
import { shortestOfLongestTurnsMs } from "../support/longest-turn.ts";

const QUIET = { warn: () => undefined, error: () => undefined };
const MINUTE = 60_000;

async function aStateDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-journal-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A journal behind a clock of the test's, over members that hold what was recorded last. */
function aJournal(stateDir: string, segmentBytes?: number, startedAt = NOON) {
  const clock = { now: startedAt };
  const held = new Map<string, { owner: TimelineOwner; entry: TimelineEntry }>();
  const storage = new StorageWatch(QUIET);
  const journal = new Journal({
    stateDir,
    storage,
    current: () => held.values(),
    now: () => clock.now,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
  const said = (server: string, change: Parameters<typeof aMember>[0]) => {
    const member = aMember({ server, ...change });
    const told = { owner: memberOwner(member), entry: memberEntry(member, clock.now) };
    held.set(server, told);
    return told;
  };
  const say = (...one: Parameters<typeof said>): void => {
    journal.record([said(...one)]);
  };
  return { clock, journal, said, say, storage };
}

const ILL = { service: "down", verdict: "blind_monitor", reason: "banner_timeout" } as const;

/** Of one server: what held, from minute to minute after noon. */
async function spansOf(stateDir: string, server: string, until: number | null = null) {
  const { tracks } = await readJournal(stateDir, 0, until);
  const track = tracks.find(({ owner }) => owner.kind === "member" && owner.server === server);
  return track?.spans.map(({ from, to, entry }) => [
    (from - NOON) / MINUTE,
    (to - NOON) / MINUTE,
    entry.verdict,
  ]);
}

describe("journal", () => {
  test("reading › gives what held and for how long when runs follow each other", async () => {
    const stateDir = await aStateDir();
    const first = aJournal(stateDir);
    first.say("ex01", {});
    first.clock.now += MINUTE;
    first.say("ex01", ILL);
    first.clock.now += MINUTE;
    await first.journal.close();
    const second = aJournal(stateDir, undefined, NOON + 10 * MINUTE);
    second.say("ex01", {});
    await second.journal.flushed();
    expect(await spansOf(stateDir, "ex01", NOON + 12 * MINUTE)).toEqual([
      [0, 1, "agree_up"],
      [1, 2, "blind_monitor"],
      [10, 12, "agree_up"],
    ]);
    await second.journal.close();
    const { watched, since, tracks } = await readJournal(stateDir, NOON + MINUTE / 2, null);
    expect(since).toBe(NOON);
    expect(watched.map(({ from, to }) => [(from - NOON) / MINUTE, (to - NOON) / MINUTE])).toEqual([
      [0.5, 2],
    ]);
    expect(tracks.flatMap(timelineOf).map(({ at, verdict }) => [at - NOON, verdict])).toEqual([
      [MINUTE / 2, "agree_up"],
      [MINUTE, "blind_monitor"],
      [2 * MINUTE, "unknown"],
    ]);
  });

  test("reading › ends what held at the last line when a run was killed", async () => {
    const stateDir = await aStateDir();
    const killed = aJournal(stateDir);
    killed.say("ex01", {});
    killed.clock.now += MINUTE;
    killed.say("ex02", {});
    await killed.journal.flushed();
    await appendFile(join(stateDir, JOURNAL_FILE), '{"line":"entry","id":0,"entr');
    const next = aJournal(stateDir, undefined, NOON + 5 * MINUTE);
    next.say("ex01", ILL);
    next.clock.now += MINUTE;
    await next.journal.close();
    expect(await spansOf(stateDir, "ex01")).toEqual([
      [0, 1, "agree_up"],
      [5, 6, "blind_monitor"],
    ]);
    await killed.journal.close();
  });

  test("reading › leaves a gap when the clock jumps or the process was suspended", async () => {
    const stateDir = await aStateDir();
    const { clock, journal, say } = aJournal(stateDir);
    say("ex01", {});
    clock.now += MINUTE;
    say("ex02", {});
    clock.now += 60 * MINUTE;
    say("ex01", ILL);
    clock.now -= 30 * MINUTE;
    say("ex01", {});
    clock.now += MINUTE;
    await journal.close();
    expect(await spansOf(stateDir, "ex01")).toEqual([
      [0, 1, "agree_up"],
      [31, 32, "agree_up"],
    ]);
  });

  test("writing › keeps what holds and stays within two files when the file is full", async () => {
    const stateDir = await aStateDir();
    const { clock, journal, say } = aJournal(stateDir, 20_000);
    say("quiet", {});
    for (let minute = 0; minute < 400; minute += 1) {
      say("ex01", minute % 2 === 0 ? ILL : {});
      await journal.flushed();
      clock.now += MINUTE;
    }
    await journal.close();
    const sizes = await Promise.all(
      [JOURNAL_FILE, "history.1.jsonl"].map(
        async (file) => (await stat(join(stateDir, file))).size,
      ),
    );
    expect(Math.max(...sizes)).toBeLessThan(25_000);
    const quiet = (await spansOf(stateDir, "quiet")) ?? [];
    expect(quiet).toHaveLength(1);
    expect(quiet[0]?.[1]).toBe(400);
    expect(quiet[0]?.[0]).toBeGreaterThan(100);
  });

  test("writing › sets a link aside and never follows it", async () => {
    const stateDir = await aStateDir();
    const outside = join(await aStateDir(), "outside");
    await writeFile(outside, "kept");
    await symlink(outside, join(stateDir, JOURNAL_FILE));
    const { journal, say, storage } = aJournal(stateDir);
    say("ex01", {});
    await journal.close();
    expect(await readFile(outside, "utf8")).toBe("kept");
    expect(storage.health.problems).toHaveLength(1);
    expect(await readFile(join(stateDir, JOURNAL_FILE), "utf8")).toContain('"ex01"');
  });

  test("writing › stalls the event loop for a moment at most when ten thousand entries begin at once", async () => {
    const stateDir = await aStateDir();
    const { clock, journal, said, say } = aJournal(stateDir);
    const all = Array.from({ length: 10_000 }, (_, index) => said(`ex${String(index)}`, {}));
    const heldMs = await shortestOfLongestTurnsMs(async () => {
      journal.record(all);
      const flushed = journal.flushed();
      await new Promise((resolve) => setImmediate(resolve));
      say("ex7", ILL);
      await flushed;
    }, 40);
    expect(heldMs).toBeLessThan(40);
    clock.now += MINUTE;
    await journal.close();
    const { tracks } = await readJournal(stateDir, 0, null);
    expect(tracks).toHaveLength(10_000);
    expect((await spansOf(stateDir, "ex7"))?.at(-1)).toEqual([0, 1, "blind_monitor"]);
  });

  test("writing › sets a directory aside when it stands in place of the older file", async () => {
    const stateDir = await aStateDir();
    await mkdir(join(stateDir, "history.1.jsonl", "full"), { recursive: true });
    const { journal, say, storage } = aJournal(stateDir, 1_000);
    for (let count = 0; count < 10; count += 1) {
      say("ex01", count % 2 === 0 ? ILL : {});
      await journal.flushed();
    }
    await journal.close();
    expect(storage.health).toMatchObject({ writable: true, writeErrors: 0 });
    expect(storage.health.problems).toHaveLength(1);
    expect((await stat(join(stateDir, "history.1.jsonl"))).isFile()).toBe(true);
  });

  test("writing › starts anew with what holds when the disk has refused writes for long", async () => {
    const stateDir = await aStateDir();
    const blocked = join(stateDir, "state");
    await writeFile(blocked, "a file where the directory should be");
    const { clock, journal, say, storage } = aJournal(blocked);
    for (let index = 0; index < 5_000; index += 1) {
      say(`ex${String(index % 3)}`, index % 2 === 0 ? ILL : {});
      clock.now += 1_000;
    }
    await journal.flushed();
    expect(storage.health.writable).toBe(false);
    await rm(blocked);
    await mkdir(blocked);
    await journal.flushed();
    expect(storage.health.writable).toBe(true);
    clock.now += MINUTE;
    await journal.close();
    const { tracks } = await readJournal(blocked, 0, null);
    expect(tracks.map(({ spans }) => spans.map(({ from, to }) => to - from))).toEqual([
      [MINUTE],
      [MINUTE],
      [MINUTE],
    ]);
  });

  test("reading › skips lines of any bytes", async () => {
    const stateDir = await aStateDir();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.json(),
            fc
              .record({
                line: fc.constantFrom("began", "ended", "left", "alive"),
                id: fc.integer(),
                at: fc.oneof(fc.integer(), fc.double(), fc.string()),
              })
              .map((line) => JSON.stringify(line)),
          ),
        ),
        async (lines) => {
          await writeFile(join(stateDir, JOURNAL_FILE), lines.join("\n"));
          expect((await readJournal(stateDir, 0, NOON)).tracks).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
