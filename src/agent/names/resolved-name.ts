import type { NameAnswer } from "../../probes/probe.ts";

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

export interface KnownAddress {
  readonly address: string;
  /** Answers in a row without it. */
  readonly missed: number;
}

/** Sites of one name that are probed at most. */
export const MOST_ADDRESSES = 16;
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
  const addresses = withoutLongestMissed(all, all.length - MOST_ADDRESSES);
  return {
    kind: "asked",
    addresses,
    left: answered.filter((one) => !addresses.some(({ address }) => address === one)).length,
    failure: answer.kind === "dns_failure" ? answer.message : noAddress(answered),
  };
}

/** Whether probes are to be planned anew: sites have come or gone, or the name has begun or ceased to resolve. */
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
