import {
  type LiveGslbSite,
  type LiveMember,
  type LiveState,
  type LiveVserver,
  protocolOf,
} from "../model/live.ts";
import { severity, MISMATCH_VERDICTS, WARNING_VERDICTS, type Verdict } from "../model/verdicts.ts";

/** Members of one server with the same verdict and reason, or one vserver; the subject of a card. */
export type Finding =
  | {
      readonly kind: "members";
      readonly verdict: Verdict;
      readonly adc: string;
      readonly server: string;
      /** At least one; the first represents all. */
      readonly members: readonly [LiveMember, ...LiveMember[]];
      readonly since: number | null;
    }
  | {
      readonly kind: "vserver";
      readonly verdict: Verdict;
      readonly adc: string;
      readonly vserver: LiveVserver;
      readonly since: number | null;
    };

/** Everything that needs attention: worst first, then oldest first. */
export function findingsOf(
  live: Pick<LiveState, "members" | "vservers">,
  tone: "bad" | "warn",
): readonly Finding[] {
  const verdicts = tone === "bad" ? MISMATCH_VERDICTS : WARNING_VERDICTS;
  const groups = new Map<string, [LiveMember, ...LiveMember[]]>();
  for (const member of live.members) {
    if (verdicts.has(member.verdict)) {
      const key = [member.adc, member.server, member.verdict, member.step, member.reason].join(
        "\u0000",
      );
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, [member]);
      } else {
        group.push(member);
      }
    }
  }
  const ofMembers = [...groups.values()].map((members): Finding => {
    const { adc, server, verdict } = members[0];
    return { kind: "members", verdict, adc, server, members, since: earliestSince(members) };
  });
  const ofVservers = live.vservers
    .filter((vserver) => verdicts.has(vserver.verdict))
    .map((vserver): Finding => {
      const { adc, verdict, since } = vserver;
      return { kind: "vserver", verdict, adc, vserver, since };
    });
  return [...ofMembers, ...ofVservers].sort(
    (one, other) =>
      rankOf(one) - rankOf(other) || (one.since ?? Infinity) - (other.since ?? Infinity),
  );
}

/** Sort rank of a finding; the lowest is the worst. */
export function rankOf({ verdict, ...of }: Finding): number {
  return of.kind === "vserver" && isDeadSite(of.vserver) ? -1 : severity(verdict);
}

/** A site that clients are sent to and that does not serve: it is reported before anything about its servers. */
function isDeadSite({ gslb, verdict }: LiveVserver): boolean {
  return verdict === "vip_up_members_down" && (gslb ?? null) !== null;
}

/** Verdicts of a vserver that come from the state of a member; the others are the ADC's own. */
const MEMBER_DERIVED_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "vip_served_by_drained_server",
  "vip_up_members_down",
  "vip_down_members_up",
  "vip_backup_active",
]);

/** Whether a vserver is wrong only because of these members. */
export function isDerivedFrom(
  { adc, vserver, verdict }: Extract<Finding, { readonly kind: "vserver" }>,
  members: readonly LiveMember[],
): boolean {
  return (
    MEMBER_DERIVED_VERDICTS.has(verdict) &&
    !isDeadSite(vserver) &&
    members.some((member) => member.adc === adc && member.vservers.includes(vserver.vserver))
  );
}

/** The servers that a vserver sends clients to although they are drained, where that is what is wrong with it. */
export function drainedServersOf({
  vserver,
  verdict,
}: Extract<Finding, { readonly kind: "vserver" }>): readonly string[] {
  return verdict === "vip_served_by_drained_server" ? [...(vserver.drainedServers ?? [])] : [];
}

