import { execFileSync } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DURABLE_FILES,
  replaceFile,
  type DurableFiles,
  StorageWatch,
} from "../../src/lib/durable-file.ts";
import {
  LOCK_FILE,
  openStore,
  readStore,
  STORE_FILE,
  type MaintenanceStore,
  readStored,
  writeStored,
  type StoreState,
} from "../../src/maintenance/store.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-store-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function stateOf(...names: string[]): StoreState {
  return {
    windows: names.map((name, index) => ({
      name,
      servers: ["ex01", "ex*"],
      startAt: index,
      endAt: index % 2 === 0 ? Infinity : 1e12,
      reason: "Größeres Update „CU15“",
      author: null,
      autoEnd: true,
      flexible: false,
    })),
    progress: [{ window: "a", startAt: 1, server: "*", begunAt: null, endedAt: 5 }],
  };
}

async function opened(files: DurableFiles = DURABLE_FILES): Promise<MaintenanceStore> {
  const result = await openStore(directory, { files });
  if (result.kind !== "open") {
    throw new Error(result.message);
  }
  return result.store;
}

describe("maintenance store", () => {
  test("keeps what was written when reopened", async () => {
    const store = await opened();
    expect(store.state()).toEqual({ windows: [], progress: [] });
    expect(await store.update(() => stateOf("a", "b"))).toMatchObject({ kind: "written" });
    await store.close();
    const again = await opened();
    expect(again.state()).toEqual(stateOf("a", "b"));
    await again.close();
    expect(await readdir(directory)).toEqual([STORE_FILE, LOCK_FILE]);
  });

  test("creates its directory with mode 0700", async () => {
    directory = join(directory, "state");
    const store = await opened();
    await store.update(() => stateOf("a"));
    await store.close();
    directory = join(directory, "..");
    expect(await readdir(join(directory, "state"))).toEqual([STORE_FILE, LOCK_FILE]);
    expect((await stat(join(directory, "state"))).mode & 0o777).toBe(0o700);
  });

  test("applies updates in call order", async () => {
    const store = await opened();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.update((state) => ({
          ...state,
          windows: [...state.windows, ...stateOf(String(index)).windows],
        })),
      ),
    );
    expect(store.state().windows.map(({ name }) => Number(name))).toEqual([
      ...Array.from({ length: 20 }, (_, index) => index),
    ]);
    await store.close();
  });

  test("writes nothing when nothing changed", async () => {
    const store = await opened();
    expect(await store.update((state) => state)).toMatchObject({ kind: "written" });
    await store.close();
    expect(await readdir(directory)).toEqual([LOCK_FILE]);
  });

  test("stays unchanged when the disk is full", async () => {
    const full: DurableFiles = {
      ...DURABLE_FILES,
      writeThrough: async () => {
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      },
    };
    const store = await opened(full);
    expect(await store.update(() => stateOf("a"))).toEqual({
      kind: "failed",
      message: `${join(directory, STORE_FILE)} cannot be written: ENOSPC.`,
    });
    expect(store.state().windows).toEqual([]);
    await store.close();
  });
});

describe("maintenance store write", () => {
  /** Stops for good after so many bytes; every operation costs one more, so that each gap between them is met too. */
  function crashAfter(budget: number): DurableFiles {
    let left = budget;
    const spend = (cost: number): number => {
      const spent = Math.min(left, cost);
      left -= spent;
      return spent;
    };
    const crash = (): never => {
      throw new Error("crashed");
    };
    return {
      writeThrough: async (path, bytes) => {
        const written = spend(bytes.length + 1);
        await writeFile(path, bytes.subarray(0, written));
        if (written <= bytes.length) {
          crash();
        }
      },
      rename: async (from, to) => {
        if (spend(1) === 0) {
          crash();
        }
        await DURABLE_FILES.rename(from, to);
      },
      syncDirectory: async () => {
        if (spend(1) === 0) {
          crash();
        }
      },
    };
  }

  test("leaves the old or the new state whole when it crashes at any byte", async () => {
    const before = stateOf("before");
    const after = stateOf("after", "other");
    const size = Buffer.byteLength(writeStored(after));
    const seen = new Set<string>();
    const path = join(directory, STORE_FILE);
    for (let budget = 0; budget <= size + 3; budget += 1) {
      await writeFile(path, writeStored(before));
      await replaceFile(path, writeStored(after), crashAfter(budget)).catch(() => undefined);
      const found = await readStore(path);
      expect([before, after]).toContainEqual(found.kind === "read" ? found.state : null);
      seen.add(found.kind === "read" ? (found.state.windows[0]?.name ?? "") : "");
    }
    expect(seen).toEqual(new Set(["before", "after"]));
  });
});

