import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import type { Network, Resolution } from "../probe.ts";
import { AbortWatch } from "./abort-watch.ts";
import { LoopWatch } from "./loop-watch.ts";
import { TlsStore } from "./tls-store.ts";

export interface NetworkOptions {
  /** As curl's --connect-to: `host:port` or `host` (every port, and ICMP) to `host:port` or `host`; IPv6 in brackets. */
  readonly connectTo: Readonly<Record<string, string>>;
  /** What happens to an address that `connectTo` does not name; `refuse` keeps the lab off the user's network. */
  readonly unmapped: "allow" | "refuse";
  /** Monotonic or wall clock in milliseconds, for the age of cached names. */
  readonly now: () => number;
  /** Resolves a name, best address first; default: the system's resolver, so that hosts files count. */
  readonly lookup?: (name: string) => Promise<readonly ResolvedAddress[]>;
  /** How long an answer (default 30 s) and a failure (default 5 s) are kept. */
  readonly ttlMs?: number;
  readonly failureTtlMs?: number;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

type Answer =
  | { readonly kind: "addresses"; readonly addresses: readonly ResolvedAddress[] }
  | { readonly kind: "failure"; readonly message: string };
interface CachedName {
  answer: Promise<Answer>;
  until: number;
}

const MOST_NAMES = 4096;

/**
 * The network as probes see it: `connect_to` before DNS, then DNS with a cache. The system's resolver tells no TTL, so
 * answers are kept for a fixed time; lookups of one name that are under way are shared.
 */
export function createNetwork(options: NetworkOptions): Network {
  const lookup = options.lookup ?? lookupBySystem;
  const mapping = new Map<string, Endpoint>();
  for (const [from, to] of Object.entries(options.connectTo)) {
    mapping.set(keyOf(parseEndpoint(from)), parseEndpoint(to));
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
      const answer = await answerOf(lookup, asked);
      const ttl =
        answer.kind === "addresses" ? (options.ttlMs ?? 30_000) : (options.failureTtlMs ?? 5_000);
      entry.until = options.now() + ttl;
      return answer;
    }
  }

  async function resolveName(host: string, port: number): Promise<Resolution> {
    const answer = await addressesOf(host.toLowerCase());
    if (answer.kind === "failure") {
      return { kind: "dns_failure", message: answer.message };
    }
    const first = answer.addresses[0];
    return first === undefined
      ? { kind: "dns_failure", message: `${host} has no address` }
      : { kind: "address", address: first.address, port, family: first.family };
  }

  return {
    tls: new TlsStore(),
    aborts: new AbortWatch(),
    loop: new LoopWatch(),
    resolve(host, port, transport) {
      const mapped =
        (transport === "icmp" ? undefined : mapping.get(keyOf({ host, port }))) ??
        mapping.get(keyOf({ host, port: null }));
      if (mapped === undefined && options.unmapped === "refuse") {
        return Promise.resolve({
          kind: "forbidden",
          message: `${host}:${port} is not mapped, and this agent only goes where connect_to says`,
        });
      }
      const toHost = mapped?.host ?? host;
      const toPort = mapped?.port ?? port;
      const family = isIP(toHost);
      return family === 4 || family === 6
        ? Promise.resolve({ kind: "address", address: toHost, port: toPort, family })
        : resolveName(toHost, toPort);
    },
  };
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

async function answerOf(
  lookup: (name: string) => Promise<readonly ResolvedAddress[]>,
  name: string,
): Promise<Answer> {
  try {
    return { kind: "addresses", addresses: await lookup(name) };
  } catch (error) {
    return { kind: "failure", message: error instanceof Error ? error.message : String(error) };
  }
}

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
