import { readFile } from "node:fs/promises";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { createDeclarations, type Declarations } from "../maintenance/declarations.ts";
import { openStore } from "../maintenance/store.ts";
import {
  maintenanceBody,
  reportAnswer,
  toRequest,
  windowJson,
  windowShape,
  type WindowJson,
} from "../web/api/maintenance.ts";

/** Where the agent is and what opens its doors; what is left out comes from the configuration. */
export interface AgentAddress {
  readonly config: string | null;
  readonly url: string | null;
  readonly tokenFile: string | null;
  /** Name for basic auth, and the file of its password: both or neither. */
  readonly user?: string | null;
  readonly passwordFile?: string | null;
  /** Authority that signed the agent's certificate. */
  readonly caFile?: string | null;
}

type ReadAccess =
  | { readonly kind: "access"; readonly access: AgentAccess }
  | { readonly kind: "failed"; readonly message: string };

/** Reads the files that the options name; secrets never stand on the command line. Never rejects. */
export async function readAccess(
  options: AgentAddress,
  config: Config | null,
): Promise<ReadAccess> {
  const { tokenFile, user = null, passwordFile = null, caFile = null } = options;
  if ((user === null) !== (passwordFile === null)) {
    return { kind: "failed", message: "--user and --password-file must be given together." };
  }
  try {
    const password = passwordFile === null ? null : await secretIn(passwordFile);
    return {
      kind: "access",
      access: {
        token:
          tokenFile === null
            ? (config?.maintenance.token?.reveal() ?? null)
            : await secretIn(tokenFile),
        login: user === null || password === null ? null : { user, password },
        ca: caFile === null ? null : await readFile(caFile, "utf8"),
      },
    };
  } catch (error) {
    const file = error instanceof Error && "path" in error ? String(error.path) : "a file";
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { kind: "failed", message: `${file} cannot be read: ${code}.` };
  }
}

async function secretIn(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim();
}

/** How an agent behind locked doors (web.config_file) is reached. */
interface AgentAccess {
  /** The maintenance token; it goes only with writes. */
  readonly token: string | null;
  /** Basic auth, as the agent's web-config asks for it. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** PEM of the authority that signed the agent's certificate; null for those this system trusts. */
  readonly ca: string | null;
}

type AgentAnswer =
  | { readonly kind: "answer"; readonly status: number; readonly text: string }
  /** `code`: the system's or TLS' own word for why. */
  | { readonly kind: "no_answer"; readonly code: string };

const ANSWER_WITHIN_MS = 15_000;
const MAX_ANSWER = 16 * 1024 * 1024;

/** One request to an agent; redirects are not followed, so that no secret goes elsewhere. Never rejects. */
function askAgent(
  target: URL,
  method: "GET" | "POST" | "DELETE",
  body: string | null,
  access: AgentAccess,
): Promise<AgentAnswer> {
  return new Promise((resolve) => {
    const failed = (error: unknown): void => resolve({ kind: "no_answer", code: codeOf(error) });
    const send = target.protocol === "https:" ? requestHttps : requestHttp;
    const outgoing = send(
      target,
      {
        method,
        agent: false,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        headers: headersOf(method, body, access),
        ...(access.ca === null ? {} : { ca: access.ca }),
      },
      (response) => readText(response, resolve, failed),
    );
    outgoing.on("error", failed);
    outgoing.end(body ?? undefined);
  });
}

/** Where basic auth takes the Authorization header, the token has one of its own. */
function headersOf(
  method: string,
  body: string | null,
  { token, login }: AgentAccess,
): Readonly<Record<string, string>> {
  const writes = method !== "GET" && token !== null;
  return {
    ...(login === null ? {} : { authorization: basic(login.user, login.password) }),
    ...(writes && login === null ? { authorization: `Bearer ${token}` } : {}),
    ...(writes && login !== null ? { "x-adc-witness-token": token } : {}),
    ...(body === null ? {} : { "content-type": "application/json" }),
  };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function readText(
  response: IncomingMessage,
  resolve: (answer: AgentAnswer) => void,
  failed: (error: unknown) => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  response.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_ANSWER) {
      response.destroy(new Error("response too large"));
    } else {
      pieces.push(piece);
    }
  });
  response.on("error", failed);
  response.on("end", () => {
    const text = Buffer.concat(pieces).toString("utf8");
    resolve({ kind: "answer", status: response.statusCode ?? 0, text });
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return "timed out";
  }
  return "code" in error ? String(error.code) : error.message;
}

/** The agent may be of a later version: what it says more is passed over. */
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
const problemShape = z.object({ detail: z.string().optional(), title: z.string().optional() });

/** What an agent answered; `absent` when nothing listens there, so that there may be no agent at all. */
export type ApiAnswer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "refused"; readonly status: number; readonly message: string }
  | { readonly kind: "absent" | "failed"; readonly message: string };

/** What a window is declared with; the agent's API names the fields. */
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
}

/** What a preflight asks beyond the agent's defaults, as typed: the agent judges it. */
export interface PreflightQuery {
  readonly minCapacity: string | null;
  readonly horizon: string | null;
}

/** The maintenance part of an agent's API. Never rejects. */
export interface MaintenanceApi {
  readonly list: () => Promise<ApiAnswer<readonly ApiWindow[]>>;
  readonly start: (body: DeclareBody) => Promise<ApiAnswer<ApiWindow>>;
  readonly end: (name: string, author: string | null) => Promise<ApiAnswer<ApiWindow>>;
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
  ): Promise<ApiAnswer<T>> => request(url, access, shape, method, path, query, body);
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

async function request<T>(
  url: string,
  access: AgentAccess,
  shape: z.ZodType<T>,
  method: "GET" | "POST" | "DELETE",
  path: string,
  query: Readonly<Record<string, string>>,
  body: unknown,
): Promise<ApiAnswer<T>> {
  const target = new URL(path, url);
  target.search = new URLSearchParams(query).toString();
  const sent = body === null ? null : JSON.stringify(body);
  const answer = await askAgent(target, method, sent, access);
  if (answer.kind === "no_answer") {
    return connectionFailure(target.origin, answer.code);
  }
  const { status, text } = answer;
  const data = parseJson(text);
  if (status !== 200) {
    const told = problemShape.safeParse(data);
    const words = told.success ? (told.data.detail ?? told.data.title) : undefined;
    return { kind: "refused", status, message: words ?? `HTTP status ${String(status)}` };
  }
  const read = shape.safeParse(data);
  return read.success
    ? { kind: "answer", value: read.data }
    : {
        kind: "failed",
        message: `${target.origin} is not an adc-witness agent.`,
      };
}

function inside<A, B>(answer: ApiAnswer<A>, pick: (value: A) => B): ApiAnswer<B> {
  return answer.kind === "answer" ? { kind: "answer", value: pick(answer.value) } : answer;
}

function connectionFailure(
  origin: string,
  code: string,
): { kind: "absent" | "failed"; message: string } {
  return code === "ECONNREFUSED"
    ? { kind: "absent", message: `No agent listens at ${origin}.` }
    : { kind: "failed", message: `${origin} does not answer: ${code}.` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/**
 * The store itself, where no agent listens: it is opened for one change, and refused when somebody holds it after all.
 * What only an agent can see cannot be asked.
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
