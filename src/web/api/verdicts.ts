import { z } from "zod";
import {
  NAME_COMPARISONS,
  SITE_SOURCES,
  TLS_ENDS,
  type LiveGslb,
  type LiveMember,
  type LivePersistence,
  type LiveProbe,
  type LiveState,
  type LiveVserver,
} from "../../model/live.ts";
import { VANTAGES } from "../../model/observation.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../model/verdicts.ts";
import {
  adcOpinion,
  type Answer,
  depth,
  instant,
  memberNames,
  moment,
  port,
  reason,
  service,
  step,
  upDown,
  vip,
  vserverNames,
} from "./shapes.ts";

const monitorShape = z.strictObject({
  monitor: z.string(),
  vantage: z.enum(VANTAGES),
  opinion: upDown,
  step,
  reason,
  held_back: z
    .string()
    .nullable()
    .describe("Why its last due login was not started; null: it was not held back."),
});

const byConfiguration = z
  .boolean()
  .describe("True if the verdict is unknown because of the configuration or a monitor's type.");

const excluded = z
  .string()
  .optional()
  .describe("Why the configuration excludes it from judging; absent: it is not excluded.");

const memberShape = z.strictObject({
  adc: z.string(),
  vserver: z.string().nullable(),
  vservers: z.array(z.string()),
  adc_service: z.string(),
  server: z.string(),
  address: z.string().nullable(),
  port,
  monitor: z.string().nullable().describe("The monitor or transaction that decided the verdict."),
  monitors: z.array(monitorShape),
  opinions: z.strictObject({ adc: adcOpinion, replica: upDown, service }),
  depth: z.strictObject({ adc: depth, replica: depth, service: depth }),
  adc_last_response: z.string().nullable(),
  excluded,
  verdict: z.enum(MEMBER_VERDICTS),
  step,
  reason,
  since: moment,
  unknown_by_configuration: byConfiguration,
  adc_since: moment.describe(
    "Since when the ADC has held its state of the member, as it reports; null if it does not report it.",
  ),
  away_since: moment.describe(
    "Since when it has been out of service, or DOWN and not working; null while it is neither.",
  ),
});

const vserverShape = z.strictObject({
  adc: z.string(),
  vserver: z.string(),
  address: z.string().nullable(),
  port: port.nullable(),
  adc_state: adcOpinion,
  vip,
  members_up: z.number().int(),
  members_total: z.number().int(),
  excluded,
  verdict: z.enum(VSERVER_VERDICTS),
  reason,
  since: moment,
  unknown_by_configuration: byConfiguration,
  client_address_kept: z
    .boolean()
    .nullable()
    .describe("Whether servers see the client's own address, as reported by SMTP servers."),
  misrouted: z
    .array(z.strictObject({ path: z.string().nullable(), server: z.string() }))
    .describe("Paths that policies switch here but that a server of another group answered last."),
  refuses_agent: z
    .string()
    .nullable()
    .describe(
      "How the ADC's configuration refuses this agent here, where that explains every failure.",
    ),
  failing_replicas: z
    .array(z.strictObject({ monitor: z.string(), reason }))
    .describe("Monitors that fail through this vserver although it works."),
  tls_ends: z.enum(TLS_ENDS).describe("Where client TLS is terminated, derived from the estate."),
  certificate_differs: z
    .boolean()
    .nullable()
    .describe("Whether certificates that must be identical differ; null if not applicable."),
  auth_schemes_differ: z
    .array(
      z.strictObject({
        server: z.string(),
        port,
        path: z.string(),
        offers: z.string(),
        others: z.string(),
      }),
    )
    .nullable()
    .describe(
      "Members that offer different login schemes from the rest of their group; null if nothing can be compared.",
    ),
  persistence: z
    .strictObject({
      type: z.string(),
      probes: z.enum(["running", "avoiding", "paused"]),
      sticks_to: z.array(z.strictObject({ source: z.string(), server: z.string().nullable() })),
      observable: z
        .boolean()
        .describe("False if probes from one address always reach the same server."),
    })
    .nullable()
    .describe("Source-address persistence of the vserver."),
  public_names: z
    .array(
      z.strictObject({
        name: z.string(),
        dns: z.enum(NAME_COMPARISONS),
        addresses: z.array(z.strictObject({ address: z.string(), vip: z.boolean() })),
        unprobed: z.number().int(),
        message: z.string().nullable(),
      }),
    )
    .describe("Names that clients use, with the addresses DNS returns."),
  gslb: z
    .strictObject({
      domains: z.array(z.string()),
      method: z.string(),
      sites: z.array(
        z.strictObject({
          site: z.string().nullable(),
          adc_service: z.string(),
          server: z.string(),
          port,
          addresses: z.array(z.string()).describe("What DNS answers for this site."),
          address_states: z
            .array(z.strictObject({ address: z.string(), state: upDown, reason }))
            .describe("Result of looks at its public address and at those of DNS views."),
          adc_state: adcOpinion,
          mep: z.enum(["up", "down"]).nullable().describe("Metric exchange with the site."),
          handed_out: z.boolean().nullable(),
          serves: upDown,
          known_by: z
            .enum(SITE_SOURCES)
            .describe(
              "Source of whether it serves: a vserver of a configured ADC, probes, only the metric exchange (mep), or nothing.",
            ),
          reason,
          behind: z
            .strictObject({ adc: z.string(), vserver: z.string() })
            .nullable()
            .describe("The vserver of a configured ADC that has this VIP."),
        }),
      ),
      answers: z.array(
        z.strictObject({
          domain: z.string(),
          address: z.string(),
          port: z.number().int(),
          transport: z.enum(["udp", "tcp"]),
          answered: z.array(z.string()).nullable(),
          failure: reason,
        }),
      ),
      unasked: z
        .array(z.strictObject({ why: z.string(), questions: z.number().int() }))
        .describe("Questions that are not put to the ADC's DNS, and why."),
    })
    .nullable()
    .describe("Names, sites and DNS answers of a GSLB vserver; null for all others."),
});

