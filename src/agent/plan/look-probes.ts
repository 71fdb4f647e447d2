import type { AdcService, Member } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import {
  createRecogniser,
  looksFor,
  type LearnedExchange,
  type Recognition,
} from "../../adc/recognise.ts";
import {
  isSubmissionPort,
  type ExchangeVersion,
  type TransactionName,
  type TransactionSpec,
} from "../../model/transactions.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { matchesMember } from "./pattern.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";
import { announcedToService } from "./proxy-protocol.ts";
import type { PlanSettings } from "./settings.ts";

/** Anonymous looks go no faster than this, however fast the member's monitors are. */
const LOOK_EVERY_AT_LEAST_MS = 10_000;
/** Mail servers that relay wait for a greeting far longer than anybody else (RFC 5321 section 4.5.3.2: five minutes). */
const SMTP_PATIENCE = 2;

/** How long a look waits: `look_timeout`, and twice that for SMTP. */
export function lookTimeout({ lookTimeoutMs }: PlanSettings, transaction: TransactionName): number {
  return transaction === "smtp_mail_from" ? SMTP_PATIENCE * lookTimeoutMs : lookTimeoutMs;
}

/** Where the RPC endpoint mapper listens. */
export const MAPPER_PORT = 135;

/** The static ports that a service's monitors ask at: what the endpoint mapper has to name. */
export function monitoredPorts(
  { monitors }: Estate,
  service: AdcService,
): TransactionSpec["options"] {
  const ports = service.monitors
    .flatMap(({ monitor }) => monitors.get(monitor)?.destPort ?? [])
    .filter((port) => port !== MAPPER_PORT);
  return ports.length === 0 ? {} : { expected_port: [...new Set(ports)].join(",") };
}

/** What each member of an estate is to Exchange. */
export type Recogniser = (service: AdcService, member: Member) => Recognition;

export function recogniserOf(
  estate: Estate,
  settings: PlanSettings,
  learned: LearnedExchange,
): Recogniser {
  return createRecogniser(estate, settings.members, learned);
}

/** The looks that every recognised Exchange member of a service gets, straight at the server. */
export function backendLookProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
  service: AdcService,
): PlannedProbe[] {
  const vservers = graph.vserversOfService(service.name);
  return service.members.flatMap((member) => {
    const recognition = recognise(service, member);
    return looksFor(recognition).map((transaction) =>
      lookProbe({ estate, settings, service, member, vservers, recognition, transaction }),
    );
  });
}

interface Look {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly service: AdcService;
  readonly member: Member;
  readonly vservers: readonly string[];
  readonly recognition: Recognition;
  readonly transaction: TransactionName;
}

function lookProbe(look: Look): PlannedProbe {
  const { estate, service, member, recognition, transaction } = look;
  const address = member.address ?? member.domain ?? member.server;
  const { port } = member;
  const unsupportedReason =
    port === "*" ? "the member's port is *, so there is no port to probe" : null;
  const host = clientHost(look) ?? address;
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
    intervalMs: lookInterval(estate, service),
    timeoutMs: lookTimeout(look.settings, transaction),
    type: transaction,
    source: "agent",
    sourceAddresses: [],
    tlsSource: tlsSourceOf(recognition.security),
    note: null,
    action: {
      kind: "transaction",
      transaction,
      role: transaction === "health_page" ? "detection" : "service",
      account: null,
      run:
        port === "*"
          ? null
          : {
              spec: {
                ...anonymousSpec(transaction, recognition),
                tls:
                  recognition.security === "none"
                    ? null
                    : clientTls(
                        host,
                        takesOldTls(transaction, recognition.version, port),
                        null,
                        [],
                      ),
                host,
              },
              target: {
                host: address,
                port,
                server: member.server,
                ...announcedToService(estate, service),
              },
            },
      unsupportedReason,
    },
  };
}

/** The name a client would use for this member: that of its vserver or member in the configuration. */
function clientHost({ settings, member, vservers }: Look): string | null {
  const own = settings.members.find(
    (each) => each.host !== null && matchesMember(each.match, member.server, member.port),
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

/** A look as often as the member's fastest monitor, within bounds. */
export function lookInterval(estate: Estate, service: AdcService): number {
  const intervals = service.monitors.flatMap(
    (binding) => estate.monitors.get(binding.monitor)?.intervalMs ?? [],
  );
  return Math.max(LOOK_EVERY_AT_LEAST_MS, Math.min(...intervals, 60_000));
}

/** A transaction without an account, as far as recognition decides it. */
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

/** Whose word TLS is spoken on, as the plan shows it; null where none is. */
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

/** Exchange 2010 may know nothing newer than TLS 1.0; and servers that relay to each other take any TLS before none. */
export function takesOldTls(
  transaction: TransactionName,
  version: ExchangeVersion | null,
  port: Member["port"],
): boolean {
  return version === "2010" || (transaction === "smtp_mail_from" && !isSubmissionPort(port));
}

/** TLS as a client of today speaks it; `old`: as one that still takes TLS 1.0. */
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

/** Server Name Indication carries names only (RFC 6066). */
function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+(\.\d+){3}$/.test(host);
}
