import { z } from "zod";
import { askAgent, type AgentAccess } from "./agent-request.ts";

/** A window as the API tells it. */
const windowShape = z.object({
  name: z.string(),
  servers: z.array(z.string()).readonly(),
  start: z.string().nullable(),
  end: z.string().nullable(),
  reason: z.string().nullable(),
  author: z.string().nullable(),
  auto_end: z.boolean(),
  flexible: z.boolean(),
  source: z.enum(["config", "api"]),
  state: z.enum(["open", "coming", "over"]),
});
export type ApiWindow = z.output<typeof windowShape>;

const reportShape = z.object({
  server: z.string(),
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      /** An agent of an earlier version does not warn. */
      warning: z.boolean().default(false),
      message: z.string(),
    }),
  ),
});
export type ApiReport = z.output<typeof reportShape>;

const listShape = z.object({ windows: z.array(windowShape) });
const changedShape = z.object({ window: windowShape });
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
        message: `${target.origin} answers, but not as an adc-witness agent does.`,
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
