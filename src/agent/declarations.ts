import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import type { StorageWatch } from "../lib/durable-file.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore, readStore, STORE_FILE, EMPTY_STORE } from "../maintenance/store.ts";
import type { Log } from "../lib/log.ts";

export type DeclarationsOpened =
  | { readonly kind: "opened"; readonly declarations: Declarations }
  | { readonly kind: "failed"; readonly message: string };

/**
 * Declared maintenance for the agent, which holds the store. Fails only where another process holds it: a disk that refuses
 * is reported to `storage`, and monitoring continues.
 */
export async function openDeclarations(
  config: Config,
  log: Log,
  storage: StorageWatch,
): Promise<DeclarationsOpened> {
  const opened = await openStore(config.stateDir, { watch: storage, withoutDisk: true });
  if (opened.kind !== "open") {
    return { kind: "failed", message: opened.message };
  }
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: opened.store,
    snapshot: null,
    onFailure: (message) => {
      log.warn({ error: message }, "cannot write the maintenance windows file");
    },
  });
  return { kind: "opened", declarations };
}

/**
 * Declared maintenance at a single look: the store as it is, whether or not an agent holds it. `warning` says why none of
 * its windows counts.
 */
export async function readMaintenanceWindows(
  config: Config,
): Promise<{ readonly declarations: Declarations; readonly warning: string | null }> {
  const path = join(config.stateDir, STORE_FILE);
  const read = await readStore(path);
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: null,
    snapshot: read.kind === "read" ? read.state : EMPTY_STORE,
    onFailure: () => undefined,
  });
  return {
    declarations,
    warning: read.kind === "read" ? null : `declared windows are ignored: ${path}: ${read.message}`,
  };
}
