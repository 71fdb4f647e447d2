import { readFile } from "node:fs/promises";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { z } from "zod";
import type { Config } from "../config/schema.ts";

/** Address of the agent and access credentials; absent values come from the configuration. */
export interface AgentAddress {
  readonly config: string | null;
  readonly url: string | null;
  readonly tokenFile: string | null;
  /** User name and password file for basic auth: both or neither. */
  readonly user?: string | null;
  readonly passwordFile?: string | null;
  /** CA that signed the agent's certificate. */
  readonly caFile?: string | null;
}

type ReadAccess =
  | { readonly kind: "access"; readonly access: AgentAccess }
  | { readonly kind: "failed"; readonly message: string };

/** Reads the files named by the options; secrets are never passed on the command line. Never rejects. */
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

/** Credentials for an agent with access control (web.config_file). */
export interface AgentAccess {
  /** The maintenance token; sent only with writes. */
  readonly token: string | null;
  /** Basic auth of the agent's web configuration. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** CA certificates (PEM) for the agent's certificate; null: the system's. */
  readonly ca: string | null;
}

type AgentAnswer =
  | { readonly kind: "answer"; readonly status: number; readonly text: string }
  /** `code`: error code of the system or of TLS. */
  | { readonly kind: "no_answer"; readonly code: string };

const ANSWER_WITHIN_MS = 15_000;
const MAX_ANSWER = 16 * 1024 * 1024;

/** Sends one request to an agent. Redirects are not followed, so that no secret is sent elsewhere. Never rejects. */
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

/** If basic auth uses the Authorization header, the token is sent in a separate one. */
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

/** The agent's answer; `absent` if nothing listens at the address. */
export type ApiAnswer<T> =
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "refused"; readonly status: number; readonly message: string }
  | { readonly kind: "absent" | "failed"; readonly message: string };

const problemShape = z.object({ detail: z.string().optional(), title: z.string().optional() });

/** Sends a request to an agent and validates the answer. Never rejects. */
export async function askAgentFor<T>(
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
    const problem = problemShape.safeParse(data);
    const words = problem.success ? (problem.data.detail ?? problem.data.title) : undefined;
    const unexplained = `${target.origin} answers with HTTP status ${String(status)}. Is it the address of an adc-witness agent?`;
    return { kind: "refused", status, message: words ?? unexplained };
  }
  const read = shape.safeParse(data);
  return read.success
    ? { kind: "answer", value: read.data }
    : {
        kind: "failed",
        message: `${target.origin} is not an adc-witness agent.`,
      };
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
