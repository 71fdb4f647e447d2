import { readHostPort } from "../lib/host-port.ts";
import { withPort } from "../lib/ip.ts";
import { errorMessage } from "../lib/log.ts";
import { isIP } from "node:net";
import { Resolver } from "node:dns/promises";
import {
  type NameAnswer,
  type Network,
  type Resolution,
  type ResolvedAddress,
  type AddressOrigin,
  SchemeMemory,
  systemSockets,
} from "./network.ts";
import { AbortWatch } from "../lib/timers.ts";
import { readConnectTo, type Transport, type TargetPolicy } from "./target-policy.ts";
import { EchoBatches } from "./fping.ts";
import { type GoodAnswer, NameMemory } from "./name-memory.ts";
import { EventLoopMonitor } from "./event-loop-monitor.ts";
import { lookupResult, askDns, createSystemLookup, type Lookup } from "./system-names.ts";
import { TlsStore } from "./tls-store.ts";

export interface NetworkOptions {
  /** In the form that `readConnectTo` reads. */
  readonly connectTo: Readonly<Record<string, string>>;
  /** Policy for addresses not in `connectTo`; `refuse` keeps the lab off the user's network. */
  readonly unmapped: "allow" | "refuse";
  /** Allowed addresses of imported targets not in `connectTo`; absent: any. */
  readonly targets?: TargetPolicy;
  /** Monotonic or wall clock in milliseconds, for the age of cached names. */
  readonly now: () => number;
  /** Resolves a name, best address first; default: the system's resolver, so that hosts files count. */
  readonly lookup?: Lookup;
  /** Login schemes seen earlier, shared across reloads; default: none. */
  readonly schemes?: SchemeMemory;
  /** Last addresses of names, shared across reloads; default: none. */
  readonly memory?: NameMemory;
  /** Client-facing names and their DNS servers, which are used even if unmapped addresses are refused. */
  readonly clientNames?: { readonly names: ReadonlySet<string>; readonly lookup: Lookup };
  /** Maximum cache time of an answer (default 30 s), and cache time of a failure (default 5 s). */
  readonly ttlMs?: number;
  readonly failureTtlMs?: number;
  /** Minimum cache time of an answer (default 5 s). */
  readonly minTtlMs?: number;
}

type Answer = Extract<NameAnswer, { kind: "addresses" | "dns_failure" }>;
interface CachedName {
  answer: Promise<Answer>;
  until: number;
}

const MAX_NAMES = 4096;
/** More than an estate has addresses to dial. */
const MAX_ADDRESSES = 65_536;

/**
 * The network for probes: `connect_to` on the name, then cached DNS, then `connect_to` on the resolved addresses. An answer
 * without a TTL is cached for a fixed time; concurrent lookups of a name are shared. If DNS does not respond, the last
 * addresses stay in use.
 */
