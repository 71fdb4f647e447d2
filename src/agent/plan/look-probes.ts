import type { AdcService, Member } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import {
  createRecogniser,
  looksFor,
  overrideFor,
  pathsOfRules,
  type LearnedExchange,
  type Recognition,
} from "../../adc/recognise.ts";
import { createPlainRecogniser } from "../../adc/plain-services.ts";
import type { LookKind } from "../../config/schema.ts";
import {
  isSubmissionPort,
  type TransactionName,
  type TransactionSpec,
} from "../../model/transactions.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { hostName } from "../../lib/host-port.ts";
import { selectsMember, announcedToService, type PlanSettings } from "./settings.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";

/** The minimum interval of anonymous looks, however fast the member's monitors are. */
const MIN_LOOK_INTERVAL_MS = 10_000;
/** The maximum, however slow they are. */
const MAX_LOOK_INTERVAL_MS = 60_000;
/**
 * Clients of mail relays wait far longer for a greeting than other clients do (RFC 5321 section 4.5.3.2: five minutes).
 */
const SMTP_TIMEOUT_FACTOR = 2;

/** How long a look waits: `look_timeout`, and twice that for SMTP. */
export function lookTimeout({ lookTimeoutMs }: PlanSettings, transaction: TransactionName): number {
  return transaction === "smtp_mail_from" ? SMTP_TIMEOUT_FACTOR * lookTimeoutMs : lookTimeoutMs;
}

/** The port of the RPC endpoint mapper. */
export const MAPPER_PORT = 135;

/** The static ports that a service's monitors check: the endpoint mapper must list them. */
export function monitoredPorts(
  { monitors }: Estate,
  service: AdcService,
): TransactionSpec["options"] {
  const ports = service.monitors
    .flatMap(({ monitor }) => monitors.get(monitor)?.destPort ?? [])
    .filter((port) => port !== MAPPER_PORT);
  return ports.length === 0 ? {} : { expected_port: [...new Set(ports)].join(",") };
}

/** What a member is, and how that is known: from the configurations, from its responses, or it is not Exchange. */
export interface LookRecognition extends Recognition {
  readonly exchange: "shown" | "learned" | "no";
}

/** The role of each member of an estate in Exchange, or else the protocol that it speaks. */
export type Recogniser = (service: AdcService, member: Member) => LookRecognition;

export function recogniserOf(
  estate: Estate,
  settings: PlanSettings,
  learned: LearnedExchange,
): Recogniser {
  const rulePaths = pathsOfRules(estate);
  const byConfig = createRecogniser(estate, settings.members, new Set(), rulePaths);
  const byResponses =
    learned.size === 0 ? null : createRecogniser(estate, settings.members, learned, rulePaths);
  const plain = createPlainRecogniser(estate, rulePaths);
  const overrideOf = overrideFor(settings.members);
  const recognise: Recogniser = (service, member) => {
    const override = overrideOf(member);
    const security = override?.security ?? null;
    const found = ((): LookRecognition => {
      const configured = byConfig(service, member);
      if (configured.protocol !== null) {
        return { ...configured, exchange: "shown" };
      }
      const atRunTime = byResponses?.(service, member) ?? configured;
      return atRunTime.protocol === null
        ? { ...plain(service, member, override), exchange: "no" }
        : { ...atRunTime, exchange: "learned" };
    })();
    if (security === null && found.security === "starttls_if_offered") {
      // If the port says nothing: as the ADC or its monitor speaks to it.
      const observed = plain(service, member, {
        protocol: found.protocol,
        path: found.path,
      }).security;
      return { ...found, security: observed };
    }
    return security === null ? found : { ...found, security };
  };
  // Called once per vserver that a member serves: thousands of times in some estates.
  const known = new Map<Member, LookRecognition>();
  return (service, member) => {
    const before = known.get(member);
    if (before !== undefined) {
      return before;
    }
    const found = recognise(service, member);
    known.set(member, found);
    return found;
  };
}

/** The looks that a member gets by default. */
export function looksOf(recognition: LookRecognition): readonly TransactionName[] {
  return looksFor(recognition, recognition.exchange !== "no");
}

