import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore } from "../maintenance/store.ts";
import { readMaintenanceWindows } from "../agent/kept-state.ts";
import { readJournal } from "../change/journal-reader.ts";
import {
  sloAnswer,
  sloOf,
  windowReport,
  windowReportAnswer,
  type Slo,
  type WindowReport,
} from "../change/window-report.ts";
import {
  extendBody,
  maintenanceBody,
  noSuchWindowMessage,
  readExtension,
  reportAnswer,
  toRequest,
  windowJson,
  windowShape,
  type WindowJson,
} from "../web/api/maintenance.ts";
import { askAgentFor, type AgentAccess, type ApiAnswer } from "./agent-client.ts";

/** Unknown fields of later agent versions are ignored. */
const windowOfAgent = z.object(windowShape.shape);
export type ApiWindow = WindowJson;

const reportShape = z.object({
  ...reportAnswer.shape,
  checks: z.array(
    z.object({
      ...reportAnswer.shape.checks.element.shape,
      /** An agent of an earlier version does not warn. */
      warning: z.boolean().default(false),
    }),
  ),
});
export type ApiReport = z.output<typeof reportShape>;

const listShape = z.object({ windows: z.array(windowOfAgent) });
const changedShape = z.object({ window: windowOfAgent });

/** Request body of a declaration, with the field names of the API. */
export interface DeclareBody {
  readonly name: string;
  readonly servers: readonly string[];
  readonly start?: string;
  readonly end?: string;
  readonly for?: string;
  readonly reason: string | null;
  readonly author: string | null;
  readonly auto_end: boolean;
  readonly flexible: boolean;
  readonly force?: boolean;
}

/** Options of preflight as typed; the agent validates them. */
export interface PreflightQuery {
  readonly minCapacity: string | null;
  readonly horizon: string | null;
}

/** Exactly one: how much longer, or until when. */
export interface ExtendBody {
  readonly name: string;
  readonly for?: string;
  readonly end?: string;
  readonly author: string | null;
}

/** The maintenance part of an agent's API. Never rejects. */
export interface MaintenanceApi {
  readonly list: () => Promise<ApiAnswer<readonly ApiWindow[]>>;
  readonly start: (body: DeclareBody) => Promise<ApiAnswer<ApiWindow>>;
  readonly end: (name: string, author: string | null) => Promise<ApiAnswer<ApiWindow>>;
  readonly extend: (body: ExtendBody) => Promise<ApiAnswer<ApiWindow>>;
  readonly windowReport: (name: string) => Promise<ApiAnswer<WindowReport>>;
  /** From and to, RFC 3339. */
  readonly slo: (from: string, to: string) => Promise<ApiAnswer<Slo>>;
  readonly preflight: (server: string, limits: PreflightQuery) => Promise<ApiAnswer<ApiReport>>;
  readonly verify: (server: string, want: "drained" | "returned") => Promise<ApiAnswer<ApiReport>>;
}

const PATH = "/api/v1/maintenance";

/** `url` is the agent's address. */
export function maintenanceApi(url: string, access: AgentAccess): MaintenanceApi {
  const ask = <T>(
    shape: z.ZodType<T>,
    method: "GET" | "POST" | "DELETE",
    path: string,
    query: Readonly<Record<string, string>>,
    body: unknown,
  ): Promise<ApiAnswer<T>> => askAgentFor(url, access, shape, method, path, query, body);
  return {
    list: async () => inside(await ask(listShape, "GET", PATH, {}, null), ({ windows }) => windows),
    start: async (body) =>
      inside(await ask(changedShape, "POST", PATH, {}, body), ({ window }) => window),
    end: async (name, author) =>
      inside(
        await ask(
          changedShape,
          "DELETE",
          PATH,
          { name, ...(author === null ? {} : { author }) },
          null,
        ),
        ({ window }) => window,
      ),
    extend: async (body) =>
      inside(await ask(changedShape, "POST", `${PATH}/extend`, {}, body), ({ window }) => window),
    windowReport: (name) => ask(windowReportAnswer, "GET", `${PATH}/report`, { name }, null),
    slo: (from, to) => ask(sloAnswer, "GET", "/api/v1/slo", { from, to }, null),
    preflight: (server, { minCapacity, horizon }) =>
      ask(
        reportShape,
        "GET",
        `${PATH}/preflight`,
        {
          server,
          ...(minCapacity === null ? {} : { min_capacity: minCapacity }),
          ...(horizon === null ? {} : { horizon }),
        },
        null,
      ),
    verify: (server, want) => ask(reportShape, "GET", `${PATH}/verify`, { server, want }, null),
  };
}

function inside<A, B>(answer: ApiAnswer<A>, pick: (value: A) => B): ApiAnswer<B> {
  return answer.kind === "answer" ? { kind: "answer", value: pick(answer.value) } : answer;
}

/**
 * Direct access to the store while no agent listens. The store is opened for one change, and refused if another process holds
 * it. Queries that need an agent fail.
 */
export function storeApi(config: Config, noAgent: string): MaintenanceApi {
  const needsAgent = {
    kind: "failed",
    message: `${noAgent} This command needs a running agent.`,
  } as const;
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
    extend: (body) =>
      withStore(config, async (declarations) => {
        const parsed = extendBody.safeParse(body);
        const extension = parsed.success ? readExtension(parsed.data) : null;
        return extension === null
          ? { kind: "refused", status: 400, message: "Give --for a duration, or --end a time." }
          : changed(await declarations.extend(body.name, extension, Date.now()));
      }),
    // No agent is running, so the last state lasts until its run ended.
    windowReport: async (name) => {
      const { declarations } = await readMaintenanceWindows(config);
      const window = declarations.last(name, Date.now());
      return window === null
        ? { kind: "refused", status: 404, message: noSuchWindowMessage(name) }
        : done(
            windowReport(
              window,
              await readJournal(config.stateDir, window.startAt, null),
              Date.now(),
              () => [],
            ),
          );
    },
    slo: async (from, to) => {
      const range = { from: Date.parse(from), to: Date.parse(to) };
      return done(sloOf(await readJournal(config.stateDir, range.from, null), range));
    },
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