export function createNetwork(options: NetworkOptions): Network {
  const connectTo = readConnectTo(options.connectTo);
  const names = new Map<string, CachedName>();
  const memory = options.memory ?? new NameMemory();
  const systemLookup = createSystemLookup();

  function addressesOf(name: string): Promise<Answer> {
    const known = names.get(name);
    if (known !== undefined && options.now() < known.until) {
      return known.answer;
    }
    if (names.size >= MAX_NAMES) {
      names.clear();
    }
    const entry: CachedName = { answer: ask(name), until: Infinity };
    names.set(name, entry);
    return entry.answer;

    async function ask(asked: string): Promise<Answer> {
      const received = await answerOf(lookupOf(asked), asked, options.now);
      const answer = withRememberedAddresses(received, memory.last(memoryKey(asked)));
      memory.remember(memoryKey(asked), answer);
      const ttl =
        answer.kind === "addresses" ? ttlOf(answer, options) : (options.failureTtlMs ?? 5_000);
      entry.until = options.now() + ttl;
      return answer;
    }
  }

  function lookupOf(name: string): Lookup {
    return clientLookupOf(name) ?? options.lookup ?? systemLookup;
  }

  function clientLookupOf(name: string): Lookup | null {
    const { clientNames } = options;
    return clientNames?.names.has(name) === true ? clientNames.lookup : null;
  }

  /** A name may resolve differently for clients. */
  function memoryKey(name: string): string {
    return clientLookupOf(name) === null ? name : `${name} for clients`;
  }

  /** If unmapped addresses are refused, only the DNS servers for client-facing names are used. */
  function mayResolve(name: string): boolean {
    return (
      options.unmapped === "allow" || options.clientNames?.names.has(name.toLowerCase()) === true
    );
  }

  async function firstAddressOf(
    name: string,
    wanted: 4 | 6 | undefined,
  ): Promise<ResolvedAddress | DnsFailure> {
    const key = name.toLowerCase();
    const answer = await answerOrLastGood(addressesOf(key), memory.last(memoryKey(key)));
    if (answer.kind === "dns_failure") {
      return { kind: "dns_failure", message: answer.message, absent: answer.absent };
    }
    const found = answer.addresses.find(({ family }) => wanted === undefined || family === wanted);
    if (found !== undefined) {
      return found;
    }
    const what = wanted === undefined ? "address" : `IPv${String(wanted)} address`;
    return answer.unansweredFamily !== undefined && answer.unansweredFamily === wanted
      ? { kind: "dns_failure", message: `no answer for an ${what} of ${name}`, absent: false }
      : { kind: "dns_failure", message: `${name} has no ${what}`, absent: true };
  }

  /** Cache of resolved IP literals: every probe needs one. */
  const literalCache = new Map<string, Map<number, Resolution>>();
  let literalCount = 0;

  function resolve(
    host: string,
    port: number,
    transport: Transport,
    origin: AddressOrigin = "adc",
    family?: 4 | 6,
  ): Resolution | Promise<Resolution> {
    const isCacheable = transport !== "icmp" && origin === "adc";
    const known = isCacheable ? literalCache.get(host)?.get(port) : undefined;
    if (known !== undefined) {
      return known;
    }
    const resolution = resolveUncached(host, port, transport, origin, family);
    // A refusal is not cached, because the host's own addresses may change.
    if (isCacheable && !(resolution instanceof Promise) && resolution.kind === "address") {
      if (literalCount >= MAX_ADDRESSES) {
        literalCache.clear();
        literalCount = 0;
      }
      const ofHost = literalCache.get(host) ?? new Map<number, Resolution>();
      literalCache.set(host, ofHost.set(port, resolution));
      literalCount += 1;
    }
    return resolution;
  }

  function resolveUncached(
    host: string,
    port: number,
    transport: Transport,
    origin: AddressOrigin,
    wanted: 4 | 6 | undefined,
  ): Resolution | Promise<Resolution> {
    const mapped = connectTo.find(host, port, transport);
    if (mapped === undefined && isIP(host) === 0 && mayResolve(host)) {
      return resolveName(host, wanted, (address) => resolve(address, port, transport, origin));
    }
    if (mapped === undefined && options.unmapped === "refuse") {
      return { kind: "forbidden", message: notMappedMessage(`${host}:${port}`) };
    }
    const toHost = mapped?.host ?? host;
    const toPort = mapped?.port ?? port;
    const family = isIP(toHost);
    if (family !== 4 && family !== 6) {
      return resolveName(toHost, undefined, (address, known) => ({
        kind: "address",
        address,
        port: toPort,
        family: known,
      }));
    }
    const refusal =
      mapped === undefined && origin === "adc" ? (options.targets?.(toHost, toPort) ?? null) : null;
    return refusal === null
      ? { kind: "address", address: toHost, port: toPort, family }
      : { kind: "forbidden", message: refusal, reason: "agent_path" };
  }

  async function resolveName(
    name: string,
    wanted: 4 | 6 | undefined,
    then: (address: string, family: 4 | 6) => Resolution | Promise<Resolution>,
  ): Promise<Resolution> {
    const first = await firstAddressOf(name, wanted);
    return "kind" in first ? first : then(first.address, first.family);
  }

  return {
    tls: new TlsStore(),
    schemes: options.schemes ?? new SchemeMemory(),
    aborts: new AbortWatch(),
    loop: new EventLoopMonitor(),
    echoes: new EchoBatches(),
    sockets: systemSockets(),
    resolve,
    addresses(name) {
      if (connectTo.names(name)) {
        return Promise.resolve({ kind: "mapped" });
      }
      return mayResolve(name)
        ? addressesOf(name.toLowerCase())
        : Promise.resolve({ kind: "forbidden", message: notMappedMessage(name) });
    },
  };
}