describe("unreadable maintenance store", () => {
  /** What stands aside, by content. */
  async function setAside(): Promise<string[]> {
    const names = (await readdir(directory)).filter((name) => name.includes(".set-aside-"));
    return Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  }

  test("is set aside and begins empty when cut at any byte", async () => {
    const whole = Buffer.from(writeStored(stateOf("a", "b")));
    const path = join(directory, STORE_FILE);
    for (let length = 0; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length);
      await writeFile(path, cut);
      expect(await readStore(path)).toMatchObject({ kind: "unusable" });
      if (length % 50 === 0) {
        const store = await opened();
        expect(store.state()).toEqual({ windows: [], progress: [] });
        expect(await setAside()).toContain(cut.toString());
        await store.close();
      }
    }
  });

  test.each([
    ["another version", '{"version":2,"windows":[],"progress":[]}\n'],
    ["another file", '{"name":"package"}\n'],
    ["no text", ""],
    [
      "a window without servers",
      writeStored({
        ...stateOf("a"),
        windows: [{ ...stateOf("a").windows[0], servers: [] } as never],
      }),
    ],
  ])("is set aside, reported and writable again when it holds %s", async (_name, text) => {
    await writeFile(join(directory, STORE_FILE), text);
    const watch = new StorageWatch({ warn: ignore, error: ignore });
    const result = await openStore(directory, { watch });
    expect(await setAside()).toEqual([text]);
    expect(watch.health).toMatchObject({
      writable: true,
      problems: [expect.stringMatching(/maintenance\.json.*declare its maintenance windows again/)],
    });
    if (result.kind === "open") {
      expect(await result.store.update(() => stateOf("a"))).toMatchObject({ kind: "written" });
      await result.store.close();
    }
    expect(await readStore(join(directory, STORE_FILE))).toMatchObject({ kind: "read" });
  });

  test("reads as a state or null when the text is arbitrary", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const state = readStored(`${text}}\n`);
        expect(state === null || Array.isArray(state.windows)).toBe(true);
      }),
    );
  });

  test.each([
    ["a directory", (path: string) => mkdir(path)],
    ["a link", (path: string) => symlink("/etc/hostname", path)],
    ["a pipe", async (path: string) => void execFileSync("mkfifo", [path])],
  ])("is set aside without being opened when it is %s", async (_name, make) => {
    await make(join(directory, STORE_FILE));
    const store = await opened();
    expect(store.state().windows).toEqual([]);
    expect(await store.update(() => stateOf("a"))).toMatchObject({ kind: "written" });
    await store.close();
    expect((await readdir(directory)).filter((name) => name.includes(".set-aside-"))).toHaveLength(
      1,
    );
  });

  test("opens without a disk, refuses changes, and recovers when the directory can be made", async () => {
    const stateDir = join(directory, "state");
    await writeFile(stateDir, "a file");
    expect(await openStore(stateDir)).toMatchObject({ kind: "failed" });
    const watch = new StorageWatch({ warn: ignore, error: ignore });
    const result = await openStore(stateDir, { watch, withoutDisk: true });
    if (result.kind !== "open") {
      throw new Error(result.message);
    }
    const { store } = result;
    expect(watch.health.writable).toBe(false);
    expect(await store.update(() => stateOf("a"))).toMatchObject({ kind: "failed" });
    await rm(stateDir);
    expect(await store.update(() => stateOf("a"))).toMatchObject({ kind: "written" });
    expect(watch.health.writable).toBe(true);
    await store.close();
  });
});

describe("maintenance store lock", () => {
  test("is held by one at a time, even in one process", async () => {
    const first = await opened();
    const second = await openStore(directory);
    expect(second).toMatchObject({
      kind: "busy",
      message: `${directory} is in use by another process (process ${String(process.pid)} on ${hostname()}).`,
    });
    expect((await openStore(directory, { withoutDisk: true })).kind).toBe("busy");
    await first.close();
    await (await opened()).close();
  });

  test.each([1, 2, 3, 4, 5])(
    "goes to exactly one of many concurrent openers (run %i)",
    async () => {
      const results = await Promise.all(Array.from({ length: 12 }, () => openStore(directory)));
      const held = results.filter((result) => result.kind === "open");
      expect(held).toHaveLength(1);
      await Promise.all(held.map(({ store }) => store.close()));
    },
  );

  test("stops the first holder from writing when it was moved away and taken by another", async () => {
    const first = await opened();
    expect(await first.update(() => stateOf("first"))).toMatchObject({ kind: "written" });
    await rename(join(directory, LOCK_FILE), join(directory, "elsewhere"));
    const second = await opened();
    expect(await second.update(() => stateOf("second"))).toMatchObject({ kind: "written" });
    expect(await first.update(() => stateOf("late"))).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("in use by another process") as string,
    });
    await second.close();
    expect(await first.update((state) => ({ ...state, progress: [] }))).toMatchObject({
      kind: "written",
      state: { windows: [{ name: "second" }], progress: [] },
    });
    await first.close();
  });
});

function ignore(): void {
  // What is logged is not looked at here.
}
