import { lookup as lookupByThreads } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "../lib/ip.ts";
import type { ResolvedAddress } from "./network.ts";

/** Rejects where a name does not resolve. */
export type Lookup = (name: string) => Promise<readonly ResolvedAddress[]>;

const TIMEOUT_MS = 2_000;
const TRIES = 2;
/** A hosts file is read whole: larger ones are left to the system. */
const MAX_HOSTS_BYTES = 1024 * 1024;

/**
 * Names as the system knows them: the hosts file first, then the DNS servers of the system, asked without the four threads
 * that `getaddrinfo` shares with files, so that a silent DNS server holds up no other name. What only the system can know
 * (search domains for names without a dot, other sources of `nsswitch.conf`) is asked of it, where DNS has no such name.
 */
export function createSystemLookup({
  hostsFile = "/etc/hosts",
  servers = [],
}: {
  readonly hostsFile?: string;
  /** DNS servers as `address:port`; empty: the system's. */
  readonly servers?: readonly string[];
} = {}): Lookup {
  const hosts = createHosts(hostsFile);
  return async (name) => {
    const listed = hosts(name.toLowerCase().replace(/\.$/, ""));
    if (listed.length > 0) {
      return listed;
    }
    if (!name.includes(".")) {
      return bySystem(name);
    }
    // Reads the system's servers each time: they may change while this process lives.
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers.length > 0) {
      resolver.setServers(servers);
    }
    const answer = await askDns(resolver, name);
    if (answer.addresses.length > 0) {
      return answer.addresses;
    }
    if (ABSENT.has(answer.code)) {
      return bySystem(name);
    }
    throw answer.error ?? new Error("no answer from DNS");
  };
}

/** DNS has answered, or there is no server to ask: other sources may know more. */
const ABSENT: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED", "ESERVFAIL"]);

/** An answer of 64 KB holds thousands of addresses, and thousands of names may be known: so many are kept of each family. */
const MAX_ADDRESSES = 32;

/** IPv4 first: it is what an ADC asks for unless told otherwise. */
export async function askDns(
  resolver: Resolver,
  name: string,
): Promise<{
  readonly addresses: readonly ResolvedAddress[];
  readonly code: string;
  readonly error: Error | null;
}> {
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
  const addresses = [
    ...(v4.status === "fulfilled" ? v4.value.slice(0, MAX_ADDRESSES).map(of(4)) : []),
    ...(v6.status === "fulfilled" ? v6.value.slice(0, MAX_ADDRESSES).map(of(6)) : []),
  ];
  const reason: unknown = v4.status === "rejected" ? v4.reason : null;
  const error = reason instanceof Error ? reason : null;
  const code = error !== null && "code" in error ? String(error.code) : "ENODATA";
  return { addresses, code, error };
}

/** The system's own resolver: hosts file, search domains, DNS, whatever it is set to. */
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

/** What the hosts file says of a name; read anew when it has changed, and nothing where it cannot be read. */
function createHosts(file: string): (name: string) => readonly ResolvedAddress[] {
  let readAt = "";
  let names: ReadonlyMap<string, readonly ResolvedAddress[]> = new Map();
  return (name) => {
    const { mtimeMs = 0, size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
    const state = `${String(mtimeMs)} ${String(size)}`;
    if (state !== readAt) {
      readAt = state;
      names = size > MAX_HOSTS_BYTES ? new Map() : readHosts(file);
    }
    return names.get(name) ?? [];
  };
}

function readHosts(file: string): ReadonlyMap<string, readonly ResolvedAddress[]> {
  const found = new Map<string, ResolvedAddress[]>();
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return found;
  }
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