/** Whether looks of this kind are enabled for a member that serves these vservers, or through one of them. */
export function isLookAllowed(
  { looks, members, vservers }: PlanSettings,
  transaction: TransactionName,
  member: Pick<Member, "server" | "address" | "port"> | null,
  served: readonly string[],
): boolean {
  const kind = LOOK_KINDS.get(transaction);
  if (kind === undefined) {
    return true;
  }
  const own =
    member === null
      ? undefined
      : members.find(
          ({ match, looks: configured }) =>
            configured?.[kind] !== undefined && selectsMember(match, member),
        )?.looks?.[kind];
  const byVserver = served.map((name) => vservers.get(name)?.looks?.[kind]);
  const isOffForAll = byVserver.length > 0 && byVserver.every((look) => look === false);
  return own ?? (!isOffForAll && (byVserver.includes(true) || looks[kind]));
}

const LOOK_KINDS: ReadonlyMap<TransactionName, LookKind> = new Map<TransactionName, LookKind>([
  ["imap_greeting", "mail"],
  ["pop3_greeting", "mail"],
  ["smtp_greeting", "mail"],
  ["smtp_mail_from", "mail"],
  ["https_challenge", "web"],
  ["health_page", "web"],
  ["web_answer", "web"],
  ["ldap_root", "ldap"],
  ["dns_lookup", "dns"],
  ["ntp_time", "ntp"],
]);

/** The looks for every recognised member of a service, directly at the server. */
export function backendLookProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
  service: AdcService,
): PlannedProbe[] {
  const vservers = graph.vserversOfService(service.name);
  const shared = {
    intervalMs: lookInterval(estate, service),
    monitorHost: monitorHost(estate, service),
    announced: announcedToService(estate, service),
  };
  const planned: PlannedProbe[] = [];
  for (const member of service.members) {
    const recognition = recognise(service, member);
    for (const transaction of looksOf(recognition)) {
      const options = lookOptions(estate, settings, service, member, recognition, transaction);
      if (options !== null && isLookAllowed(settings, transaction, member, vservers)) {
        const look = { estate, settings, service, member, vservers, recognition, transaction };
        planned.push(lookProbe(look, shared, options));
      }
    }
  }
  return planned;
}

interface Look {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly service: AdcService;
  readonly member: Member;
  readonly vservers: readonly string[];
  readonly recognition: LookRecognition;
  readonly transaction: TransactionName;
}

/** What is the same for the looks at all members of a service. */
interface SharedByLooks {
  readonly intervalMs: number;
  /** The host name in its monitors' requests; null if they have none. */
  readonly monitorHost: string | null;
  readonly announced: ReturnType<typeof announcedToService>;
}

/** The options of a look besides its endpoint; null if there is nothing to query. `member` null: through a VIP. */
export function lookOptions(
  estate: Estate,
  { members }: PlanSettings,
  service: AdcService,
  member: Member | null,
  { exchange }: Pick<LookRecognition, "exchange">,
  transaction: TransactionName,
): TransactionSpec["options"] | null {
  const isMailGreeting = transaction === "imap_greeting" || transaction === "pop3_greeting";
  if (isMailGreeting && exchange === "no") {
    return { greeting_only: true };
  }
  if (transaction === "rpc_endpoint_map") {
    return monitoredPorts(estate, service);
  }
  if (transaction !== "dns_lookup") {
    return {};
  }
  const asked = member === null ? service.members : [member];
  const configured = members.find(
    ({ match, query }) => query !== undefined && asked.some((one) => selectsMember(match, one)),
  )?.query;
  const monitored = service.monitors
    .map(({ monitor }) => estate.monitors.get(monitor)?.parameters.query ?? null)
    .find((query) => query !== null);
  const query = configured ?? monitored;
  const transport =
    service.serviceType === "DNS_TCP" || service.serviceType === "TCP" ? "tcp" : "udp";
  return query === undefined || query === null ? null : { query, type: "SOA", transport };
}

