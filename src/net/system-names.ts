import { lookup as lookupByThreads } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "../lib/ip.ts";
import type { ResolvedAddress } from "./network.ts";

/** Rejects where a name does not resolve. */
export type Lookup = (name: string) => Promise<readonly ResolvedAddress[] | PartialAnswer>;

/** Addresses of one family, if the query for the other was not answered. */
export interface PartialAnswer {
  readonly addresses: readonly ResolvedAddress[];
  readonly unansweredFamily: 4 | 6;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;
/** Maximum size of the hosts file and resolv.conf; larger ones are left to the system's resolver. */
const MAX_FILE_BYTES = 1024 * 1024;
/** More search domains than glibc before 2.26 supported (six). */
const MAX_SEARCH_DOMAINS = 8;

/**
 * Resolves names as the system does: hosts file, then the system's DNS servers (a name without a dot first in each search
 * domain). It avoids `getaddrinfo`, which libuv runs in only two threads, so a DNS server that does not respond would block all
 * other names. `getaddrinfo` is used only if DNS has no such name, for other sources of `nsswitch.conf`.
 */
export function createSystemLookup({
  hostsFile = "/etc/hosts",
  resolverFile = "/etc/resolv.conf",
  servers = [],
}: {
  readonly hostsFile?: string;
  readonly resolverFile?: string;
  /** DNS servers as `address:port`; empty: the system's. */
  readonly servers?: readonly string[];
} = {}): Lookup {
  const hosts = cachedFile(hostsFile, readHosts);
  const searchDomains = cachedFile(resolverFile, readSearchDomains);
  return async (name) => {
    const listed = hosts().get(name.toLowerCase().replace(/\.$/, "")) ?? [];
    if (listed.length > 0) {
      return listed;
    }
    // Reads the system's servers each time, since they may change at runtime.
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers.length > 0) {
      resolver.setServers(servers);
    }
    const domains = name.includes(".") ? [] : searchDomains();
    for (const asked of [...domains.map((domain) => `${name}.${domain}`), name]) {
      const answer = await askDns(resolver, asked);
      if (answer.addresses.length > 0) {
        return lookupResult(answer);
      }
      if (!ABSENT.has(answer.code)) {
        throw answer.error ?? new Error("no answer from DNS");
      }
    }
    return systemLookup(name);
  };
}

/** The result of a lookup; partial if one family was not answered. */
export function lookupResult({
  addresses,
  unansweredFamily,
}: Pick<DnsAnswer, "addresses" | "unansweredFamily">): readonly ResolvedAddress[] | PartialAnswer {
  return unansweredFamily === null ? addresses : { addresses, unansweredFamily };
}

/** DNS has answered, or there is no server to ask: other sources may know more. */
const ABSENT: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED", "ESERVFAIL"]);

/** Maximum number of addresses kept per name and family; a 64 KB answer may contain thousands. */
const MAX_ADDRESSES = 32;

interface DnsAnswer {
  readonly addresses: readonly ResolvedAddress[];
  /** The family whose query was not answered; null: both were answered, or neither was. */
  readonly unansweredFamily: 4 | 6 | null;
  readonly code: string;
  readonly error: Error | null;
}

/**
 * IPv4 addresses first, since an ADC queries IPv4 unless configured otherwise. If DNS does not answer the query for IPv4, the
 * lookup fails even if IPv6 is answered: the name may still have IPv4 addresses. If only IPv4 is answered, the result is partial.
 */
export async function askDns(resolver: Resolver, name: string): Promise<DnsAnswer> {
  const [v4, v6] = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }),
    resolver.resolve6(name, { ttl: true }),
  ]);
  const of =
    (family: 4 | 6) =>
    ({ address, ttl }: { address: string; ttl: number }): ResolvedAddress => ({
      address,
      family,
      ttlMs: ttl * 1000,
    });
  const failures = { v4: failureOf(v4), v6: failureOf(v6) };
  const addresses = [
    ...(v4.status === "fulfilled" ? v4.value.slice(0, MAX_ADDRESSES).map(of(4)) : []),
    ...(v6.status === "fulfilled" && !isUnanswered(failures.v4)
      ? v6.value.slice(0, MAX_ADDRESSES).map(of(6))
      : []),
  ];
  // ENODATA for IPv4 says nothing about IPv6; ENOTFOUND applies to both.
  const { code, error } =
    failures.v4.code === "ENODATA" && isUnanswered(failures.v6) ? failures.v6 : failures.v4;
  const unansweredFamily = addresses.length > 0 && isUnanswered(failures.v6) ? 6 : null;
  return { addresses, unansweredFamily, code, error };
}

interface DnsFailure {
  readonly code: string;
  readonly error: Error | null;
}

function failureOf(settled: PromiseSettledResult<readonly unknown[]>): DnsFailure {
  const reason: unknown = settled.status === "rejected" ? settled.reason : null;
  const error = reason instanceof Error ? reason : null;
  return { code: error !== null && "code" in error ? String(error.code) : "ENODATA", error };
}

function isUnanswered({ code }: DnsFailure): boolean {
  return code !== "ENODATA" && code !== "ENOTFOUND";
}

/** The system's resolver (getaddrinfo), as configured. */
function systemLookup(name: string): Promise<readonly ResolvedAddress[]> {
  return new Promise((resolve, reject) => {
    lookupByThreads(name, { all: true }, (error, addresses) => {
      if (error === null) {
        resolve(
          addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })),
        );
      } else {
        reject(error);
      }
    });
  });
}

/** Content of a system file; read again after a change, and empty if unreadable. */
function cachedFile<Content>(file: string, read: (text: string) => Content): () => Content {
  let readAt = "";
  let content = read("");
  return () => {
    const { mtimeMs = 0, size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
    const state = `${String(mtimeMs)} ${String(size)}`;
    if (state !== readAt) {
      readAt = state;
      content = read(size > MAX_FILE_BYTES ? "" : textOf(file));
    }
    return content;
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Search domains: the last `search` or `domain` line counts (resolv.conf(5)). */
function readSearchDomains(text: string): readonly string[] {
  const last = text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .findLast(([word = ""]) => word === "search" || word === "domain");
  return (last ?? []).slice(1, 1 + MAX_SEARCH_DOMAINS).map((domain) => domain.replace(/\.$/, ""));
}

function readHosts(text: string): ReadonlyMap<string, readonly ResolvedAddress[]> {
  const found = new Map<string, ResolvedAddress[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = (line.split("#", 1)[0] ?? "").trim().split(/\s+/);
    const family = isIP(address);
    for (const name of family === 4 || family === 6 ? names : []) {
      const key = name.toLowerCase();
      const known = found.get(key) ?? [];
      found.set(key, known);
      if (known.length < MAX_ADDRESSES) {
        known.push({ address, family: family === 6 ? 6 : 4 });
      }
    }
  }
  return found;
}
