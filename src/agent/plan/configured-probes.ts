import type { AdcService, Member, Port } from "../../model/adc-service.ts";
import {
  type TransactionName,
  type TransactionSpec,
  ACCOUNT_TRANSACTIONS,
} from "../../model/transactions.ts";
import {
  type Recogniser,
  anonymousSpec,
  MAPPER_PORT,
  monitoredPorts,
  clientTls,
  takesOldTls,
  tlsSourceOf,
} from "./look-probes.ts";
import {
  matchesPattern,
  type PlanSettings,
  announcedToService,
  loginTls,
  memberLoginEndpoint,
  vserverLoginEndpoint,
  type LoginEndpoint,
  joinNotes,
  proofText,
} from "./settings.ts";
import type { ServerTrust, TransactionRunConfig } from "../../config/schema.ts";
import { isWebLook } from "../../probes/transactions/web-session.ts";
import { type RunAtService, reachFilter, limitToRoutedServices } from "./content-switching.ts";
import {
  namesThrough,
  type VipReach,
  targetOf,
  vipProbe,
  adcFrontOf,
  securityThrough,
  vipReach,
  publicReach,
} from "./vip-reach.ts";
import type { Estate } from "../../model/estate.ts";
import type { LbVserver } from "../../model/vserver.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";

/**
 * Whether a run selects this member: by what it names, or else because the member speaks the transaction's protocol.
 */
function isSelected(
  run: TransactionRunConfig,
  service: AdcService,
  member: Member,
  vservers: readonly string[],
  recognise: Recogniser,
): boolean {
  const { servers, ports, adcServices, vservers: wanted } = run.members;
  const named = (patterns: readonly string[], names: readonly string[]): boolean =>
    patterns.length === 0 ||
    patterns.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  return (
    named(servers, [member.server, member.address ?? member.server]) &&
    named(adcServices, [service.name]) &&
    named(wanted, vservers) &&
    (ports.length > 0
      ? typeof member.port === "number" && ports.includes(member.port)
      : speaks(run, service, member, recognise))
  );
}

function speaks(
  run: TransactionRunConfig,
  service: AdcService,
  member: Member,
  recognise: Recogniser,
): boolean {
  const ports = USUAL_PORTS.get(run.transaction);
  if (ports === undefined) {
    const { protocol, exchange } = recognise(service, member);
    const isNamed = run.members.servers.length > 0 || run.members.adcServices.length > 0;
    return (
      protocol === "https" && (exchange !== "no" || isNamed || run.transaction === "web_answer")
    );
  }
  return member.port === "*" ? run.transaction === "rpc_endpoint_map" : ports.includes(member.port);
}

/** The usual ports of each transaction. Transactions over HTTPS apply wherever Exchange is recognised. */
const USUAL_PORTS: ReadonlyMap<TransactionName, readonly number[]> = new Map([
  ["imap_login", [143, 993]],
  ["imap_greeting", [143, 993]],
  ["pop3_login", [110, 995]],
  ["pop3_greeting", [110, 995]],
  ["smtp_submission", [587]],
  ["smtp_mail_from", [25, 465, 587]],
  ["smtp_greeting", [25, 465, 587]],
  ["mail_round_trip", [587]],
  ["ldap_bind", [389, 636, 3268, 3269]],
  ["ldap_root", [389, 636, 3268, 3269]],
  ["dns_lookup", [53]],
  ["ntp_time", [123]],
  ["rpc_endpoint_map", [MAPPER_PORT]],
]);

/** The port to connect to if the member has none of its own; null if the protocol has no usual port. */
function portOfTransaction(transaction: TransactionName): number | null {
  return USUAL_PORTS.get(transaction)?.[0] ?? null;
}

/**
 * How the connection is secured, by port. A look has no secret to protect: it uses STARTTLS if offered, and port 465 as
 * the server is configured.
 */
function securityOf(
  run: TransactionRunConfig,
  service: AdcService,
  port: number | "*",
): TransactionSpec["security"] {
  const security = securityAt(service, port);
  if (security !== "starttls" || run.account !== null) {
    return security;
  }
  return port === 465 ? "implicit" : "starttls_if_offered";
}

function securityAt(service: AdcService, port: number | "*"): TransactionSpec["security"] {
  switch (port) {
    case 993:
    case 995:
    case 443:
    case 636:
    case 3269:
      return "implicit";
    case 143:
    case 110:
    case 587:
    case 25:
    case 465:
    case 389:
    case 3268:
      return "starttls";
    default:
      return service.serviceType === "SSL" ? "implicit" : "none";
  }
}

/** The route through the ADC, and the load-balancing vserver it leads to. */
interface VipRoute {
  readonly reach: VipReach;
  readonly vserver: string;
}

