import { lookup as lookupByThreads } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "../lib/ip.ts";
import type { ResolvedAddress } from "./network.ts";

/** Rejects where a name does not resolve. */
export type Lookup = (name: string) => Promise<readonly ResolvedAddress[] | HalfAnswer>;

/** Addresses of one family, where nobody has answered for the other. */
export interface HalfAnswer {
  readonly addresses: readonly ResolvedAddress[];
  readonly unheard: 4 | 6;
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
  const hosts = keepRead(hostsFile, readHosts);
  const searchDomains = keepRead(resolverFile, readSearchDomains);
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
        return asHeard(answer);
      }
      if (!ABSENT.has(answer.code)) {
        throw answer.error ?? new Error("no answer from DNS");
      }
    }
    return bySystem(name);
  };
}

/** What DNS said of a name, with what it did not say. */
export function asHeard({
  addresses,
  unheard,
}: Pick<DnsAnswer, "addresses" | "unheard">): readonly ResolvedAddress[] | HalfAnswer {
  return unheard === null ? addresses : { addresses, unheard };
}

/** DNS has answered, or there is no server to ask: other sources may know more. */
const ABSENT: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED", "ESERVFAIL"]);

/** Maximum number of addresses kept per name and family; a 64 KB answer may contain thousands. */
const MAX_ADDRESSES = 32;

interface DnsAnswer {
  readonly addresses: readonly ResolvedAddress[];
  /** The family for which nobody has answered; null: both were answered, or there is no answer at all. */
  readonly unheard: 4 | 6 | null;
  readonly code: string;
  readonly error: Error | null;
}

/**
 * IPv4 first: it is what an ADC asks for unless configured otherwise. Where DNS fails to answer for that, an answer for IPv6
 * alone is none: the name has not lost its IPv4 addresses. Nor has it lost its IPv6 ones where only IPv4 is answered.
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
    ...(v6.status === "fulfilled" && !isUnheard(failures.v4)
      ? v6.value.slice(0, MAX_ADDRESSES).map(of(6))
      : []),
  ];
  // That there is no IPv4 address is no word on IPv6; that there is no such name is one on both.
  const { code, error } =
    failures.v4.code === "ENODATA" && isUnheard(failures.v6) ? failures.v6 : failures.v4;
  const unheard = addresses.length > 0 && isUnheard(failures.v6) ? 6 : null;
  return { addresses, unheard, code, error };
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

function isUnheard({ code }: DnsFailure): boolean {
  return code !== "ENODATA" && code !== "ENOTFOUND";
}

/** The system's resolver (getaddrinfo), as configured. */
function bySystem(name: string): Promise<readonly ResolvedAddress[]> {
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
function keepRead<Content>(file: string, read: (text: string) => Content): () => Content {
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
