import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { Resolver } from "node:dns/promises";
import type { NameAnswer, Network, Resolution, ResolvedAddress } from "./network.ts";
import { AbortWatch } from "../lib/abort-watch.ts";
import { Deadlines } from "../lib/deadlines.ts";
import { EchoBatches } from "./fping.ts";
import { LoopWatch } from "./loop-watch.ts";
import { TlsStore } from "./tls-store.ts";

interface NetworkOptions {
  /** As curl's --connect-to: `host:port` or `host` (every port, and ICMP) to `host:port` or `host`; IPv6 in brackets. */
  readonly connectTo: Readonly<Record<string, string>>;
  /** What happens to an address that `connectTo` does not name; `refuse` keeps the lab off the user's network. */
  readonly unmapped: "allow" | "refuse";
  /** Monotonic or wall clock in milliseconds, for the age of cached names. */
  readonly now: () => number;
  /** Resolves a name, best address first; default: the system's resolver, so that hosts files count. */
  readonly lookup?: Lookup;
  /** Client-facing names and who resolves those; asked also where unmapped addresses are refused. */
  readonly clientNames?: { readonly names: ReadonlySet<string>; readonly lookup: Lookup };
  /** How long an answer (at most; default 30 s) and a failure (default 5 s) are kept. */
  readonly ttlMs?: number;
  readonly failureTtlMs?: number;
  /** However short an answer's own time to live, it is kept so long (default 5 s). */
  readonly leastTtlMs?: number;
}

/** Rejects where a name does not resolve. */
type Lookup = (name: string) => Promise<readonly ResolvedAddress[]>;

type Answer = Extract<NameAnswer, { kind: "addresses" | "dns_failure" }>;
interface CachedName {
  answer: Promise<Answer>;
  until: number;
}

const MOST_NAMES = 4096;
/** More addresses to dial than an estate has members. */
const MOST_ADDRESSES = 65_536;

/**
 * The network as probes see it: `connect_to` before DNS, then DNS with a cache, then `connect_to` for what DNS answered.
 * The system's resolver tells no TTL, so its answers are kept for a fixed time; lookups of one name that are under way
 * are shared.
 */
export function createNetwork(options: NetworkOptions): Network {
  const mapping = new Map<string, Endpoint>();
  const mappedHosts = new Set<string>();
  for (const [from, to] of Object.entries(options.connectTo)) {
    const endpoint = parseEndpoint(from);
    mapping.set(keyOf(endpoint), parseEndpoint(to));
    mappedHosts.add(endpoint.host.toLowerCase());
  }
  const names = new Map<string, CachedName>();

  function addressesOf(name: string): Promise<Answer> {
    const known = names.get(name);
    if (known !== undefined && options.now() < known.until) {
      return known.answer;
    }
    if (names.size >= MOST_NAMES) {
      names.clear();
    }
    const entry: CachedName = { answer: ask(name), until: Infinity };
    names.set(name, entry);
    return entry.answer;

    async function ask(asked: string): Promise<Answer> {
      const answer = await answerOf(lookupOf(asked), asked, options.now);
      const ttl =
        answer.kind === "addresses" ? ttlOf(answer, options) : (options.failureTtlMs ?? 5_000);
      entry.until = options.now() + ttl;
      return answer;
    }
  }

  function lookupOf(name: string): Lookup {
    const { clientNames } = options;
    return clientNames?.names.has(name) === true
      ? clientNames.lookup
      : (options.lookup ?? lookupBySystem);
  }

  /** Where nothing unmapped may be contacted, only the DNS servers chosen for client-facing names are asked. */
  function mayAskFor(name: string): boolean {
    return (
      options.unmapped === "allow" || options.clientNames?.names.has(name.toLowerCase()) === true
    );
  }

  async function firstAddressOf(name: string): Promise<ResolvedAddress | DnsFailure> {
    const answer = await addressesOf(name.toLowerCase());
    if (answer.kind === "dns_failure") {
      return { kind: "dns_failure", message: answer.message, absent: answer.absent };
    }
    const [first] = answer.addresses;
    return first ?? { kind: "dns_failure", message: `${name} has no address`, absent: true };
  }

  /** Addresses that need no DNS, by what leads there: asked for by every probe. */
  const literal = new Map<string, Map<number, Resolution>>();
  let literals = 0;

  function resolve(
    host: string,
    port: number,
    transport: Transport,
  ): Resolution | Promise<Resolution> {
    const known = transport === "icmp" ? undefined : literal.get(host)?.get(port);
    if (known !== undefined) {
      return known;
    }
    const resolution = resolveAnew(host, port, transport);
    if (!(resolution instanceof Promise) && transport !== "icmp") {
      if (literals >= MOST_ADDRESSES) {
        literal.clear();
        literals = 0;
      }
      const ofHost = literal.get(host) ?? new Map<number, Resolution>();
      literal.set(host, ofHost.set(port, resolution));
      literals += 1;
    }
    return resolution;
  }

  function resolveAnew(
    host: string,
    port: number,
    transport: Transport,
  ): Resolution | Promise<Resolution> {
    const mapped =
      (transport === "icmp" ? undefined : mapping.get(keyOf({ host, port }))) ??
      mapping.get(keyOf({ host, port: null }));
    if (mapped === undefined && isIP(host) === 0 && mayAskFor(host)) {
      return resolveName(host, (address) => resolve(address, port, transport));
    }
    if (mapped === undefined && options.unmapped === "refuse") {
      return { kind: "forbidden", message: notMapped(`${host}:${port}`) };
    }
    const toHost = mapped?.host ?? host;
    const toPort = mapped?.port ?? port;
    const family = isIP(toHost);
    return family === 4 || family === 6
      ? { kind: "address", address: toHost, port: toPort, family }
      : resolveName(toHost, (address, known) => ({
          kind: "address",
          address,
          port: toPort,
          family: known,
        }));
  }

  async function resolveName(
    name: string,
    then: (address: string, family: 4 | 6) => Resolution | Promise<Resolution>,
  ): Promise<Resolution> {
    const first = await firstAddressOf(name);
    return "kind" in first ? first : then(first.address, first.family);
  }

  return {
    tls: new TlsStore(),
    aborts: new AbortWatch(),
    deadlines: new Deadlines(),
    loop: new LoopWatch(),
    echoes: new EchoBatches(),
    resolve,
    addresses(name) {
      if (mappedHosts.has(name.toLowerCase())) {
        return Promise.resolve({ kind: "mapped" });
      }
      return mayAskFor(name)
        ? addressesOf(name.toLowerCase())
        : Promise.resolve({ kind: "forbidden", message: notMapped(name) });
    },
  };
}

