import { isIP } from "../lib/ip.ts";
import type { NameAnswer, Network } from "../net/network.ts";
import type { LivePublicName, NameComparison } from "../model/live.ts";
import type { Config } from "../config/schema.ts";
import { readHostPort } from "../lib/host-port.ts";
import { atMost } from "../lib/timers.ts";

/** A client-facing name as DNS answers it: pure, and stepped by each answer. */
export type ResolvedName =
  /** `connect_to` says where it is dialled: one place, and DNS is not asked. */
  | { readonly kind: "mapped" }
  | { readonly kind: "forbidden"; readonly message: string }
  | {
      readonly kind: "asked";
      /** In the order of first appearance: a round robin turns answers, not sites. */
      readonly addresses: readonly KnownAddress[];
      /** Addresses of the last answer beyond the most that are kept. */
      readonly left: number;
      /** Why the last question had no answer; null when it had one. */
      readonly failure: string | null;
    };

/** By name, lower case; one that has not been asked for yet is absent. */
export type ResolvedNames = ReadonlyMap<string, ResolvedName>;

interface KnownAddress {
  readonly address: string;
  /** Answers in a row without it. */
  readonly missed: number;
}

/** Sites of one name that are probed at most. */
export const MAX_ADDRESSES = 16;
/**
 * A GSLB that answers with one site at a time shows the others now and then: an address is dropped once so many answers in a
 * row did not hold it.
 */
export const MISSED_BEFORE_DROPPED = 20;

/** Takes in one answer; null as `before` is a name never asked for. */
export function stepResolvedName(before: ResolvedName | null, answer: NameAnswer): ResolvedName {
  if (answer.kind === "mapped" || answer.kind === "forbidden") {
    return answer;
  }
  const held = before?.kind === "asked" ? before.addresses : [];
  if (answer.kind === "dns_failure" && !answer.absent) {
    // Nobody answered: that says of no address that it is gone.
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

/** Whether probes must be planned again: sites have come or gone, or the name has begun or ceased to resolve. */
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

/** Makes room: what has been missed longest goes first, then what came last. */
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
 * What DNS answers for a vserver's client-facing names, beside its VIP. Another address is information, not a mistake: an
 * address translation before the ADC is ordinary.
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

/** The names of a configuration that clients type, lower case; addresses are no names. */
export function clientFacingNames(config: Pick<Config, "vservers">): ReadonlySet<string> {
  const hosts = [...config.vservers.values()].flatMap((own) => [
    ...own.public.map((text) => readHostPort(text).host),
    ...own.names,
  ]);
  return new Set(hosts.filter((host) => isIP(host) === 0).map((host) => host.toLowerCase()));
}

/** What DNS answers for client-facing names, resolved again as answers expire; one query for each name at a time. */
export class PublicNames {
  readonly #network: Pick<Network, "addresses">;
  readonly #names: ReadonlySet<string>;
  readonly #resolved = new Map<string, ResolvedName>();
  readonly #lastAnswerAt = new Map<string, number>();
  readonly #asking = new Map<string, Promise<void>>();
  #news = false;

  /** `earlier`: what was known before a reload. */
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

  /** Asks about every name that is not just being asked about. Cheap while the network's answers are fresh. */
  ask(): void {
    for (const name of this.#names) {
      if (!this.#asking.has(name)) {
        this.#asking.set(name, this.#askOne(name));
      }
    }
  }

  /** Asks about every name once and waits for the answers, but no longer than this. */
  async askOnce(timeoutMs: number): Promise<void> {
    this.ask();
    await atMost(timeoutMs, Promise.all(this.#asking.values()));
  }

  /** Whether sites have come or gone since this was last asked. */
  takeNews(): boolean {
    const news = this.#news;
    this.#news = false;
    return news;
  }

  async #askOne(name: string): Promise<void> {
    const answer = await this.#network.addresses(name);
    this.#asking.delete(name);
    this.#takeAnswer(name, answer);
  }

  #takeAnswer(name: string, answer: NameAnswer): void {
    if ("answeredAt" in answer) {
      if (this.#lastAnswerAt.get(name) === answer.answeredAt) {
        return;
      }
      this.#lastAnswerAt.set(name, answer.answeredAt);
    }
    const before = this.#resolved.get(name) ?? null;
    const after = stepResolvedName(before, answer);
    this.#resolved.set(name, after);
    this.#news ||= !sameSites(before, after);
  }
}
