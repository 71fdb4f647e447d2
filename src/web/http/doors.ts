import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { isLoopback, parseHostPort } from "../../lib/host-port.ts";
import type { Access } from "./route.ts";

/** What is known of a request before anything of it is believed. */
export interface Visitor {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** This side's address of the connection. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** The connection is TLS: a browser has checked the name then. */
  readonly secure: boolean;
}

export interface DoorSettings {
  /** Names by which the agent may be called, beside its addresses (`web.hosts`). */
  readonly hosts: readonly string[];
  /** Names of this machine. */
  readonly machineNames: readonly string[];
  /** Bearer token of writes; null refuses them. */
  readonly token: string | null;
}

export type Refusal = { readonly status: 401 | 403 | 421; readonly detail: string };

/**
 * Refuses a `Host` that is none of ours: a page elsewhere could else point its own name at this agent and read it in a
 * visitor's browser (DNS rebinding). Such a page needs a name, so addresses pass; over TLS the certificate is the proof.
 */
export function checkHost(visitor: Visitor, settings: DoorSettings): Refusal | null {
  const header = visitor.headers.host;
  if (header === undefined || visitor.secure) {
    return null;
  }
  const host = parseHostPort(header)?.host.toLowerCase().replace(/\.$/, "");
  if (host === undefined || host === "") {
    return { status: 421, detail: "The Host header is no host name." };
  }
  const known = [...settings.hosts, ...settings.machineNames].map((name) => name.toLowerCase());
  if (
    isIP(host) !== 0 ||
    host === "localhost" ||
    host.endsWith(".localhost") ||
    known.includes(host)
  ) {
    return null;
  }
  return {
    status: 421,
    detail: "The Host header is none of this agent's names; add the name to web.hosts.",
  };
}

/** Refuses a browser that was sent here by another site to change something. */
export function checkOrigin(visitor: Visitor): Refusal | null {
  const { method, headers } = visitor;
  if (method === "GET" || method === "HEAD") {
    return null;
  }
  const site = headers["sec-fetch-site"];
  const foreign = typeof site === "string" && site !== "same-origin" && site !== "none";
  const origin = headers.origin;
  const elsewhere =
    origin !== undefined &&
    origin !== `${visitor.secure ? "https" : "http"}://${headers.host ?? ""}`;
  return foreign || elsewhere
    ? { status: 403, detail: "The request comes from another site." }
    : null;
}

/** Whether this request may write: by its token, or for a reload by coming from this very machine. */
export function checkAccess(
  access: Access,
  visitor: Visitor,
  settings: DoorSettings,
): Refusal | null {
  if (access === "read" || access === "form") {
    return null;
  }
  if (access === "reload" && isFromThisMachine(visitor)) {
    return null;
  }
  if (settings.token === null) {
    return { status: 403, detail: "No token is configured (maintenance.token_file)." };
  }
  const given = bearerToken(visitor.headers);
  if (given === null) {
    return { status: 401, detail: "A bearer token is needed." };
  }
  return tokensMatch(given, settings.token)
    ? null
    : { status: 403, detail: "The token is another one." };
}

/** `Authorization: Bearer`, or a header of its own where basic auth needs the other. */
export function bearerToken(headers: IncomingHttpHeaders): string | null {
  const own = headers["x-adc-witness-token"];
  if (typeof own === "string" && own !== "") {
    return own;
  }
  return /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? "")?.[1] ?? null;
}

/** In a time that tells nothing of where they differ. */
export function tokensMatch(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A proxy on this machine speaks for somebody else, and says so. */
function isFromThisMachine({ headers, remoteAddress }: Visitor): boolean {
  const proxied = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].some(
    (name) => headers[name] !== undefined,
  );
  return !proxied && isLoopback(remoteAddress.replace(/^::ffff:/, ""));
}
