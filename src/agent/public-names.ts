import { isIP } from "../lib/ip.ts";
import type { NameAnswer, Network } from "../net/network.ts";
import type { LivePublicName, NameComparison } from "../model/live.ts";
import type { Config } from "../config/schema.ts";
import { readHostPort } from "../lib/host-port.ts";
import { atMost } from "../lib/timers.ts";

/** The DNS answers for a client-facing name. */
export type ResolvedName =
  /** `connect_to` maps the name: DNS is not queried. */
  | { readonly kind: "mapped" }
  | { readonly kind: "forbidden"; readonly message: string }
  | {
      readonly kind: "asked";
      /** In order of first appearance, so that round-robin answers do not reorder them. */
      readonly addresses: readonly KnownAddress[];
      /** Number of addresses in the last answer beyond {@link MAX_ADDRESSES}. */
      readonly left: number;
      /** Why the last query failed; null if it was answered. */
      readonly failure: string | null;
    };

/** By name in lower case; names without an answer so far are absent. */
export type ResolvedNames = ReadonlyMap<string, ResolvedName>;

interface KnownAddress {
  readonly address: string;
  /** Consecutive answers without it. */
  readonly missed: number;
}

/** Maximum number of addresses that are probed per name. */
export const MAX_ADDRESSES = 16;
/**
 * An address is dropped after this many consecutive answers without it, because GSLB often answers with one site at a time.
 */
export const MISSED_BEFORE_DROPPED = 20;

/** Adds one answer; `before` is null for the first. */
export function stepResolvedName(before: ResolvedName | null, answer: NameAnswer): ResolvedName {
  if (answer.kind === "mapped" || answer.kind === "forbidden") {
    return answer;
  }
  const held = before?.kind === "asked" ? before.addresses : [];
  if (answer.kind === "dns_failure" && !answer.absent) {
    // A failed query does not mean that an address is gone.
    return { kind: "asked", addresses: held, left: 0, failure: answer.message };
  }
  const answered = answer.kind === "addresses" ? answer.addresses.map((one) => one.address) : [];
  const kept = held
    .map(({ address, missed }) => ({
      address,
      missed: answered.includes(address) ? 0 : missed + 1,
    }))
    .filter(({ missed }) => missed < MISSED_BEFORE_DROPPED);
  const known = new Set(kept.map(({ address }) => address));
  const fresh = [...new Set(answered)].filter((address) => !known.has(address));
  const all = [...kept, ...fresh.map((address) => ({ address, missed: 0 }))];
  const addresses = withoutLongestMissed(all, all.length - MAX_ADDRESSES);
  return {
    kind: "asked",
    addresses,
    left: answered.filter((one) => !addresses.some(({ address }) => address === one)).length,
    failure: answer.kind === "dns_failure" ? answer.message : noAddress(answered),
  };
}

/** Whether two states lead to the same plan: the same addresses, and the name resolves in both or in neither. */
export function sameSites(one: ResolvedName | null, other: ResolvedName | null): boolean {
  return signature(one) === signature(other);
}

function signature(name: ResolvedName | null): string {
  return name?.kind === "asked"
    ? `${String(name.failure !== null)} ${String(name.left)} ${name.addresses.map(({ address }) => address).join(" ")}`
    : (name?.kind ?? "");
}

function noAddress(answered: readonly string[]): string | null {
  return answered.length === 0 ? "the name has no address" : null;
}

/** Drops the addresses missed longest, and of these the newest. */
function withoutLongestMissed(
  addresses: readonly KnownAddress[],
  surplus: number,
): readonly KnownAddress[] {
  if (surplus <= 0) {
    return addresses;
  }
  const leaving = new Set(
    addresses
      .map((one, index) => ({ one, index }))
      .sort((a, b) => b.one.missed - a.one.missed || b.index - a.index)
      .slice(0, surplus)
      .map(({ one }) => one),
  );
  return addresses.filter((one) => !leaving.has(one));
}

