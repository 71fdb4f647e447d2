import type { IncomingMessage, ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Reply } from "./reply.ts";

const MAX_BODY_BYTES = 64 * 1024;

type ReadBody =
  | { readonly kind: "body"; readonly body: Buffer }
  | { readonly kind: "too_large" }
  | { readonly kind: "broken" };

/** Reads a body up to the size limit. The server's request timeout applies. */
export function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<ReadBody> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > maxBytes) {
    return Promise.resolve({ kind: "too_large" });
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        request.pause();
        resolve({ kind: "too_large" });
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => {
      resolve({ kind: "body", body: Buffer.concat(chunks) });
    });
    request.on("error", () => {
      resolve({ kind: "broken" });
    });
    request.on("close", () => {
      resolve({ kind: "broken" });
    });
  });
}

const NO_FRAMES = "frame-ancestors 'none'";
/** Headers of every answer. The page loads nothing from other sites and may not be framed. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    `form-action 'self'; base-uri 'none'; ${NO_FRAMES}`,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

const CONTENT_SECURITY_POLICY = "content-security-policy";

/**
 * The headers of every answer; the operator's (`http_server_config.headers`) take precedence, also over permission to frame a
 * page.
 */
function answerHeaders(
  own: Readonly<Record<string, string>>,
  isFramable: boolean,
): Readonly<Record<string, string>> {
  const isOurs = own[CONTENT_SECURITY_POLICY] === undefined && own["x-frame-options"] === undefined;
  const framed =
    SECURITY_HEADERS[CONTENT_SECURITY_POLICY]?.replace(NO_FRAMES, "frame-ancestors *") ?? "";
  return {
    ...SECURITY_HEADERS,
    ...(isFramable && isOurs ? { [CONTENT_SECURITY_POLICY]: framed } : {}),
    ...own,
  };
}

/**
 * Sends the answer of a route, with the operator's headers `own`; resolves when it is sent or the client has disconnected.
 * Never rejects.
 */
export async function send(
  answer: Reply,
  request: IncomingMessage,
  response: ServerResponse,
  own: Readonly<Record<string, string>>,
): Promise<void> {
  if (response.destroyed || response.headersSent) {
    return;
  }
  const isFramable = answer.kind === "body" && answer.isFramable === true;
  for (const [name, value] of Object.entries(answerHeaders(own, isFramable))) {
    response.setHeader(name, value);
  }
  if (answer.kind === "stream") {
    answer.start(response);
    return;
  }
  const { status, contentType, body, headers, cacheable } = answer;
  response.setHeader("content-type", contentType);
  response.setHeader("cache-control", cacheable ? "no-cache" : "no-store");
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, value);
  }
  if (cacheable) {
    const etag = answer.etag ?? etagOf(body);
    response.setHeader("etag", etag);
    if (matchesEtag(request.headers["if-none-match"], etag)) {
      response.writeHead(304);
      response.end();
      return;
    }
  }
  const pieces = typeof body === "string" ? [Buffer.from(body)] : body;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.setHeader("content-length", length);
  response.writeHead(status);
  await sendPieces(request.method === "HEAD" ? [] : pieces, response);
}

function etagOf(body: string | readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const piece of typeof body === "string" ? [body] : body) {
    hash.update(piece);
  }
  return `"${hash.digest("base64url").slice(0, 27)}"`;
}

async function sendPieces(pieces: readonly Buffer[], response: ServerResponse): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), response);
  } catch {
    // The client disconnected.
    response.destroy();
  }
}

function matchesEtag(header: string | undefined, etag: string): boolean {
  return (header ?? "")
    .split(",")
    .map((one) => one.trim().replace(/^W\//, ""))
    .some((one) => one === etag || one === "*");
}
