import { z } from "zod";
import { buildEstate } from "../src/adc/nitro/import.ts";
import type { RowTables } from "../src/adc/nitro/row-values.ts";
import type { Bundle, BundleAnswer, BundleProbe } from "../src/bundle/format.ts";
import { createPacer } from "../src/lib/pacing.ts";
import type { Estate } from "../src/model/estate.ts";
import { ownerKey, type TimelineEntry, type TimelineOwner } from "../src/model/timeline.ts";
import type { CertificateAndKey } from "./adc/front/termination.ts";
import { certificateLike } from "./certificates/lab-certificate.ts";
import type { Condition, LabProtocol } from "./exchange/condition.ts";
import type { ExchangeServer } from "./exchange/exchange-server.ts";
import { recordedSource } from "./nitro/recorded.ts";
import type { NitroSource } from "./nitro/resources.ts";

/** One ADC of a bundle, made ready for the lab. */
export interface RecordedAdc {
  readonly adc: string;
  readonly estate: Estate;
  /** One for each management address, in their order. */
  readonly nodes: readonly NitroSource[];
  readonly probes: readonly BundleProbe[];
}

/** The ADCs of a bundle whose services are known. */
export async function recordedAdcs(bundle: Bundle): Promise<readonly RecordedAdc[]> {
  const found: RecordedAdc[] = [];
  const taken = new Set<string>();
  for (const { adc, nodes } of bundle.adcs) {
    const recorded = bundle.answers.filter((one) => one.adc === adc);
    const vips = vipsIn(recorded);
    const moved = new Map(
      [...vips]
        .filter((vip) => taken.has(vip))
        .map((vip, at) => [vip, freeAddress(vip, at, taken)]),
    );
    [...vips, ...moved.values()].forEach((vip) => taken.add(vip));
    const answers = recorded.map((one) => movedIn(one, moved));
    const listing = answers.find(({ resource, rows }) => resource === "lbvserver" && rows !== null);
    if (listing === undefined) {
      continue;
    }
    const ofNode = (node: number): BundleAnswer[] => answers.filter((one) => one.node === node);
    const rows: RowTables = new Map(
      ofNode(listing.node)
        .filter(({ api }) => api === "config")
        .map(({ resource, fields }) => [resource, fields]),
    );
    found.push({
      adc,
      estate: await buildEstate(adc, rows, createPacer()),
      nodes: Array.from({ length: Math.max(nodes, 1) }, (_, node) => recordedSource(ofNode(node))),
      probes: bundle.probes
        .filter((one) => one.adc === adc)
        .map((one) => ({ ...one, address: moved.get(one.address ?? "") ?? one.address })),
    });
  }
  return found;
}

/**
 * Where the vservers of one ADC listen for clients. Two ADCs may have one VIP, in separate networks or because one
 * takes over from the other. The lab has only one network, so the second gets a separate address there: otherwise the
 * probes of both would reach one listener.
 */
function vipsIn(answers: readonly BundleAnswer[]): ReadonlySet<string> {
  const vservers = answers.filter(
    ({ api, resource }) => api === "config" && /^(lb|cs|authentication)vserver$/.test(resource),
  );
  return new Set(
    vservers.flatMap(({ fields }) =>
      fields.flatMap(({ ipv46 }) =>
        typeof ipv46 === "string" && !/^(0\.0\.0\.0|::)$/.test(ipv46) ? [ipv46] : [],
      ),
    ),
  );
}

/** Bundles have their addresses out of 198.18.0.0/15 and 2001:db8::/64. */
function freeAddress(vip: string, at: number, taken: ReadonlySet<string>): string {
  for (let next = at + 1; ; next += 1) {
    const address = vip.includes(":")
      ? `2001:db8:1::${next.toString(16)}`
      : `198.51.${String(100 + (next >> 8))}.${String(next & 255)}`;
    if (!taken.has(address)) {
      return address;
    }
  }
}

function movedIn<Value>(value: Value, moved: ReadonlyMap<string, string>): Value {
  if (moved.size === 0) {
    return value;
  }
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === "string" ? (moved.get(inner) ?? inner) : inner,
  ) as Value;
}

/** The history of a bundle as of now: what was seen just before it was made was seen just before this. */
export function recordedPast({ changes, madeAt }: Bundle, now: number): readonly RecordedPast[] {
  const past = new Map<string, { owner: TimelineOwner; entries: TimelineEntry[] }>();
  for (const { owner, entry } of changes) {
    const one = past.get(ownerKey(owner)) ?? { owner, entries: [] };
    past.set(ownerKey(owner), one);
    one.entries.push({ ...entry, at: Math.min(now, entry.at + now - madeAt) });
  }
  return [...past.values()];
}

