import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DURABLE_FILES,
  replaceFile,
  type DurableFiles,
} from "../../src/maintenance/durable-file.ts";
import {
  LOCK_PREFIX,
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

async function opened(files?: DurableFiles): Promise<MaintenanceStore> {
  const result = await openStore(directory, files);
  if (result.kind !== "open") {
    throw new Error(result.message);
  }
  return result.store;
}

describe("the store", () => {
  test("keeps what was written", async () => {
    const store = await opened();
    expect(store.state()).toEqual({ windows: [], progress: [] });
    expect(await store.update(() => stateOf("a", "b"))).toMatchObject({ kind: "written" });
    await store.close();
    const again = await opened();
    expect(again.state()).toEqual(stateOf("a", "b"));
    await again.close();
    expect(await readdir(directory)).toEqual([STORE_FILE]);
  });

  test("makes its directory, readable by its owner alone", async () => {
    directory = join(directory, "state");
    const store = await opened();
    await store.update(() => stateOf("a"));
    await store.close();
    directory = join(directory, "..");
    expect(await readdir(join(directory, "state"))).toEqual([STORE_FILE]);
  });

  test("applies changes in the order of the calls", async () => {
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
    expect(await readdir(directory)).toEqual([]);
  });

  test("stays as it was when the disk is full", async () => {
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

describe("a crash at any byte of a write", () => {
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

  test("leaves the old state or the new one, whole", async () => {
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

describe("a store that cannot be read", () => {
  test("cut at any byte is refused and left alone", async () => {
    const whole = Buffer.from(writeStored(stateOf("a", "b")));
    const path = join(directory, STORE_FILE);
    for (let length = 0; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length);
      await writeFile(path, cut);
      expect(await readStore(path)).toMatchObject({
        kind: "unreadable",
        message: expect.stringContaining("is damaged") as string,
      });
      if (length % 50 === 0) {
        expect((await openStore(directory)).kind).toBe("unreadable");
        expect(await readFile(path)).toEqual(cut);
        expect(await readdir(directory)).toEqual([STORE_FILE]);
      }
    }
  });

  test.each([
    ["another version", '{"version":2,"windows":[],"progress":[]}\n'],
    ["another file", '{"name":"package"}\n'],
    [
      "a window without servers",
      writeStored({
        ...stateOf("a"),
        windows: [{ ...stateOf("a").windows[0], servers: [] } as never],
      }),
    ],
  ])("holding %s is refused", async (_name, text) => {
    await writeFile(join(directory, STORE_FILE), text);
    expect((await openStore(directory)).kind).toBe("unreadable");
    expect(await readFile(join(directory, STORE_FILE), "utf8")).toBe(text);
  });

  test("whatever is in it, reading gives a state or null", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const state = readStored(`${text}}\n`);
        expect(state === null || Array.isArray(state.windows)).toBe(true);
      }),
    );
  });

  test("that is a directory is refused", async () => {
    await mkdir(join(directory, STORE_FILE));
    expect((await openStore(directory)).kind).toBe("unreadable");
  });
});

describe("the lock", () => {
  test("is held by one at a time, also in one process", async () => {
    const first = await opened();
    const second = await openStore(directory);
    expect(second).toMatchObject({
      kind: "busy",
      message: `${directory} is in use by another process (process ${String(process.pid)}).`,
    });
    await first.close();
    await (await opened()).close();
  });

  test.each([1, 2, 3, 4, 5])("goes to exactly one of many who come at once (%i)", async () => {
    const dead = { pid: 2 ** 22 + 1, host: hostname(), born: "x" };
    await writeFile(join(directory, `${LOCK_PREFIX}x`), JSON.stringify(dead));
    const results = await Promise.all(Array.from({ length: 12 }, () => openStore(directory)));
    const held = results.filter((result) => result.kind === "open");
    expect(held).toHaveLength(1);
    await Promise.all(held.map(({ store }) => store.close()));
    expect(await readdir(directory)).toEqual([]);
  });

  test.each([
    ["of another host", { pid: 2 ** 22 + 1, host: "elsewhere", born: null }],
    ["of a living process", { pid: process.pid, host: hostname(), born: null }],
    ["that tells nothing", "garbage"],
  ])("%s is respected", async (_name, content) => {
    await writeFile(join(directory, `${LOCK_PREFIX}x`), JSON.stringify(content));
    expect((await openStore(directory)).kind).toBe("busy");
    expect(await readdir(directory)).toEqual([`${LOCK_PREFIX}x`]);
  });

  test.runIf(process.platform === "linux")(
    "of a process whose number was given away again is taken over",
    async () => {
      const reused = { pid: process.pid, host: hostname(), born: "an earlier boot 1" };
      await writeFile(join(directory, `${LOCK_PREFIX}x`), JSON.stringify(reused));
      await (await opened()).close();
    },
  );
});
