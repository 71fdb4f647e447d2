import { describe, expect, test } from "vitest";
import type { MaintenanceWindow, WindowConfig } from "../../src/model/window.ts";
import {
  declaredFor,
  listWindows,
  declaredWindows,
  declareWindow,
  endWindow,
  removeExpired,
  MAX_WINDOWS,
  observeServer,
} from "../../src/maintenance/declarations.ts";
import { EMPTY_STORE, type StoreState } from "../../src/maintenance/store.ts";

function stored(changes: Partial<MaintenanceWindow> = {}): MaintenanceWindow {
  return {
    name: "cu15",
    servers: ["ex01"],
    startAt: 100,
    endAt: 200,
    reason: null,
    author: null,
    autoEnd: false,
    flexible: false,
    ...changes,
  };
}
function state(...windows: MaintenanceWindow[]): StoreState {
  return { windows, progress: [] };
}
const DAILY: WindowConfig = {
  name: "nightly",
  servers: ["ex*"],
  when: { kind: "cron", cron: "0 22 * * *", timezone: "UTC", durationMs: 3_600_000 },
  reason: null,
  author: null,
  autoEnd: false,
  flexible: false,
};

describe("declaredFor", () => {
  test.each([
    ["before the window", 99, null, "no"],
    ["inside the window", 100, null, "open"],
    ["inside the window, while out", 150, 120, "open"],
    ["after the window, back in service", 200, null, "no"],
    ["after the window, out since it was open", 500, 199, "over"],
    ["after the window, out since before it was open", 500, 50, "over"],
    ["after the window, out only since it ended", 500, 200, "no"],
  ] as const)("gives the expected state %s", (_name, now, outSince, expected) => {
    expect(declaredFor("ex01", declaredWindows([], state(stored())), now, outSince).state).toBe(
      expected,
    );
  });

  test("returns the last end when several windows are open", () => {
    const windows = declaredWindows(
      [],
      state(stored(), stored({ name: "move", servers: ["EX*"], endAt: 300 })),
    );
    expect(declaredFor("ex01", windows, 150, null)).toEqual({
      state: "open",
      endAt: 300,
      window: "move",
    });
    expect(declaredFor("ex02", windows, 150, null).window).toBe("move");
    expect(declaredFor("mail", windows, 150, null).state).toBe("no");
  });

  test("is open for a window without end", () => {
    const windows = declaredWindows([], state(stored({ endAt: Infinity })));
    expect(declaredFor("ex01", windows, 1e15, null)).toMatchObject({
      state: "open",
      endAt: Infinity,
    });
  });

  test("uses the latest occurrence of a recurring window", () => {
    const windows = declaredWindows([DAILY], EMPTY_STORE);
    const noon = Date.UTC(2026, 11, 2, 12);
    expect(declaredFor("ex01", windows, noon, Date.UTC(2026, 11, 1, 22, 30)).state).toBe("over");
    expect(declaredFor("ex01", windows, noon, Date.UTC(2026, 11, 1, 23)).state).toBe("no");
    expect(declaredFor("ex01", windows, Date.UTC(2026, 11, 1, 22), null).state).toBe("open");
  });
});

describe("flexible window", () => {
  const flexible = state(stored({ flexible: true }));
  const observe = (before: StoreState, bad: boolean, now: number, server = "ex01"): StoreState =>
    observeServer(
      before,
      declaredWindows([], before).windows,
      server,
      () => ({ bad, stable: !bad }),
      now,
    );
  const declared = (after: StoreState, now: number, outSince: number | null = null): string =>
    declaredFor("ex01", declaredWindows([], after), now, outSince).state;

  test("begins when the server first fails inside it, and stays open", () => {
    expect(declared(observe(flexible, false, 110), 111)).toBe("no");
    const begun = observe(flexible, true, 120);
    expect(declared(begun, 119)).toBe("no");
    expect(declared(begun, 120)).toBe("open");
    expect(declared(observe(begun, false, 130), 150)).toBe("open");
    expect(declared(begun, 200)).toBe("no");
    expect(declared(begun, 200, 125)).toBe("over");
  });
  test("does not begin before its start, after its end, or for another server", () => {
    expect(observe(flexible, true, 99)).toBe(flexible);
    expect(observe(flexible, true, 200)).toBe(flexible);
    expect(observe(flexible, true, 150, "ex02")).toBe(flexible);
    expect(declared(flexible, 250, 120)).toBe("no");
  });
  test("does not change when the server fails again", () => {
    const begun = observe(flexible, true, 120);
    expect(observe(begun, true, 130)).toBe(begun);
  });
});

