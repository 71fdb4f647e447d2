import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Reply } from "./reply.ts";

/** On every answer. The page needs nothing from elsewhere and may be framed by nobody. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/** Sends what a route answered; resolves when it is out or the client has gone. Never rejects. */
export async function send(
  reply: Reply,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (response.destroyed || response.headersSent) {
    return;
  }
  if (reply.kind === "stream") {
    reply.start(response);
    return;
  }
  const { status, contentType, body, headers, cacheable } = reply;
  response.setHeader("content-type", contentType);
  response.setHeader("cache-control", cacheable ? "no-cache" : "no-store");
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, value);
  }
  if (cacheable) {
    const etag = reply.etag ?? etagOf(body);
    response.setHeader("etag", etag);
    if (matches(request.headers["if-none-match"], etag)) {
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
    // The client went away in the middle; there is nobody left to tell.
    response.destroy();
  }
}

function matches(header: string | undefined, etag: string): boolean {
  return (header ?? "")
    .split(",")
    .map((one) => one.trim().replace(/^W\//, ""))
    .some((one) => one === etag || one === "*");
}
