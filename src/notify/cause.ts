import {
  drainedServersOf,
  findingsOf,
  isDerivedFrom,
  sentenceOf,
  type Finding,
} from "../change/findings.ts";
import {
  type LiveAdc,
  type LiveMember,
  type LiveState,
  type LiveVserver,
  protocolOf,
} from "../model/live.ts";
import { REASON_WORDS } from "../model/reasons.ts";
import {
  severity,
  URGENCIES,
  urgencyOf,
  type Urgency,
  memberWords,
  VERDICT_WORDS,
  type Verdict,
} from "../model/verdicts.ts";
import { withPort } from "../lib/ip.ts";

/** One problem to report, which may affect several rows: a server, a vserver, or an ADC. */
export interface Cause {
  /** Stable while the problem lasts, even if its verdict changes. */
  readonly key: string;
  readonly adc: string;
  /** The server's, the vserver's or the ADC's name. */
  readonly name: string;
  readonly urgency: Urgency;
  /** Worst first; empty if it is not based on a verdict. */
  readonly verdicts: readonly Verdict[];
  readonly servers: readonly string[];
  readonly vservers: readonly string[];
  /** The members and vservers that are wrong, for {@link Causes.uncertain}. */
  readonly rows: readonly string[];
  /** Without a full stop. */
  readonly sentence: string;
  /** The rows that it summarises, a line each. */
  readonly lines: readonly string[];
  readonly advice: string;
  /** Milliseconds since the epoch; null: not known. */
  readonly since: number | null;
  /** Path of the page with details. */
  readonly path: string;
}

/** The causes at one moment. */
export interface Causes {
  readonly present: readonly Cause[];
  /** Whether a row of an absent cause may still be wrong, because its state is unknown. */
  readonly uncertain: (adc: string, row: string) => boolean;
}

/** Rows listed of one cause; a message is read on a phone. */
const MAX_LINES = 20;

/**
 * The causes of the present verdicts. Members of one server are one cause; a vserver that is wrong because of such a
 * server is a line of it, not a separate cause.
 */
export function causesOf(live: LiveState): Causes {
  if (live.cutOff) {
    return { present: [], uncertain: () => true };
  }
  const findings = [...findingsOf(live, "bad"), ...findingsOf(live, "warn")].filter(
    ({ verdict }) => urgencyOf(verdict) !== null,
  );
  const byServer = new Map<string, MemberFinding[]>();
  for (const finding of findings) {
    if (finding.kind === "members") {
      const key = serverKey(finding.adc, finding.server);
      byServer.set(key, [...(byServer.get(key) ?? []), finding]);
    }
  }
  const ofServers = [...byServer].map(([key, ofServer]) => ({
    members: ofServer.flatMap(({ members }) => members),
    cause: serverCause(key, ofServer),
  }));
  const ofVservers: Cause[] = [];
  for (const finding of findings) {
    if (finding.kind !== "vserver") {
      continue;
    }
    const behind = ofServers.filter(({ members }) => isDerivedFrom(finding, members));
    if (behind.length === 0) {
      const [drained] = drainedServersOf(finding);
      const key = drained === undefined ? null : serverKey(finding.adc, drained);
      const known = ofServers.find(({ cause }) => cause.key === key);
      if (known !== undefined) {
        behind.push(known);
      } else if (drained === undefined) {
        ofVservers.push(vserverCause(finding));
      } else {
        ofServers.push({ members: [], cause: drainedCause(finding, drained) });
      }
    }
    for (const server of behind) {
      server.cause = withVserver(server.cause, finding);
    }
  }
  const present = [
    ...ofServers.map(({ cause }) => cause),
    ...ofVservers,
    ...live.adcs.flatMap(adcCauses),
  ];
  return { present, uncertain: uncertaintyOf(live) };
}

type MemberFinding = Extract<Finding, { readonly kind: "members" }>;
type VserverFinding = Extract<Finding, { readonly kind: "vserver" }>;

function serverKey(adc: string, server: string): string {
  return JSON.stringify([adc, "server", server]);
}

function vserverKey(adc: string, vserver: string): string {
  return JSON.stringify([adc, "vserver", vserver]);
}

function serverCause(key: string, findings: readonly MemberFinding[]): Cause {
  const worst = findings.reduce((one, other) =>
    severity(other.verdict) < severity(one.verdict) ? other : one,
  );
  const alike = findings.filter(({ verdict }) => verdict === worst.verdict);
  const [first = worst.members[0], ...rest] = alike.flatMap(({ members }) => members);
  const members = findings.flatMap((finding) => finding.members);
  const since = alike.map((finding) => finding.since).filter((at) => at !== null);
  return {
    key,
    adc: worst.adc,
    name: worst.server,
    urgency: mostUrgent(findings.map(({ verdict }) => verdict)),
    verdicts: [...new Set(findings.map(({ verdict }) => verdict))],
    servers: [worst.server],
    vservers: [...new Set(members.flatMap((member) => member.vservers))],
    rows: members.map(memberRow),
    sentence: sentenceOf({ ...worst, members: [first, ...rest] }),
    lines: limitedLines(members.map(memberLine)),
    advice: memberWords(first).advice,
    since: since.length === 0 ? null : Math.min(...since),
    path: `/?server=${encodeURIComponent(worst.server)}`,
  };
}

