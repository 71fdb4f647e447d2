import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore } from "../maintenance/store.ts";
import { maintenanceBody, toRequest, windowJson } from "../web/api/maintenance.ts";
import type { ApiAnswer, MaintenanceApi } from "./maintenance-api.ts";

/**
 * The store itself, where no agent listens: it is opened for one change, and refused when somebody holds it after all.
 * What only an agent can see cannot be asked.
 */
export function storeApi(config: Config, noAgent: string): MaintenanceApi {
  const needsAgent = { kind: "failed", message: `${noAgent} This needs a running agent.` } as const;
  return {
    list: () =>
      withStore(config, async (declarations) =>
        done(declarations.list(Date.now()).map(windowJson)),
      ),
    start: (body) =>
      withStore(config, async (declarations) => {
        const now = Date.now();
        const parsed = maintenanceBody.safeParse({ ...body, servers: [...body.servers] });
        if (!parsed.success) {
          return { kind: "refused", status: 400, message: z.prettifyError(parsed.error) };
        }
        const read = toRequest(parsed.data, declarations.list(now), now);
        return read.kind === "bad"
          ? { kind: "refused", status: 400, message: read.message }
          : changed(await declarations.start(read.request, now));
      }),
    end: (name) =>
      withStore(config, async (declarations) => changed(await declarations.end(name, Date.now()))),
    preflight: async () => needsAgent,
    verify: async () => needsAgent,
  };
}

async function withStore<T>(
  config: Config,
  use: (declarations: Declarations) => Promise<ApiAnswer<T>>,
): Promise<ApiAnswer<T>> {
  const opened = await openStore(config.stateDir);
  if (opened.kind !== "open") {
    return { kind: "failed", message: opened.message };
  }
  const declarations = createDeclarations({
    configured: config.maintenance.windows,
    store: opened.store,
    snapshot: null,
    onFailure: () => undefined,
  });
  try {
    return await use(declarations);
  } finally {
    await declarations.close();
  }
}

function done<T>(value: T): ApiAnswer<T> {
  return { kind: "answer", value };
}

function changed(
  result: Awaited<ReturnType<Declarations["start"]>>,
): ApiAnswer<ReturnType<typeof windowJson>> {
  switch (result.kind) {
    case "done":
      return done(windowJson(result.window));
    case "failed":
      return { kind: "failed", message: result.message };
    case "not_found":
    case "refused":
      return { kind: "refused", status: 409, message: result.message };
  }
}
