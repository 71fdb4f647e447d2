import type { ServerResponse } from "node:http";

/** The answer of a route, as data. */
export type Reply = BodyReply | StreamReply;

export interface BodyReply {
  readonly kind: "body";
  readonly status: number;
  readonly contentType: string;
  readonly body: string | readonly Buffer[];
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it has an ETag, for `If-None-Match`. */
  readonly cacheable: boolean;
  /** Other sites may embed it in a frame, unless the operator's headers restrict that. */
  readonly isFramable?: true;
  /** If known already; otherwise computed from the body. */
  readonly etag?: string;
  /** The error, to show as a page instead. */
  readonly problem?: Problem;
  /** What a write changed, for the log. */
  readonly logFields?: Readonly<Record<string, string>> | undefined;
}

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** A route that writes the response itself until the client disconnects. */
export interface StreamReply {
  readonly kind: "stream";
  readonly start: (response: ServerResponse) => void;
}

type Headers = Readonly<Record<string, string>>;

export function text(status: number, body: string, headers: Headers = {}): BodyReply {
  return reply(status, "text/plain; charset=utf-8", body, headers);
}

/** JSON with an ETag. */
export function json(value: unknown, headers: Headers = {}): BodyReply {
  const body = `${JSON.stringify(value)}\n`;
  return { ...reply(200, "application/json; charset=utf-8", body, headers), cacheable: true };
}

export function html(body: string, status = 200, headers: Headers = {}): BodyReply {
  return reply(status, "text/html; charset=utf-8", body, headers);
}

/** An error (RFC 9457). */
export function problem(status: number, detail: string, headers: Headers = {}): BodyReply {
  const title = TITLES.get(status) ?? "Error";
  const body = JSON.stringify({ type: "about:blank", title, status, detail });
  const answer = reply(status, "application/problem+json", `${body}\n`, headers);
  return { ...answer, problem: { status, title, detail } };
}

export function reply(
  status: number,
  contentType: string,
  body: string | readonly Buffer[],
  headers: Headers,
): BodyReply {
  return { kind: "body", status, contentType, body, headers, cacheable: false };
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, "Bad request"],
  [401, "Not authenticated"],
  [403, "Forbidden"],
  [404, "Not found"],
  [405, "Method not allowed"],
  [408, "Request timed out"],
  [409, "Conflict"],
  [413, "Body too large"],
  [415, "Unsupported media type"],
  [421, "Unknown host name"],
  [429, "Too many requests"],
  [431, "Header too large"],
  [500, "Internal error"],
  [503, "Not ready"],
]);
