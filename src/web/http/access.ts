import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP, addressGroup } from "../../lib/ip.ts";
import { isLoopback, parseHostPort } from "../../lib/host-port.ts";
import type { Access } from "./route.ts";
import type { Log } from "../../lib/log.ts";
import { visibleText } from "../../lib/printable.ts";

/** Facts of a request before authentication. */
export interface RequestInfo {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Local address of the connection. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Over TLS, the browser has verified the name. */
  readonly secure: boolean;
}

export interface AccessPolicy {
  /** Accepted host names, besides addresses (`web.hosts`). */
  readonly hosts: readonly string[];
  /** Names of this machine. */
  readonly machineNames: readonly string[];
  /** Bearer token of writes; null refuses them. */
  readonly token: string | null;
}

export type Refusal = { readonly status: 401 | 403 | 421; readonly detail: string };

/**
 * Rejects an unknown `Host`. Otherwise another site could point its name at this agent and read it in a user's browser (DNS
 * rebinding). This attack needs a name, so IP addresses are accepted; over TLS the certificate protects.
 */
export function checkHost(requestInfo: RequestInfo, settings: AccessPolicy): Refusal | null {
  const header = requestInfo.headers.host;
  if (header === undefined || requestInfo.secure) {
    return null;
  }
  const host = parseHostPort(header)?.host.toLowerCase().replace(/\.$/, "");
  if (host === undefined || host === "") {
    return { status: 421, detail: "The Host header is not a valid host name." };
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
    detail: "The Host header does not match a name of this agent; add it to web.hosts.",
  };
}

/** Rejects cross-site writes from a browser. */
export function checkOrigin(requestInfo: RequestInfo): Refusal | null {
  const { method, headers } = requestInfo;
  if (method === "GET" || method === "HEAD") {
    return null;
  }
  const site = headers["sec-fetch-site"];
  const foreign = typeof site === "string" && site !== "same-origin" && site !== "none";
  const origin = headers.origin;
  const elsewhere =
    origin !== undefined &&
    origin !== `${requestInfo.secure ? "https" : "http"}://${headers.host ?? ""}`;
  return foreign || elsewhere ? { status: 403, detail: "Cross-site request rejected." } : null;
}

/** Whether this request may write: it needs the token. A reload is also allowed from this host if no token is configured. */
export function checkAccess(
  access: Access,
  requestInfo: RequestInfo,
  settings: AccessPolicy,
): Refusal | null {
  if (access === "read" || access === "form") {
    return null;
  }
  if (settings.token === null) {
    if (access === "reload" && isFromThisMachine(requestInfo)) {
      return null;
    }
    return { status: 403, detail: "No token is configured (maintenance.token_file)." };
  }
  const given = bearerToken(requestInfo.headers);
  if (given === null) {
    return { status: 401, detail: "A bearer token is required." };
  }
  return tokensMatch(given, settings.token) ? null : { status: 403, detail: "Wrong token." };
}

/** `Authorization: Bearer`, or a separate header if basic auth uses Authorization. */
export function bearerToken(headers: IncomingHttpHeaders): string | null {
  const own = headers["x-adc-witness-token"];
  if (typeof own === "string" && own !== "") {
    return own;
  }
  return /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? "")?.[1] ?? null;
}

/** Compares in constant time. */
export function tokensMatch(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A proxy on this host forwards for another client, and sets these headers. */
function isFromThisMachine({ headers, remoteAddress }: RequestInfo): boolean {
  const proxied = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].some(
    (name) => headers[name] !== undefined,
  );
  return !proxied && isLoopback(remoteAddress.replace(/^::ffff:/, ""));
}

export interface AttemptLimitOptions {
  /** Number of concurrent attempts. */
  readonly burst: number;
  /** Interval after which one more attempt is allowed, in milliseconds. */
  readonly refillMs: number;
  /** Maximum number of keys; beyond it the longest idle ones are removed. */
  readonly maxKeys: number;
  /** Monotonic clock in milliseconds. */
  readonly monotonic: () => number;
}

/** Token buckets by key, bounded in number. */
export interface AttemptLimit {
  /** Takes an attempt; false if none is left. */
  readonly take: (key: string) => boolean;
  /** Returns an attempt that was not a failure. */
  readonly refund: (key: string) => void;
  readonly size: () => number;
}

