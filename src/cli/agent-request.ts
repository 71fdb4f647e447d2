import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";

/** How an agent behind locked doors (web.config_file) is reached. */
export interface AgentAccess {
  /** The maintenance token; it goes only with writes. */
  readonly token: string | null;
  /** Basic auth, as the agent's web-config asks for it. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** PEM of the authority that signed the agent's certificate; null for those this system trusts. */
  readonly ca: string | null;
}

export type AgentAnswer =
  | { readonly kind: "answer"; readonly status: number; readonly text: string }
  /** `code`: the system's or TLS' own word for why. */
  | { readonly kind: "no_answer"; readonly code: string };

const ANSWER_WITHIN_MS = 15_000;
const LARGEST_ANSWER = 16 * 1024 * 1024;

/** One request to an agent; redirects are not followed, so that no secret goes elsewhere. Never rejects. */
export function askAgent(
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
    if (bytes > LARGEST_ANSWER) {
      response.destroy(new Error("the answer is too long"));
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
    return "no answer in time";
  }
  return "code" in error ? String(error.code) : error.message;
}
