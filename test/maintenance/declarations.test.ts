import type { MaintenanceWindow } from "../../src/model/window.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDeclarations, type Declarations } from "../../src/maintenance/declarations.ts";
import { openStore } from "../../src/maintenance/store.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-declare-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const WINDOW: MaintenanceWindow = {
  name: "cu15",
  servers: ["ex01"],
  startAt: 100,
  endAt: 200,
  reason: "CU15",
  author: "jo",
  autoEnd: true,
  flexible: true,
};

async function open(): Promise<Declarations> {
  const result = await openStore(directory);
  if (result.kind !== "open") {
    throw new Error(result.message);
  }
  const failed: string[] = [];
  return createDeclarations({
    configured: [],
    store: result.store,
    snapshot: null,
    onFailure: (message) => failed.push(message),
  });
}

describe("declarations", () => {
  test("survive a restart together with the observed progress", async () => {
    const first = await open();
    expect(await first.start(WINDOW, 50)).toEqual({
      kind: "done",
      window: { ...WINDOW, source: "api", state: "coming" },
    });
    first.observe("ex01", () => ({ bad: true, stable: false }), 120);
    await first.close();

    const second = await open();
    expect(second.declaredFor("ex01", 130, null)).toEqual({
      state: "open",
      endAt: 200,
      window: "cu15",
    });
    second.observe("ex01", () => ({ bad: false, stable: true }), 140);
    await second.close();

    const third = await open();
    expect(third.declaredFor("ex01", 150, null).state).toBe("no");
    expect(third.declaredFor("ex01", 150, 125).state).toBe("over");
    await third.close();
  });

  test("end by name", async () => {
    const declarations = await open();
    await declarations.start({ ...WINDOW, flexible: false }, 50);
    expect(await declarations.end("cu15", 150)).toMatchObject({
      kind: "done",
      window: { name: "cu15", endAt: 150, state: "over" },
    });
    expect(await declarations.end("cu15", 160)).toMatchObject({ kind: "not_found" });
    expect(declarations.list(170)).toMatchObject([{ name: "cu15", state: "over" }]);
    await declarations.close();
  });

  test("follow the windows of a reloaded configuration", async () => {
    const declarations = await open();
    const { startAt, endAt, ...rest } = WINDOW;
    declarations.reconfigure([
      { ...rest, flexible: false, when: { kind: "fixed", startAt, endAt } },
    ]);
    expect(declarations.declaredFor("ex01", 150, null).state).toBe("open");
    expect(await declarations.start(WINDOW, 150)).toMatchObject({ kind: "refused" });
    declarations.reconfigure([]);
    expect(declarations.declaredFor("ex01", 150, null).state).toBe("no");
    await declarations.close();
  });

  test("are read-only when there is no store", async () => {
    const declarations = createDeclarations({
      configured: [],
      store: null,
      snapshot: { windows: [{ ...WINDOW, flexible: false }], progress: [] },
      onFailure: (message) => {
        throw new Error(message);
      },
    });
    expect(declarations.declaredFor("ex01", 150, null).state).toBe("open");
    expect(await declarations.end("cu15", 150)).toMatchObject({ kind: "refused" });
    declarations.observe("ex01", () => ({ bad: true, stable: false }), 150);
    await declarations.close();
  });
});