/** The answer of `compare --json` and `/api/v1/verdicts`. Field names are a contract. */
export const verdictsAnswer = z.strictObject({
  rows: z.array(memberShape),
  vservers: z.array(vserverShape),
  summary: z
    .record(z.string(), z.number().int().positive())
    .describe("Number of rows and vservers with each verdict; verdicts without any are absent."),
  adcs: z.array(
    z.strictObject({
      adc: z.string(),
      up: z
        .boolean()
        .nullable()
        .describe("Whether the last poll returned its state; null without NITRO."),
      last_poll: moment,
      error: z.string().nullable(),
      import_error: z
        .string()
        .nullable()
        .describe("Why its configuration could not be imported when last tried; null if it could."),
    }),
  ),
  gaps: z.array(
    z.strictObject({
      adc: z.string(),
      node: z.string(),
      resource: z.string(),
      code: z.string(),
      words: z.string(),
      unwatched: z.string().describe("What is not watched because the ADC does not return it."),
      blinds: z.boolean().describe("True if a whole kind of vserver is missing."),
    }),
  ),
  findings: z
    .array(
      z.strictObject({
        kind: z.enum(["mailbox_side", "adc_flapping"]),
        adc: z.string(),
        message: z.string(),
      }),
    )
    .describe("Findings that concern more than one row."),
});

export type CompareJson = Answer<typeof verdictsAnswer>;
export type MemberRow = Answer<typeof memberShape>;
export type VserverRow = Answer<typeof vserverShape>;

export function compareJson(
  live: Pick<LiveState, "members" | "vservers" | "adcs" | "findings">,
): CompareJson {
  const rows = live.members.map(memberRow);
  const vservers = live.vservers.map(vserverRow);
  return { rows, vservers, summary: verdictCounts([...rows, ...vservers]), ...sourcesJson(live) };
}

/** Data besides the rows: the ADCs, resources that they do not return, and findings that concern more than one row. */
export function sourcesJson({
  adcs,
  findings = [],
}: Pick<LiveState, "adcs" | "findings">): Pick<CompareJson, "adcs" | "gaps" | "findings"> {
  return {
    adcs: adcs.map(({ name, up, lastPollAt, lastError, importFailure = null }) => ({
      adc: name,
      up,
      last_poll: instant(lastPollAt),
      error: lastError,
      import_error: importFailure?.message ?? null,
    })),
    gaps: adcs.flatMap(({ name, gaps = [] }) => gaps.map((gap) => ({ adc: name, ...gap }))),
    findings: findings.map(({ kind, adc, message }) => ({ kind, adc, message })),
  };
}