/** What a configured transaction sends and how, at a member or through the ADC. */
function specOf(
  at: RunAtService,
  member: Member | undefined,
  host: string,
  security: TransactionSpec["security"],
  adc: TransactionSpec["adc"],
  route?: VipRoute,
): TransactionSpec {
  const { run, settings, service, recognise } = at;
  const reach = route?.reach;
  const recognition =
    member === undefined
      ? ({ version: null, protocol: null, path: null, security, exchange: "shown" } as const)
      : recognise(service, member);
  const own = at.vservers
    .map((name) => settings.vservers.get(name))
    .find((each) => each !== undefined);
  const account = run.account === null ? null : (settings.accounts.get(run.account) ?? null);
  const tls = {
    ...clientTls(
      host,
      takesOldTls(run.transaction, recognition, reach?.port ?? member?.port ?? "*"),
      own?.ca ?? null,
      reach?.name ? [reach.name] : (own?.names ?? []),
    ),
    ...(reach === undefined
      ? {}
      : { checkedNames: at.vservers.flatMap((name) => namesThrough(settings, name, reach)) }),
  };
  return {
    ...anonymousSpec(run.transaction, recognition),
    security,
    path: run.path ?? (isWebLook(run.transaction) ? (reach?.path ?? recognition.path) : null),
    tls:
      security === "none"
        ? null
        : account === null
          ? tls
          : loginTls(tls, loginEndpointOf(at, member, host, route, account)),
    host,
    account,
    allowPlaintext: run.allowPlaintext,
    expect: run.expect,
    adc,
    options:
      run.transaction === "rpc_endpoint_map"
        ? { ...monitoredPorts(at.estate, at.service), ...run.options }
        : run.options,
  };
}

/** The trust settings and names of the endpoint, and last those of the account. */
function loginEndpointOf(
  { settings, vservers }: RunAtService,
  member: Member | undefined,
  host: string,
  route: VipRoute | undefined,
  account: ServerTrust,
): LoginEndpoint {
  const { trusts, names } =
    route !== undefined
      ? vserverLoginEndpoint(settings, route.vserver, route.reach.entry.name, [route.reach.name])
      : member === undefined
        ? { trusts: [], names: [] }
        : memberLoginEndpoint(settings, member, vservers);
  return { trusts: [...trusts, account], names: [host, ...names] };
}

const DEFAULT_INTERVAL_MS = 60_000;
const ROUND_TRIP_INTERVAL_MS = 300_000;
/** Exchange may proxy a login to another server, and gives up on that only after a minute. */
const DEFAULT_TIMEOUT_MS = 30_000;
const ROUND_TRIP_TIMEOUT_MS = 120_000;

const VIP_VANTAGES = [
  ["vip", vipReach],
  ["public", publicReach],
] as const;

/** The transactions that `transactions.run` configures, at their members, VIPs and public addresses. */
export function configuredProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): PlannedProbe[] {
  return settings.runs
    .flatMap((run) => {
      const selected = [...estate.services.values()].flatMap((service): RunAtService[] => {
        const vservers = graph.vserversOfService(service.name);
        const members = service.members.filter((member) =>
          isSelected(run, service, member, vservers, recognise),
        );
        return members.length === 0
          ? []
          : [{ estate, settings, recognise, graph, run, service, members, vservers }];
      });
      const unrouted = new Set<string>();
      return limitToRoutedServices(selected).flatMap((at) => probesOfService(at, unrouted));
    })
    .filter(isFirstWithId());
}

/** `unrouted`: see `reachFilter`. */
function probesOfService(at: RunAtService, unrouted: Set<string>): PlannedProbe[] {
  const planned: PlannedProbe[] = [];
  const isUsed = reachFilter(at, unrouted);
  if (at.run.vantages.includes("backend")) {
    planned.push(...at.members.map((member) => backendProbe(at, member)));
  }
  for (const name of at.vservers) {
    const vserver = at.estate.lbVservers.get(name);
    if (vserver === undefined) {
      continue;
    }
    for (const [vantage, reachOf] of VIP_VANTAGES) {
      if (at.run.vantages.includes(vantage)) {
        const anyPort = portOfTransaction(at.run.transaction);
        const reaches = reachOf(at.graph, at.estate, vserver, at.settings, pathOf(at), anyPort);
        planned.push(
          ...reaches
            .filter((reach) => isUsed(vserver, reach))
            .map((reach) => frontProbe(at, vserver, reach)),
        );
      }
    }
  }
  return planned;
}