/**
 * Compares the DNS answers for a vserver's client-facing names with its VIPs. Another address is no fault: address translation
 * in front of the ADC is common.
 */
export function compareWithVip(
  names: readonly string[],
  vips: readonly string[],
  resolved: ResolvedNames,
): LivePublicName[] {
  return [...new Set(names)]
    .filter((name) => isIP(name) === 0)
    .map((name) => compared(name, vips, resolved.get(name.toLowerCase())));
}
function compared(
  name: string,
  vips: readonly string[],
  known: ResolvedName | undefined,
): LivePublicName {
  const nothing = { name, addresses: [], unprobed: 0, message: null };
  switch (known?.kind) {
    case undefined:
      return { ...nothing, dns: "pending" };
    case "mapped":
      return { ...nothing, dns: "mapped" };
    case "forbidden":
      return { ...nothing, dns: "refused", message: known.message };
    case "asked": {
      const addresses = known.addresses.map(({ address }) => ({
        address,
        vip: vips.includes(address),
      }));
      return {
        name,
        dns: known.failure === null ? kindOf(addresses) : "dns_failure",
        addresses,
        unprobed: known.left,
        message: known.failure,
      };
    }
  }
}
function kindOf(addresses: LivePublicName["addresses"]): NameComparison {
  const atVip = addresses.filter(({ vip }) => vip).length;
  return atVip === 0 ? "others" : atVip === addresses.length ? "vip" : "vip_and_others";
}

/** The client-facing names in a configuration, in lower case, without IP addresses. */
export function clientFacingNames(config: Pick<Config, "vservers">): ReadonlySet<string> {
  const hosts = [...config.vservers.values()].flatMap((own) => [
    ...own.public.map((text) => readHostPort(text).host),
    ...own.names,
  ]);
  return new Set(hosts.filter((host) => isIP(host) === 0).map((host) => host.toLowerCase()));
}

/** Resolves client-facing names, again as answers expire; one query per name at a time. */
export class PublicNames {
  readonly #network: Pick<Network, "addresses">;
  readonly #names: ReadonlySet<string>;
  readonly #resolved = new Map<string, ResolvedName>();
  readonly #lastAnswerAt = new Map<string, number>();
  readonly #queries = new Map<string, Promise<void>>();
  #sitesChanged = false;

  /** `earlier`: the answers before a reload. */
  constructor(
    network: Pick<Network, "addresses">,
    names: ReadonlySet<string>,
    earlier: ResolvedNames = new Map(),
  ) {
    this.#network = network;
    this.#names = names;
    for (const name of names) {
      const known = earlier.get(name);
      if (known !== undefined) {
        this.#resolved.set(name, known);
      }
    }
  }

  get resolved(): ResolvedNames {
    return this.#resolved;
  }

  /** Queries every name that has no query in progress. Cheap until the network's answers expire. */
  ask(): void {
    for (const name of this.#names) {
      if (!this.#queries.has(name)) {
        this.#queries.set(name, this.#query(name));
      }
    }
  }

  /** Queries every name once and waits for the answers, but no longer than this. */
  async askOnce(timeoutMs: number): Promise<void> {
    this.ask();
    await atMost(timeoutMs, Promise.all(this.#queries.values()));
  }

  /** Whether addresses have changed since the last call. */
  takeSitesChanged(): boolean {
    const changed = this.#sitesChanged;
    this.#sitesChanged = false;
    return changed;
  }

  async #query(name: string): Promise<void> {
    const answer = await this.#network.addresses(name);
    this.#queries.delete(name);
    this.#addAnswer(name, answer);
  }

  #addAnswer(name: string, answer: NameAnswer): void {
    if ("answeredAt" in answer) {
      if (this.#lastAnswerAt.get(name) === answer.answeredAt) {
        return;
      }
      this.#lastAnswerAt.set(name, answer.answeredAt);
    }
    const before = this.#resolved.get(name) ?? null;
    const after = stepResolvedName(before, answer);
    this.#resolved.set(name, after);
    this.#sitesChanged ||= !sameSites(before, after);
  }
}