/**
 * Whether the configuration causes an unknown verdict: there is no NITRO, nothing of the row can be probed, the monitor that
 * the ADC reports as DOWN cannot be repeated, or a configured login is not supported.
 */
function unknownByConfiguration({
  verdict,
  reason: why,
  probes,
}: Pick<LiveMember | LiveVserver, "verdict" | "reason" | "probes">): boolean {
  return (
    verdict === "unknown" &&
    (why === "not_configured" ||
      why === "excluded" ||
      why === "unsupported" ||
      why === "scheme_unsupported" ||
      probes.every(({ scheduled }) => !scheduled))
  );
}

export function memberRow(member: LiveMember): MemberRow {
  return {
    ...memberNames(member),
    vservers: member.vservers,
    address: member.address,
    monitor: member.decidedBy,
    monitors: member.probes.map(monitorRow),
    opinions: { adc: member.adcOpinion, replica: member.replica, service: member.service },
    depth: member.depth ?? { adc: null, replica: null, service: null },
    adc_last_response: member.adcLastResponse,
    ...excludedKey(member),
    verdict: member.verdict,
    step: member.step,
    reason: member.reason,
    since: instant(member.since),
    unknown_by_configuration: unknownByConfiguration(member),
    adc_since: instant(member.adcStateChangedAt),
    away_since: instant(member.awaySince ?? null),
  };
}

function excludedKey({ unjudged = null }: { readonly unjudged?: string | null }): {
  readonly excluded?: string;
} {
  return unjudged === null ? {} : { excluded: unjudged };
}

export function vserverRow(vserver: LiveVserver): VserverRow {
  return {
    ...vserverNames(vserver),
    address: vserver.address,
    adc_state: vserver.adcOpinion,
    vip: vserver.vip,
    members_up: vserver.members.reallyUp,
    members_total: vserver.members.configured,
    ...excludedKey(vserver),
    verdict: vserver.verdict,
    reason: vserver.reason,
    since: instant(vserver.since),
    unknown_by_configuration: unknownByConfiguration(vserver),
    client_address_kept: vserver.clientAddressKept ?? null,
    misrouted: vserver.misrouted ?? [],
    refuses_agent: vserver.refusesAgent ?? null,
    failing_replicas: [...(vserver.failingReplicas ?? [])],
    tls_ends: vserver.tlsEnds ?? "none",
    certificate_differs: vserver.certificateDiffers,
    auth_schemes_differ: vserver.oddSchemes ?? null,
    persistence: persistenceJson(vserver.persistence ?? null),
    public_names: vserver.publicNames ?? [],
    gslb: gslbJson(vserver.gslb ?? null),
  };
}

function gslbJson(gslb: LiveGslb | null): VserverRow["gslb"] {
  if (gslb === null) {
    return null;
  }
  const { domains, method, sites, answers, unasked } = gslb;
  return {
    domains,
    method,
    sites: sites.map((site) => ({
      site: site.site,
      adc_service: site.adcService,
      server: site.server,
      port: site.port,
      addresses: site.addresses,
      address_states: site.addressStates ?? [],
      adc_state: site.adcOpinion,
      mep: site.mep,
      handed_out: site.handedOut,
      serves: site.serves,
      known_by: site.knownBy,
      reason: site.reason,
      behind: site.behind,
    })),
    answers,
    unasked,
  };
}

function persistenceJson(persistence: LivePersistence | null): VserverRow["persistence"] {
  if (persistence === null) {
    return null;
  }
  const { type, probes, sticksTo, observable } = persistence;
  return { type, probes, sticks_to: sticksTo, observable };
}

/** Number of occurrences of each verdict, in order of first appearance. */
export function verdictCounts(
  rows: readonly { readonly verdict: string }[],
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { verdict } of rows) {
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function monitorRow(probe: LiveProbe): Answer<typeof monitorShape> {
  return {
    monitor: probe.kind === "monitor" ? probe.monitor : probe.transaction,
    vantage: probe.vantage,
    opinion: probe.opinion,
    step: probe.last?.step ?? null,
    reason: probe.last?.reason ?? (probe.notRepeated === null ? null : "unsupported"),
    held_back: probe.heldBack?.why ?? null,
  };
}
