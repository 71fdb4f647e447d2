import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { openStore } from "../../src/maintenance/store.ts";
import type { MaintenanceActions } from "../../src/web/sources.ts";

/** The real store of windows, in a folder of this test's own, behind a clock that the test can turn. */
export async function realDeclarations(clock: {
  readonly now: number;
}): Promise<Pick<MaintenanceActions, "list" | "start" | "end" | "extend" | "report">> {
  const stateDir = await mkdtemp(join(tmpdir(), "adc-witness-maintenance-"));
  const opened = await openStore(stateDir);
  if (opened.kind !== "open") {
    throw new Error(JSON.stringify(opened));
  }
  const declarations = createDeclarations({
    configured: [],
    store: opened.store,
    snapshot: null,
    onFailure: (message) => {
      throw new Error(message);
    },
  });
  onTestFinished(async () => {
    await declarations.close();
    await rm(stateDir, { recursive: true, force: true });
  });
  return {
    list: () => declarations.list(clock.now),
    start: (request) => declarations.start(request, clock.now),
    end: (name) => declarations.end(name, clock.now),
    extend: (name, extension) => declarations.extend(name, extension, clock.now),
    // What a report says is tested where there is a history.
    report: () => Promise.resolve(null),
  };
}