interface RecordedPast {
  readonly owner: TimelineOwner;
  readonly entries: readonly TimelineEntry[];
}

/** Brings the lab's servers into the condition that the probes of a bundle met. */
export async function setRecordedConditions(
  probes: readonly BundleProbe[],
  servers: ReadonlyMap<string, ExchangeServer>,
): Promise<void> {
  for (const [server, exchange] of servers) {
    const own = probes.filter((one) => one.server === server && one.vantage === "backend");
    for (const [protocol, condition] of recordedConditions(own)) {
      await exchange.set(protocol, condition);
    }
  }
}

/** What each VIP showed to the probes of a bundle, by vserver: the same serial number, names and dates. */
export function recordedCertificates({
  probes,
  estate,
}: RecordedAdc): ReadonlyMap<string, CertificateAndKey> {
  const shown = new Map<string, CertificateAndKey>();
  const made = new Map<string, CertificateAndKey>();
  const vservers = [...estate.csVservers.values(), ...estate.lbVservers.values()];
  for (const probe of probes) {
    const leaf = probe.vantage === "vip" ? LEAF.safeParse(probe.tls).data?.chain[0] : undefined;
    // A probe of a vserver behind content switching goes to the address of the content-switching vserver.
    const vserver = vservers.find(
      ({ name, address }) =>
        address !== null && (address === probe.address || name === probe.vserver),
    )?.name;
    if (vserver === undefined || leaf === undefined || shown.has(vserver)) {
      continue;
    }
    const { serial, names, not_before, not_after } = leaf;
    const certificate =
      made.get(serial) ??
      certificateLike({
        serial,
        names,
        commonName: names[0] ?? "recorded",
        notBefore: new Date(not_before),
        notAfter: new Date(not_after),
      });
    made.set(serial, certificate);
    shown.set(vserver, certificate);
  }
  return shown;
}

const LEAF = z.object({
  chain: z.array(
    z.object({
      serial: z.string().regex(/^[0-9A-F]{1,40}$/),
      names: z.array(z.string().regex(/^[\w.*-]{1,253}$/)).max(200),
      not_before: z.iso.datetime(),
      not_after: z.iso.datetime(),
    }),
  ),
});

/** The condition in which a server shows its probes what they saw: an approximation, by protocol. */
function recordedConditions(
  probes: readonly BundleProbe[],
): readonly (readonly [LabProtocol, Condition])[] {
  if (probes.some(isMaintenance)) {
    return [["all", { kind: "maintenance" }]];
  }
  const byProtocol = new Map<LabProtocol, BundleProbe[]>();
  for (const probe of probes) {
    const protocol = typeof probe.port === "number" ? PROTOCOLS.get(probe.port) : undefined;
    if (protocol !== undefined && probe.outcome !== null) {
      byProtocol.set(protocol, [...(byProtocol.get(protocol) ?? []), probe]);
    }
  }
  return [...byProtocol].flatMap(([protocol, seen]) => {
    const condition = conditionOf(seen);
    return condition === null ? [] : [[protocol, condition] as const];
  });
}

const PROTOCOLS: ReadonlyMap<number, LabProtocol> = new Map<number, LabProtocol>([
  [80, "https"],
  [443, "https"],
  [143, "imap"],
  [993, "imap"],
  [110, "pop3"],
  [995, "pop3"],
  [25, "smtp"],
  [465, "smtp"],
  [587, "smtp"],
  [717, "smtp"],
  [2525, "smtp"],
  [135, "endpoint_mapper"],
]);

/** Exchange's own way of saying that it is out: SMTP's 421, and mail services that hang up without a byte. */
function isMaintenance({ outcome, step, reason }: BundleProbe): boolean {
  return (
    outcome === "maintenance" ||
    (reason === "service_not_active" && step === "mail_from") ||
    (reason === "closed_without_data" && step === "banner")
  );
}

function conditionOf(seen: readonly BundleProbe[]): Condition | null {
  const passed = seen.some(({ outcome }) => outcome === "match");
  const reasons = new Set(seen.map(({ reason }) => reason));
  if (!passed) {
    if (reasons.has("refused")) {
      return { kind: "stopped" };
    }
    return reasons.has("reset") ? { kind: "reset" } : { kind: "hung" };
  }
  if (reasons.has("auth_rejected") || reasons.has("backend_unavailable")) {
    return { kind: "dead_backend" };
  }
  if (reasons.has("pattern_missing") || reasons.has("banner_mismatch")) {
    return { kind: "custom_banner", text: "ready" };
  }
  if (reasons.has("tls_protocol")) {
    return { kind: "tls_range", min: "TLSv1", max: "TLSv1" };
  }
  return null;
}
