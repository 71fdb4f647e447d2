import {
  findingsOf,
  isDerivedFrom,
  rankOf,
  sentenceOf,
  type Finding,
} from "../../change/findings.ts";
import {
  type LiveFinding,
  type LiveMember,
  type LiveState,
  type LiveVserver,
  protocolOf,
} from "../../model/live.ts";
import { severity, memberWords, vserverWords, type Verdict } from "../../model/verdicts.ts";
import { toneOf } from "./tone.ts";

/** One cause that needs attention, with its consequences; shown as a card. */
export type Attention = {
  readonly tone: "bad" | "warn";
  /** For the headline; without a full stop. */
  readonly sentence: string;
  /** For the card: what is affected, what is wrong, which services. */
  readonly title: string;
  readonly since: number | null;
  /** Sort rank; the lowest is the worst. */
  readonly rank: number;
} & (
  | {
      readonly kind: "server";
      readonly verdict: Verdict;
      readonly adc: string;
      readonly server: string;
      readonly members: readonly [LiveMember, ...LiveMember[]];
      /** Vservers that are wrong only because of this server. */
      readonly derived: readonly LiveVserver[];
    }
  | { readonly kind: "vserver"; readonly vserver: LiveVserver }
  | { readonly kind: "estate"; readonly finding: LiveFinding }
  | {
      /** Servers whose certificate differs from the others behind the same vserver; none: the ADC itself. */
      readonly kind: "certificate";
      readonly servers: readonly string[];
      readonly members: readonly LiveMember[];
    }
);

/** Everything that needs attention: one entry per cause, worst first. Excludes what is still within grace. */
export function attentionOf(
  live: Pick<LiveState, "members" | "vservers" | "findings">,
): readonly Attention[] {
  const findings = [...findingsOf(live, "bad"), ...findingsOf(live, "warn")].filter(
    ({ verdict }) => verdict !== "settling",
  );
  const servers = serverCauses(findings);
  const explained = new Set(servers.flatMap(({ derived }) => derived));
  const vservers = findings.flatMap((finding): readonly Attention[] => {
    if (finding.kind === "members" || explained.has(finding.vserver)) {
      return [];
    }
    const { vserver, verdict, since } = finding;
    const title = `${vserver.vserver}: ${vserverWords(vserver).label}`;
    return [
      {
        kind: "vserver",
        vserver,
        title,
        since,
        tone: badOrWarn(verdict),
        sentence: sentenceOf(finding),
        rank: rankOf(finding),
      },
    ];
  });
  const ofEstate = (live.findings ?? []).map((finding): Attention => {
    const sentence = finding.message.replace(/\.$/, "");
    const rank = ESTATE_RANK;
    return { kind: "estate", finding, tone: "warn", sentence, title: sentence, since: null, rank };
  });
  const all = [...servers, ...vservers, ...ofEstate, ...certificateCauses(live)];
  return all.sort((one, other) => one.rank - other.rank);
}

/** Rank of findings on more than one row: after everything the ADC is wrong about, before undeclared maintenance. */
const ESTATE_RANK = severity("maintenance_overrun") - 0.5;

/** Members of one server with the same verdict are one cause, even if they fail at different steps. */
function serverCauses(findings: readonly Finding[]) {
  const groups = new Map<string, Extract<Finding, { kind: "members" }>>();
  for (const finding of findings) {
    if (finding.kind === "members") {
      const key = [finding.adc, finding.server, finding.verdict].join("\u0000");
      const known = groups.get(key);
      const since = Math.min(known?.since ?? Infinity, finding.since ?? Infinity);
      groups.set(key, {
        ...finding,
        since: since === Infinity ? null : since,
        members: known === undefined ? finding.members : [...known.members, ...finding.members],
      });
    }
  }
  return [...groups.values()].map((group) => {
    const { adc, server, verdict, since } = group;
    const members = inPortOrder(group.members);
    const derived = findings.flatMap((finding) =>
      finding.kind === "vserver" && isDerivedFrom(finding, members) ? [finding.vserver] : [],
    );
    return {
      kind: "server" as const,
      verdict,
      adc,
      server,
      members,
      derived,
      since,
      tone: badOrWarn(verdict),
      sentence: sentenceOf({ ...group, members }),
      rank: rankOf(group),
      title: `${server}, ${memberWords(members[0]).label}: ${servicesOf(members)}`,
    };
  });
}

function badOrWarn(verdict: Verdict): "bad" | "warn" {
  return toneOf(verdict) === "bad" ? "bad" : "warn";
}

function inPortOrder(members: readonly [LiveMember, ...LiveMember[]]) {
  const [first, ...rest] = [...members].sort((one, other) => Number(one.port) - Number(other.port));
  return [first ?? members[0], ...rest] as const;
}

/** `SMTP 25 and 587, IMAP 993`. */
export function servicesOf(members: readonly LiveMember[]): string {
  const ports = new Map<string, Set<string>>();
  for (const member of members) {
    const protocol = protocolOf(member);
    ports.set(protocol, (ports.get(protocol) ?? new Set()).add(String(member.port)));
  }
  return [...ports]
    .map(([protocol, of]) =>
      protocol.startsWith("port ") ? protocol : `${protocol} ${[...of].join(" and ")}`,
    )
    .join(", ");
}

/**
 * Servers whose certificate differs from most others behind the same vserver, if all must be identical: one cause per server.
 */
function certificateCauses({ members, vservers }: Pick<LiveState, "members" | "vservers">) {
  const causes = new Map<string, { servers: readonly string[]; members: LiveMember[] }>();
  for (const { adc, vserver, certificateDiffers } of vservers) {
    if (certificateDiffers !== true) {
      continue;
    }
    const here = members.filter((one) => one.adc === adc && one.vservers.includes(vserver));
    const odd = differingCertificates(here);
    const servers = [...new Set(odd.map(({ server }) => server))].sort();
    const cause = causes.get(servers.join()) ?? { servers, members: [] };
    cause.members.push(...odd.filter((one) => !cause.members.includes(one)));
    causes.set(servers.join(), cause);
  }
  return [...causes.values()].map(({ servers, members: odd }): Attention => {
    const who = servers.length === 0 ? "The ADC" : servers.slice(0, 3).join(" and ");
    const verb = servers.length > 1 ? "present" : "presents";
    const sentence = `${who} ${verb} another certificate than the other servers`;
    const services = servicesOf(odd);
    const title = services === "" ? sentence : `${sentence}: ${services}`;
    return {
      kind: "certificate",
      tone: "warn",
      servers,
      members: odd,
      sentence: title,
      title,
      since: null,
      rank: ESTATE_RANK,
    };
  });
}

/** Members whose certificate is not the one that most present under the same name. */
function differingCertificates(members: readonly LiveMember[]): readonly LiveMember[] {
  const shown = members.map((member) => ({ member, leaf: presentedCertificate(member) }));
  const counts = new Map<string, number>();
  for (const { leaf } of shown) {
    if (leaf !== null) {
      counts.set(leaf.sha256, (counts.get(leaf.sha256) ?? 0) + 1);
    }
  }
  const [common] = [...counts].sort(([, one], [, other]) => other - one);
  return shown.flatMap(({ member, leaf }) =>
    leaf !== null && leaf.sha256 !== common?.[0] ? [member] : [],
  );
}

/** The certificate that a member presented last. */
export function presentedCertificate({ probes }: LiveMember) {
  const newest = probes
    .flatMap(({ last }) => (last?.tls?.chain[0] === undefined ? [] : [last]))
    .sort((one, other) => other.startedAt - one.startedAt)[0];
  return newest?.tls?.chain[0] ?? null;
}