type DnsFailure = Extract<Resolution, { kind: "dns_failure" }>;
type Transport = Parameters<Network["resolve"]>[2];

function notMapped(what: string): string {
  return `${what} is not mapped, and this agent only goes where connect_to says`;
}

/** An answer is kept as long as it says, within bounds. */
function ttlOf(answer: Extract<Answer, { kind: "addresses" }>, options: NetworkOptions): number {
  const most = options.ttlMs ?? 30_000;
  const told = Math.min(most, ...answer.addresses.map(({ ttlMs }) => ttlMs ?? most));
  return Math.max(told, Math.min(most, options.leastTtlMs ?? 5_000));
}

interface Endpoint {
  readonly host: string;
  readonly port: number | null;
}

function keyOf({ host, port }: Endpoint): string {
  return port === null ? host.toLowerCase() : `${host.toLowerCase()} ${port}`;
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address. */
export function parseEndpoint(text: string): Endpoint {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed?.[1] !== undefined) {
    return {
      host: bracketed[1],
      port: bracketed[2] === undefined ? null : Number(bracketed[2]),
    };
  }
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  if (colon === -1 || isIP(text) === 6 || !/^\d+$/.test(portText)) {
    return { host: text, port: null };
  }
  return { host: text.slice(0, colon), port: Number(portText) };
}

async function answerOf(lookup: Lookup, name: string, now: () => number): Promise<Answer> {
  try {
    return { kind: "addresses", addresses: await lookup(name), answeredAt: now() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && "code" in error ? error.code : null;
    const absent = code === "ENOTFOUND" || code === "ENODATA";
    return { kind: "dns_failure", message, absent, answeredAt: now() };
  }
}

/** The system's resolver, so that hosts files count. */
function lookupBySystem(name: string): Promise<readonly ResolvedAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, addresses) => {
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

const DNS_PORT = 53;
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Resolves names at chosen DNS servers instead of the system's resolver: inside a company a client-facing name often has
 * another address than outside. `dial` says where each server really is; one that may not be contacted is left out.
 */
export function lookupAt(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Lookup {
  let made: Promise<Resolver> | null = null;
  return async (name) => {
    made ??= makeResolver(servers, dial);
    const resolver = await made;
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(name, { ttl: true }),
      resolver.resolve6(name, { ttl: true }),
    ]);
    const found = [
      ...(v4.status === "fulfilled" ? v4.value.map(resolved(4)) : []),
      ...(v6.status === "fulfilled" ? v6.value.map(resolved(6)) : []),
    ];
    if (found.length === 0 && v4.status === "rejected") {
      throw v4.reason;
    }
    return found;
  };
}

async function makeResolver(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Promise<Resolver> {
  const dialled = await Promise.all(
    servers.map(async (server) => {
      const { host, port } = parseEndpoint(server);
      return dial(host, port ?? DNS_PORT);
    }),
  );
  const reachable = dialled.flatMap((one) =>
    one.kind === "address"
      ? [`${one.family === 6 ? `[${one.address}]` : one.address}:${String(one.port)}`]
      : [],
  );
  const [first] = dialled;
  if (reachable.length === 0) {
    throw new Error(
      `no DNS server may be asked${first === undefined || first.kind === "address" ? "" : `: ${first.message}`}`,
    );
  }
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(reachable);
  return resolver;
}

function resolved(family: 4 | 6) {
  return ({ address, ttl }: { address: string; ttl: number }): ResolvedAddress => ({
    address,
    family,
    ttlMs: ttl * 1000,
  });
}