function lookProbe(
  look: Look,
  shared: SharedByLooks,
  options: TransactionSpec["options"],
): PlannedProbe {
  const { estate, service, member, recognition, transaction } = look;
  const address = member.address ?? member.domain ?? member.server;
  const { port } = member;
  const unsupportedReason =
    port === "*" ? "the member's port is *, so there is no port to probe" : null;
  const host = clientHost(look) ?? shared.monitorHost ?? address;
  return {
    id: probeId(estate.adc, "backend", service.name, member.server, port, transaction),
    adc: estate.adc,
    vantage: "backend",
    vserver: "",
    vservers: look.vservers,
    adcService: service.name,
    server: member.server,
    memberAddress: member.address ?? member.domain,
    memberPort: port,
    address,
    port,
    intervalMs: shared.intervalMs,
    timeoutMs: lookTimeout(look.settings, transaction),
    type: transaction,
    source: "agent",
    sourceAddresses: [],
    tlsSource: tlsSourceOf(recognition.security),
    note: null,
    ...(member.enabled ? null : { memberDisabled: true as const }),
    action: {
      kind: "transaction",
      transaction,
      role: transaction === "health_page" ? "detection" : "service",
      account: null,
      run:
        port === "*"
          ? null
          : {
              spec: Object.assign(anonymousSpec(transaction, recognition), {
                options,
                tls:
                  recognition.security === "none"
                    ? null
                    : clientTls(host, takesOldTls(transaction, recognition, port), null, []),
                host,
              }),
              target: {
                host: address,
                port,
                server: member.server,
                ...shared.announced,
                ...(member.family === undefined ? {} : { family: member.family }),
              },
            },
      unsupportedReason,
    },
  };
}

/** The host name that the configuration has for a member: in its own entry, or in that of a vserver in front. */
function clientHost({ settings, member, vservers }: Look): string | null {
  const own = settings.members.find(
    (each) => each.host !== null && selectsMember(each.match, member),
  );
  if (own !== undefined) {
    return own.host;
  }
  for (const vserver of vservers) {
    const host = settings.vservers.get(vserver)?.host ?? null;
    if (host !== null) {
      return host;
    }
  }
  return null;
}

const HOST_LINE = /^host:[ \t]{0,8}([\w.-]{1,253})(?::\d{1,5})?[ \t]{0,8}$/im;

/** The host name in the requests of a service's monitors; null if there is none. */
export function monitorHost({ monitors }: Estate, service: AdcService): string | null {
  for (const { monitor } of service.monitors) {
    const { customHeaders, send, httpRequest } = monitors.get(monitor)?.parameters ?? {};
    const texts = [customHeaders ?? "", send ?? "", httpRequest ?? ""];
    const written = HOST_LINE.exec(texts.join("\n"))?.[1] ?? "";
    const host = hostName(written);
    if (host?.includes(".") === true) {
      return host;
    }
  }
  return null;
}

/** The interval of the member's fastest monitor, within bounds. */
export function lookInterval(estate: Estate, service: AdcService): number {
  let fastest = MAX_LOOK_INTERVAL_MS;
  for (const { monitor } of service.monitors) {
    fastest = Math.min(fastest, estate.monitors.get(monitor)?.intervalMs ?? fastest);
  }
  return Math.max(MIN_LOOK_INTERVAL_MS, fastest);
}

/** A transaction without an account, as far as recognition determines it. */
export function anonymousSpec(
  transaction: TransactionName,
  recognition: Recognition,
): Omit<TransactionSpec, "tls" | "host"> {
  return {
    transaction,
    security: recognition.security,
    path: recognition.path,
    account: null,
    allowPlaintext: false,
    expect: "works",
    exchange: recognition.version,
    adc: null,
    options: {},
  };
}

/** Why TLS is used, as the plan shows it; null without TLS. */
export function tlsSourceOf(security: TransactionSpec["security"]): string | null {
  switch (security) {
    case "none":
      return null;
    case "starttls_if_offered":
      return "with current TLS versions, if STARTTLS is offered";
    case "implicit":
    case "starttls":
      return "with current TLS versions";
  }
}

/**
 * Exchange 2010 may support no newer version than TLS 1.0, and so may a service that the configurations do not
 * describe. Servers that relay to each other prefer any TLS to none.
 */
export function takesOldTls(
  transaction: TransactionName,
  { version, exchange }: Pick<LookRecognition, "version" | "exchange">,
  port: Member["port"],
): boolean {
  return (
    version === "2010" ||
    exchange !== "shown" ||
    (transaction === "smtp_mail_from" && !isSubmissionPort(port))
  );
}

/** TLS as current clients speak it; `old`: as clients that still accept TLS 1.0. */
export function clientTls(
  host: string,
  old: boolean,
  ca: string | null,
  names: readonly string[],
): TlsSettings {
  return {
    minVersion: old ? "TLSv1" : "TLSv1.2",
    maxVersion: "TLSv1.3",
    serverName: isAddress(host) ? null : host,
    expectedNames: names.length > 0 ? names : isAddress(host) ? [] : [host],
    ca,
    rejectUnauthorized: false,
    legacy: old,
  };
}

/** Server Name Indication carries host names only (RFC 6066). */
function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+(\.\d+){3}$/.test(host);
}