function vserverCause(finding: VserverFinding): Cause {
  const { adc, vserver, verdict } = finding;
  return {
    key: vserverKey(adc, vserver.vserver),
    adc,
    name: vserver.vserver,
    urgency: mostUrgent([verdict]),
    verdicts: [verdict],
    servers: [],
    vservers: [vserver.vserver],
    rows: [vserverRow(vserver)],
    sentence: sentenceOf(finding),
    lines: [vserverLine(vserver)],
    advice: VERDICT_WORDS[verdict].advice,
    since: finding.since,
    path: `/vserver?adc=${encodeURIComponent(adc)}&vserver=${encodeURIComponent(vserver.vserver)}`,
  };
}

/** A vserver that still sends clients to a drained server belongs to that server's cause. */
function drainedCause(finding: VserverFinding, server: string): Cause {
  return {
    ...vserverCause(finding),
    key: serverKey(finding.adc, server),
    name: server,
    servers: [server],
    path: `/?server=${encodeURIComponent(server)}`,
  };
}

function withVserver(cause: Cause, { vserver, verdict }: VserverFinding): Cause {
  return {
    ...cause,
    urgency: mostUrgent([...cause.verdicts, verdict]),
    verdicts: [...new Set([...cause.verdicts, verdict])],
    vservers: [...new Set([...cause.vservers, vserver.vserver])],
    rows: [...cause.rows, vserverRow(vserver)],
    lines: limitedLines([...cause.lines, vserverLine(vserver)]),
  };
}

/** Without Prometheus nothing else reports that the ADC does not answer, or that two nodes are primary. */
function adcCauses(adc: LiveAdc): readonly Cause[] {
  const of = (sentence: string, urgency: Urgency, advice: string, since: number | null): Cause => ({
    key: JSON.stringify([adc.name, "adc"]),
    adc: adc.name,
    name: adc.name,
    urgency,
    verdicts: [],
    servers: [],
    vservers: [],
    rows: [ADC_ROW],
    sentence,
    lines: adc.lastError === null ? [] : [adc.lastError],
    advice,
    since,
    path: "/",
  });
  if (adc.splitBrain === true) {
    return [
      of(
        `Both nodes of NetScaler ${adc.name} claim to be primary`,
        "critical",
        "Check the link between the nodes: while both are primary, both own the same addresses.",
        null,
      ),
    ];
  }
  return adc.up === false
    ? [
        of(
          `NetScaler ${adc.name} does not report its state to this agent`,
          "warning",
          "Check its management address, the account and the certificate; until then no verdict about it is possible.",
          adc.lastPollAt,
        ),
      ]
    : [];
}

function memberLine(member: LiveMember): string {
  const { server, port, adcService, adcOpinion, replica, service, reason } = member;
  const why = reason === null ? "" : `: ${REASON_WORDS[reason].label}`;
  return (
    `${protocolOf(member)} ${withPort(server, port)} (${adcService}): ${memberWords(member).label}; ` +
    `ADC ${adcOpinion}, monitor here ${replica}, service ${service}${why}`
  );
}

function vserverLine(vserver: LiveVserver): string {
  const { label } = VERDICT_WORDS[vserver.verdict];
  const why = vserver.reason === null ? "" : `: ${REASON_WORDS[vserver.reason].label}`;
  return `${protocolOf(vserver)} vserver ${vserver.vserver}: ${label}${why}`;
}

function limitedLines(lines: readonly string[]): readonly string[] {
  return lines.length <= MAX_LINES
    ? lines
    : [...lines.slice(0, MAX_LINES), `and ${String(lines.length - MAX_LINES)} more`];
}

function mostUrgent(verdicts: readonly Verdict[]): Urgency {
  const ranks = verdicts.map((verdict) => URGENCIES.indexOf(urgencyOf(verdict) ?? "info"));
  return URGENCIES[Math.max(0, ...ranks)] ?? "info";
}

/** Before the import of an ADC's estate its rows are unknown; afterwards a missing row has been removed. */
function uncertaintyOf(live: LiveState): Causes["uncertain"] {
  const isOpen = ({ verdict }: { readonly verdict: Verdict }): boolean =>
    verdict === "unknown" || verdict === "settling";
  const open = new Set([
    ...live.members.filter(isOpen).map((member) => rowOf(member.adc, memberRow(member))),
    ...live.vservers.filter(isOpen).map((vserver) => rowOf(vserver.adc, vserverRow(vserver))),
    ...live.adcs.filter(({ up }) => up === null).map(({ name }) => rowOf(name, ADC_ROW)),
  ]);
  const imported = new Set([...live.members, ...live.vservers].map(({ adc }) => adc));
  const configured = new Set(live.adcs.map(({ name }) => name));
  return (adc, row) =>
    configured.has(adc) && (open.has(rowOf(adc, row)) || (row !== ADC_ROW && !imported.has(adc)));
}

const ADC_ROW = "adc";

function memberRow({ adcService, server, port }: LiveMember): string {
  return `${adcService} ${withPort(server, port)}`;
}

function vserverRow({ vserver }: LiveVserver): string {
  return `vserver ${vserver}`;
}

function rowOf(adc: string, row: string): string {
  return `${adc}\n${row}`;
}
