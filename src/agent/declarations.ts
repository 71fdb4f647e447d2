import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore, readStore, STORE_FILE } from "../maintenance/store.ts";
import type { Log } from "./events.ts";

export type DeclarationsOpened =
  | { readonly kind: "opened"; readonly declarations: Declarations }
  | { readonly kind: "failed"; readonly message: string };

/** Declared maintenance for the agent, which holds the store; an unreadable store is refused and left as it is. */
export async function openDeclarations(config: Config, log: Log): Promise<DeclarationsOpened> {
  const opened = await openStore(config.stateDir);
  if (opened.kind !== "open") {
    return { kind: "failed", message: opened.message };
  }
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: opened.store,
    snapshot: null,
    onFailure: (message) => {
      log.warn({ error: message }, "the store of maintenance windows does not take a write");
    },
  });
  return { kind: "opened", declarations };
}

/** Declared maintenance at a single look: the store as it stands, held by an agent or by nobody. */
export async function glanceAtDeclarations(config: Config): Promise<DeclarationsOpened> {
  const read = await readStore(join(config.stateDir, STORE_FILE));
  if (read.kind !== "read") {
    return { kind: "failed", message: read.message };
  }
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: null,
    snapshot: read.state,
    onFailure: () => undefined,
  });
  return { kind: "opened", declarations };
}