/** How long a probe waits for a new answer before it uses the old one. */
const MAX_ANSWER_WAIT_MS = 500;

/** The answer, or the last good one if DNS does not respond or is slow. */
async function answerOrLastGood(asked: Promise<Answer>, lastGood: Answer | null): Promise<Answer> {
  if (lastGood === null) {
    return asked;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(lastGood), MAX_ANSWER_WAIT_MS);
  });
  const answer = await Promise.race([asked, late]);
  clearTimeout(timer);
  return answer.kind === "dns_failure" && !answer.absent ? lastGood : answer;
}

/** Adds the last known addresses of a family whose query was not answered. */
function withRememberedAddresses(answer: Answer, remembered: GoodAnswer | null): Answer {
  if (answer.kind === "dns_failure" || answer.unansweredFamily === undefined) {
    return answer;
  }
  const { unansweredFamily } = answer;
  const kept = remembered?.addresses.filter(({ family }) => family === unansweredFamily) ?? [];
  return { ...answer, addresses: [...answer.addresses, ...kept] };
}

type DnsFailure = Extract<Resolution, { kind: "dns_failure" }>;

function notMappedMessage(what: string): string {
  return `${what} is not mapped, and this agent only connects to addresses in connect_to`;
}

/** An answer is cached for its TTL, within bounds. */
function ttlOf(answer: Extract<Answer, { kind: "addresses" }>, options: NetworkOptions): number {
  const most = options.ttlMs ?? 30_000;
  const shortestMs = Math.min(most, ...answer.addresses.map(({ ttlMs }) => ttlMs ?? most));
  return Math.max(shortestMs, Math.min(most, options.minTtlMs ?? 5_000));
}

/** Whether a name is valid in DNS (RFC 1035). A resolver would read a name only up to a NUL. */
const RESOLVABLE = /^[!-~]{1,254}$/;

async function answerOf(lookup: Lookup, name: string, now: () => number): Promise<Answer> {
  if (!RESOLVABLE.test(name)) {
    const message = "no name that DNS can hold";
    return { kind: "dns_failure", message, absent: true, answeredAt: now() };
  }
  try {
    const found = await lookup(name);
    return "unansweredFamily" in found
      ? { kind: "addresses", ...found, answeredAt: now() }
      : { kind: "addresses", addresses: found, answeredAt: now() };
  } catch (error) {
    const message = errorMessage(error);
    const code = error instanceof Error && "code" in error ? error.code : null;
    const absent = code === "ENOTFOUND" || code === "ENODATA";
    return { kind: "dns_failure", message, absent, answeredAt: now() };
  }
}

const DNS_PORT = 53;
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Resolves names at configured DNS servers instead of the system's resolver, because inside a company a client-facing name
 * often resolves differently. `dial` gives the real address of each server; servers that may not be contacted are skipped.
 */
export function lookupAt(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Lookup {
  let made: Promise<Resolver> | null = null;
  return async (name) => {
    made ??= makeResolver(servers, dial);
    const resolver = await made;
    const answer = await askDns(resolver, name);
    if (answer.addresses.length === 0 && answer.error !== null) {
      throw answer.error;
    }
    return lookupResult(answer);
  };
}

async function makeResolver(
  servers: readonly string[],
  dial: (host: string, port: number) => Resolution | Promise<Resolution>,
): Promise<Resolver> {
  const dialled = await Promise.all(
    servers.map(async (server) => {
      const { host, port } = readHostPort(server);
      return dial(host, port ?? DNS_PORT);
    }),
  );
  const reachable = dialled.flatMap((one) =>
    one.kind === "address" ? [withPort(one.address, one.port)] : [],
  );
  const [first] = dialled;
  if (reachable.length === 0) {
    throw new Error(
      `no DNS server may be queried${first === undefined || first.kind === "address" ? "" : `: ${first.message}`}`,
    );
  }
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(reachable);
  return resolver;
}