export function createAttemptLimit(options: AttemptLimitOptions): AttemptLimit {
  const { burst, refillMs, maxKeys, monotonic } = options;
  const buckets = new Map<string, { left: number; filledAt: number }>();

  function bucketOf(key: string): { left: number; filledAt: number } {
    const now = monotonic();
    const known = buckets.get(key) ?? { left: burst, filledAt: now };
    known.left = Math.min(burst, known.left + (now - known.filledAt) / refillMs);
    known.filledAt = now;
    // Moved to the end, so that the first key is the longest idle.
    buckets.delete(key);
    buckets.set(key, known);
    const [oldest] = buckets.keys();
    if (buckets.size > maxKeys && oldest !== undefined) {
      buckets.delete(oldest);
    }
    return known;
  }

  return {
    take: (key) => {
      const bucket = bucketOf(key);
      if (bucket.left < 1) {
        return false;
      }
      bucket.left -= 1;
      return true;
    },
    refund: (key) => {
      const bucket = bucketOf(key);
      bucket.left = Math.min(burst, bucket.left + 1);
    },
    size: () => buckets.size,
  };
}

/** Wrong passwords and tokens that one address may send in a burst; then one more every few seconds. */
const ATTEMPT_BURST = 10;
const ATTEMPT_REFILL_MS = 3_000;
const MAX_ADDRESSES = 1_024;
/** Limits for repeated credentials after a refusal: interval, and number per address. */
const RETRY_AFTER_MS = 1_000;
const RETRY_REFILL_MS = 2_000;
const MAX_REJECTED_CREDENTIALS = 4_096;
/** Log limits: one line per address in this time, and a total for all addresses. */
const LOG_REFILL_MS = 10_000;
const LOG_BURST = 20;

/** What was wrong, for the log. */
export interface RejectedCredential {
  readonly what: "password" | "token";
  /** The user name given with the password. */
  readonly user: string | null;
  readonly path: string;
}

/**
 * Rate-limits and logs wrong credentials by address. Correct ones are never delayed: a correct password is cached after its
 * first use, and a correct token is recognised at once.
 */
export interface CredentialLimiter {
  /**
   * Whether to check credentials now. Each call counts as a failure until `right` reverts it. Repeating the same
   * `given` after a refusal has a separate limit: an attacker changes its guesses, a scraper repeats itself.
   */
  readonly mayTry: (address: string, given?: string) => boolean;
  readonly accepted: (address: string) => void;
  readonly rejected: (address: string, credential: RejectedCredential) => void;
}

export function createCredentialLimiter(log: Log, monotonic: () => number): CredentialLimiter {
  const attempts = createAttemptLimit({
    burst: ATTEMPT_BURST,
    refillMs: ATTEMPT_REFILL_MS,
    maxKeys: MAX_ADDRESSES,
    monotonic,
  });
  const lines = createAttemptLimit({
    burst: 1,
    refillMs: LOG_REFILL_MS,
    maxKeys: MAX_ADDRESSES,
    monotonic,
  });
  const allLines = createAttemptLimit({
    burst: LOG_BURST,
    refillMs: LOG_REFILL_MS / LOG_BURST,
    maxKeys: 1,
    monotonic,
  });
  const retries = createAttemptLimit({
    burst: 1,
    refillMs: RETRY_REFILL_MS,
    maxKeys: MAX_ADDRESSES,
    monotonic,
  });
  const firstRejectedAt = new Map<string, number>();
  let suppressed = 0;

  function isAllowedRetry(group: string, given: string): boolean {
    const key = digest(`${group} ${given}`).toString("base64");
    const firstAt = firstRejectedAt.get(key);
    if (firstAt === undefined) {
      firstRejectedAt.set(key, monotonic());
      const [oldest] = firstRejectedAt.keys();
      if (firstRejectedAt.size > MAX_REJECTED_CREDENTIALS && oldest !== undefined) {
        firstRejectedAt.delete(oldest);
      }
      return false;
    }
    const may = monotonic() - firstAt >= RETRY_AFTER_MS && retries.take(group);
    return may && firstRejectedAt.delete(key);
  }

  return {
    mayTry: (address, given) => {
      const group = addressGroup(address);
      const may = attempts.take(group) || (given !== undefined && isAllowedRetry(group, given));
      suppressed += may ? 0 : 1;
      return may;
    },
    accepted: (address) => {
      attempts.refund(addressGroup(address));
    },
    rejected: (address, { what, user, path }) => {
      if (!lines.take(addressGroup(address)) || !allLines.take("")) {
        suppressed += 1;
        return;
      }
      log.warn(
        {
          from: address,
          what,
          ...(user === null ? {} : { user: visibleText(user, 64) }),
          path: visibleText(path),
          suppressed,
        },
        "wrong password or token rejected",
      );
      suppressed = 0;
    },
  };
}