function backendProbe(at: RunAtService, member: Member): PlannedProbe {
  const { estate, run, service } = at;
  const address = member.address ?? member.domain ?? member.server;
  const port = member.port === "*" ? (portOfTransaction(run.transaction) ?? "*") : member.port;
  const host = run.host ?? hostOf(at) ?? address;
  const security = run.security ?? securityOf(run, service, port);
  const spec = specOf(at, member, host, security, null);
  const announced = announcedToService(estate, service);
  const unsupportedReason =
    port === "*" ? "the member's port is *, so there is no port to probe" : missingAccount(at);
  return {
    id: idOf(at, "backend", service.name, member.server, member.port),
    ...commonOf(at),
    adc: estate.adc,
    vantage: "backend",
    vserver: "",
    vservers: at.vservers,
    server: member.server,
    memberAddress: member.address ?? member.domain,
    memberPort: member.port,
    address,
    port,
    note: loginNote(spec),
    tlsSource: tlsSourceOf(spec.security),
    action: {
      kind: "transaction",
      transaction: run.transaction,
      role: roleOf(run),
      account: run.account,
      run:
        unsupportedReason === null && port !== "*"
          ? {
              spec,
              target: {
                host: address,
                port,
                server: member.server,
                ...announced,
                ...(member.family === undefined ? {} : { family: member.family }),
              },
            }
          : null,
      unsupportedReason,
    },
  };
}

function frontProbe(at: RunAtService, vserver: LbVserver, reach: VipReach): PlannedProbe {
  const { estate, run, service, members } = at;
  const [member] = members;
  const backend = member === undefined ? "none" : securityOf(run, service, member.port);
  const security = run.security ?? securityThrough(reach.entry, backend);
  const host = run.host ?? reach.host ?? reach.address;
  const front = { ...adcFrontOf(estate, vserver, true), redirectUrl: null };
  const spec = specOf(at, member, host, security, front, { reach, vserver: vserver.name });
  const unsupportedReason = reach.refused ?? missingAccount(at) ?? notForAccounts(at, reach);
  const entry = `${reach.entry.name} ${reach.address}`;
  return vipProbe(estate, vserver, reach, {
    id: idOf(at, reach.vantage, vserver.name, entry, reach.port),
    ...commonOf(at),
    note: joinNotes(reach.note, loginNote(spec)),
    tlsSource: tlsSourceOf(spec.security),
    action: {
      kind: "transaction",
      transaction: run.transaction,
      role: roleOf(run),
      account: run.account,
      run: unsupportedReason === null ? { spec, target: targetOf(reach) } : null,
      unsupportedReason,
    },
  });
}

/** What the server must prove before the account's password is sent; null if no password is sent. */
function loginNote({ account, tls }: TransactionSpec): string | null {
  return account === null || tls === null ? null : proofText(tls);
}

function idOf(
  { estate, run }: RunAtService,
  vantage: PlannedProbe["vantage"],
  owner: string,
  server: string,
  port: Port,
): string {
  const suffix = [run.account, run.path, run.expect === "blocked" ? "blocked" : null]
    .filter((part) => part !== null)
    .join(" ");
  return probeId(estate.adc, vantage, owner, server, port, `${run.transaction} ${suffix}`.trim());
}

function commonOf({ run, service }: RunAtService) {
  const roundTrip = run.transaction === "mail_round_trip";
  return {
    adcService: service.name,
    intervalMs: run.everyMs ?? (roundTrip ? ROUND_TRIP_INTERVAL_MS : DEFAULT_INTERVAL_MS),
    timeoutMs: run.timeoutMs ?? (roundTrip ? ROUND_TRIP_TIMEOUT_MS : DEFAULT_TIMEOUT_MS),
    type: run.transaction,
    source: "agent",
    sourceAddresses: [],
  };
}

/** A blocked path proves nothing about the service, and an open one is no outage. */
function roleOf({ expect }: TransactionRunConfig): "service" | "detection" {
  return expect === "blocked" ? "detection" : "service";
}

function missingAccount({ run, settings }: RunAtService): string | null {
  const needed: readonly string[] = ACCOUNT_TRANSACTIONS;
  if (run.account === null) {
    return needed.includes(run.transaction)
      ? "requires an account: transactions.run[].account"
      : null;
  }
  return settings.accounts.has(run.account) ? null : `unknown account ${run.account}`;
}

/** Credentials are sent to imported targets only: the ADC's configuration does not vouch for a public address. */
function notForAccounts({ run }: RunAtService, { vantage, address }: VipReach): string | null {
  return vantage === "public" && run.account !== null
    ? `credentials are sent only to imported targets, and ${address} is not one`
    : null;
}

function hostOf({ settings, vservers }: RunAtService): string | null {
  return (
    vservers
      .map((name) => settings.vservers.get(name)?.host ?? null)
      .find((host) => host !== null) ?? null
  );
}

function pathOf({ run, service, members, recognise }: RunAtService): string | null {
  const [member] = members;
  return run.path ?? (member === undefined ? null : recognise(service, member).path);
}

/** The same transaction at the same VIP, configured for two services, is one probe. */
function isFirstWithId(): (probe: PlannedProbe) => boolean {
  const seen = new Set<string>();
  return ({ id }) => {
    const fresh = !seen.has(id);
    seen.add(id);
    return fresh;
  };
}