function earliestSince(members: readonly LiveMember[]): number | null {
  const known = members.map((member) => member.since).filter((since) => since !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** A finding as a sentence without full stop, so that a time can be appended. */
export function sentenceOf(finding: Finding): string {
  const adc = `NetScaler ${finding.adc}`;
  if (finding.kind === "vserver") {
    const { vserver, members } = finding.vserver;
    const name = nameSentence(finding.vserver, adc);
    if (name !== null) {
      return name;
    }
    const drained = drainedServersOf(finding);
    if (drained.length > 0) {
      return `${adc} sends clients of ${vserver} (${protocolOf(finding.vserver)}) to ${enumerate(drained)}, out of service or in maintenance`;
    }
    return vserverSentence(
      { verdict: finding.verdict, kind: finding.vserver.kind },
      adc,
      `${vserver} (${protocolOf(finding.vserver)})`,
      members.reallyUp,
    );
  }
  const protocols = enumerate([...new Set(finding.members.map(protocolOf))]);
  return memberSentence(finding.verdict, adc, protocols, finding.server);
}

function memberSentence(verdict: Verdict, adc: string, protocols: string, server: string): string {
  switch (verdict) {
    case "routes_to_maintenance":
      return `${adc} sends ${protocols} clients to ${server}, which is in maintenance`;
    case "blind_monitor":
      return `${adc} sends ${protocols} clients to ${server}, which does not work, and its monitor cannot detect it`;
    case "false_up":
      return `${adc} says ${protocols} on ${server} is UP, but it is down`;
    case "false_down":
      return `${adc} says ${protocols} on ${server} is DOWN, but it works`;
    case "strict_monitor":
      return `${adc} sends no ${protocols} clients to ${server}, which works: the monitor is too strict`;
    case "return_overdue":
      return `${adc} still has ${server} out of service for ${protocols} although its maintenance is over`;
    case "maintenance_overrun":
      return `${server} should be back from maintenance, and ${protocols} does not work yet`;
    case "replica_differs":
      return `Only this agent's replica of the ${protocols} monitor fails on ${server}`;
    case "drained_undeclared":
      return `${server} is out of service for ${protocols} without declared maintenance`;
    default:
      return `${adc} and this agent differ about ${protocols} on ${server}`;
  }
}

function vserverSentence(
  { verdict, kind }: { readonly verdict: Verdict; readonly kind: LiveVserver["kind"] },
  adc: string,
  vserver: string,
  good: number,
): string {
  if (kind === "aaa" && verdict === "vip_login_broken") {
    return `The login of ${adc} at ${vserver} does not answer although ${adc} says UP`;
  }
  switch (verdict) {
    case "vip_served_by_drained_server":
      return `${adc} sends clients of ${vserver} to a server in maintenance`;
    case "vip_up_members_down":
      return `${adc} says ${vserver} is UP although no server behind it works`;
    case "vip_down_members_up":
      return `${adc} does not serve ${vserver} although ${String(good)} of its servers work`;
    case "vip_login_broken":
      return `Logins through ${adc} at ${vserver} fail although ${String(good)} of its servers work`;
    case "vip_site_withheld":
      return `${adc} sends no clients of ${vserver} to a site that works`;
    case "vip_wrong_certificate":
      return `${adc} presents the wrong certificate on ${vserver}`;
    case "vip_backup_active":
      return `The backup of ${vserver} is active`;
    default:
      return `${adc} and this agent differ about ${vserver}`;
  }
}

/** A GSLB vserver is described by its names and sites, which clients know. */
function nameSentence({ gslb, verdict }: LiveVserver, adc: string): string | null {
  if (gslb === undefined || gslb === null) {
    return null;
  }
  const names = enumerate([...new Set(gslb.domains)].slice(0, MAX_NAMES));
  const named = (which: (site: LiveGslbSite) => boolean): string =>
    enumerate([...new Set(gslb.sites.filter(which).map(({ site, server }) => site ?? server))]);
  const dead = named(({ handedOut, serves }) => handedOut === true && serves === "down");
  const idle = named(({ handedOut, serves }) => handedOut !== true && serves === "up");
  switch (verdict) {
    case "vip_up_members_down":
      return dead === ""
        ? `${adc} says ${names} is UP although no site serves`
        : `${adc} sends clients of ${names} to site ${dead}, which does not serve them`;
    case "vip_site_withheld":
      return `${adc} sends no clients of ${names} to site ${idle}, which works`;
    case "vip_down_members_up":
      return `${adc} answers no address for ${names} although site ${idle} works`;
    default:
      return null;
  }
}

/** A vserver may have many names; a sentence has a few. */
const MAX_NAMES = 3;

/** `IMAP`, `IMAP and POP3`, `IMAP, POP3 and SMTP`. */
function enumerate(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