describe("automatic end", () => {
  const step = (before: StoreState, shows: { bad: boolean; stable: boolean }, now: number) =>
    observeServer(before, declaredWindows([], before).windows, "ex01", () => shows, now);
  const declared = (after: StoreState, now: number, server = "ex01"): string =>
    declaredFor(server, declaredWindows([], after), now, null).state;
  const auto = state(stored({ autoEnd: true, servers: ["ex*"] }));

  test("comes after the server was bad and then stable", () => {
    const good = step(auto, { bad: false, stable: true }, 110);
    expect(good).toBe(auto);
    const bad = step(good, { bad: true, stable: false }, 120);
    const recovering = step(bad, { bad: false, stable: false }, 130);
    expect(recovering).toBe(bad);
    const ended = step(recovering, { bad: false, stable: true }, 140);
    expect(declared(ended, 139)).toBe("open");
    expect(declared(ended, 140)).toBe("no");
    expect(declaredFor("ex01", declaredWindows([], ended), 145, 130).state).toBe("over");
  });
  test("applies to one server of a window only", () => {
    const bad = step(auto, { bad: true, stable: false }, 120);
    const ended = step(bad, { bad: false, stable: true }, 140);
    expect(declared(ended, 150, "ex02")).toBe("open");
  });
  test("does not happen when not requested", () => {
    const plain = state(stored());
    const bad = step(plain, { bad: true, stable: false }, 120);
    expect(step(bad, { bad: false, stable: true }, 140)).toBe(plain);
  });
});

describe("declareWindow and endWindow", () => {
  test("are idempotent by name and replace an earlier window", () => {
    const first = declareWindow(EMPTY_STORE, [], stored(), 150);
    if (first.kind !== "done") {
      throw new Error(first.message);
    }
    const again = declareWindow(first.state, [], stored(), 160);
    expect(again).toEqual({ kind: "done", state: first.state, window: stored() });
    expect(again.kind === "done" && again.state).toBe(first.state);
    const longer = declareWindow(first.state, [], stored({ endAt: 900 }), 160);
    expect(longer.kind === "done" && longer.state.windows).toEqual([stored({ endAt: 900 })]);
  });
  test.each([
    ["a name of the configuration", stored({ name: "nightly" }), "choose another name"],
    ["an end before the start", stored({ startAt: 300 }), "ends before it begins"],
    ["an end in the past", stored({ endAt: 140 }), "already ended"],
  ])("refuse %s", (_name, window, message) => {
    expect(declareWindow(EMPTY_STORE, [DAILY], window, 150)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining(message) as string,
    });
  });
  test("refuse more than the maximum number of windows", () => {
    const full = state(
      ...Array.from({ length: MAX_WINDOWS }, (_, index) => stored({ name: String(index) })),
    );
    expect(declareWindow(full, [], stored(), 150).kind).toBe("refused");
    expect(declareWindow(full, [], stored({ name: "7", endAt: 500 }), 150).kind).toBe("done");
  });
  test("end an open window now and remove a coming one", () => {
    const ended = endWindow(state(stored()), [], "cu15", 150);
    expect(ended.kind === "done" && ended.state.windows).toEqual([stored({ endAt: 150 })]);
    const forgotten = endWindow(state(stored()), [], "cu15", 50);
    expect(forgotten.kind === "done" && forgotten.state.windows).toEqual([]);
    expect(endWindow(state(stored()), [], "cu15", 200).kind).toBe("not_found");
  });
  test("end only the open occurrence of a configured window", () => {
    const tonight = Date.UTC(2026, 11, 1, 22, 30);
    const ended = endWindow(EMPTY_STORE, [DAILY], "nightly", tonight);
    if (ended.kind !== "done") {
      throw new Error(ended.message);
    }
    const windows = declaredWindows([DAILY], ended.state);
    const day = 24 * 3_600_000;
    expect(declaredFor("ex01", windows, tonight - 1000, null).state).toBe("open");
    expect(declaredFor("ex01", windows, tonight, null).state).toBe("no");
    expect(declaredFor("ex01", windows, tonight + day, null).state).toBe("open");
    expect(endWindow(EMPTY_STORE, [DAILY], "nightly", tonight - day / 2).kind).toBe("refused");
  });
  test("drop only windows that ended long ago when expired ones are removed", () => {
    const now = 400 * 24 * 3_600_000;
    const recent = stored({ name: "recent", endAt: now - 1000 });
    const kept = state(recent);
    expect(removeExpired(state(stored(), recent), now)).toEqual(kept);
    expect(removeExpired(kept, now)).toBe(kept);
  });
});

test("listWindows › lists open and coming windows and those that ended within a day", () => {
  const now = Date.UTC(2026, 11, 1, 22, 30);
  const hour = 3_600_000;
  const windows = declaredWindows(
    [DAILY, { ...DAILY, name: "weekly", when: { ...DAILY.when, cron: "0 1 * * 0" } as never }],
    state(
      stored({ name: "old", startAt: now - 90 * hour, endAt: now - 80 * hour }),
      stored({ name: "parked", startAt: now - hour, endAt: Infinity }),
      stored({ name: "later", startAt: now + hour, endAt: now + 2 * hour }),
    ),
  );
  expect(
    listWindows(windows, now).map(({ name, state: at, startAt }) => [
      name,
      at,
      new Date(startAt).toISOString().slice(0, 13),
    ]),
  ).toEqual([
    ["nightly", "over", "2026-11-30T22"],
    ["parked", "open", "2026-12-01T21"],
    ["nightly", "open", "2026-12-01T22"],
    ["later", "coming", "2026-12-01T23"],
    ["weekly", "coming", "2026-12-06T01"],
  ]);
});
