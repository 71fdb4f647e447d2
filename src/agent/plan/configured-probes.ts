import type { Member, Port } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { LbVserver } from "../../estate/vserver.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import { ACCOUNT_TRANSACTIONS, type TransactionSpec } from "../../probes/transactions/spec.ts";
import { specOf } from "./configured-spec.ts";
import { bothNotes, proofWords } from "./login-tls.ts";
import { tlsSourceOf, type Recogniser } from "./look-probes.ts";
import { isMeant } from "./meant-members.ts";
import { asksThrough, whereItsPathLeads, type RunAtService } from "./path-routes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { probeId } from "./probe-id.ts";
import { publicReach } from "./public-reach.ts";
import type { PlanSettings, TransactionRun } from "./settings.ts";
import { portOfTransaction, securityOf } from "./transaction-ports.ts";
import { targetOf, vipCommon } from "./vip-common.ts";
import { adcFrontOf, securityThrough, vipReach, type VipReach } from "./vip-reach.ts";

const DEFAULT_EVERY_MS = 60_000;
const ROUND_TRIP_EVERY_MS = 300_000;
/** A login waits for Exchange's proxying, which gives up only after a minute. */
const DEFAULT_TIMEOUT_MS = 30_000;
const ROUND_TRIP_TIMEOUT_MS = 120_000;

const WAYS_THROUGH = [
  ["vip", vipReach],
  ["public", publicReach],
] as const;

/** The transactions that the operator asked for in `transactions.run`, at their members, VIPs and public addresses. */
export function configuredProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): PlannedProbe[] {
  return settings.runs
    .flatMap((run) => {
      const meant = [...estate.services.values()].flatMap((service): RunAtService[] => {
        const vservers = graph.vserversOfService(service.name);
        const members = service.members.filter((member) =>
          isMeant(run, service, member, vservers, recognise),
        );
        return members.length === 0
          ? []
          : [{ estate, settings, recognise, graph, run, service, members, vservers }];
      });
      const unrouted = new Set<string>();
      return whereItsPathLeads(meant).flatMap((at) => probesOfService(at, unrouted));
    })
    .filter(firstOfItsId());
}

/** `unrouted`: as `asksThrough` takes it. */
function probesOfService(at: RunAtService, unrouted: Set<string>): PlannedProbe[] {
  const planned: PlannedProbe[] = [];
  const isAsked = asksThrough(at, unrouted);
  if (at.run.vantages.includes("backend")) {
    planned.push(...at.members.map((member) => backendProbe(at, member)));
  }
  for (const name of at.vservers) {
    const vserver = at.estate.lbVservers.get(name);
    if (vserver === undefined) {
      continue;
    }
    for (const [vantage, reachOf] of WAYS_THROUGH) {
      if (at.run.vantages.includes(vantage)) {
        const reaches = reachOf(at.graph, at.estate, vserver, at.settings, pathOf(at));
        planned.push(
          ...reaches
            .filter((reach) => isAsked(vserver, reach))
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
  const unsupportedReason =
    port === "*" ? "the member's port is *: there is no port to ask" : missingAccount(at);
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
          ? { spec, target: { host: address, port, server: member.server } }
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
  const way = `${reach.entry.name} ${reach.address}`;
  const id = idOf(at, reach.vantage, vserver.name, way, reach.port);
  return {
    ...vipCommon(id, estate, vserver, reach),
    ...commonOf(at),
    note: bothNotes(reach.note, loginNote(spec)),
    tlsSource: tlsSourceOf(spec.security),
    action: {
      kind: "transaction",
      transaction: run.transaction,
      role: roleOf(run),
      account: run.account,
      run: unsupportedReason === null ? { spec, target: targetOf(reach) } : null,
      unsupportedReason,
    },
  };
}

/** What must be proven before the account's password is sent there; null where none is. */
function loginNote({ account, tls }: TransactionSpec): string | null {
  return account === null || tls === null ? null : proofWords(tls);
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
    intervalMs: run.everyMs ?? (roundTrip ? ROUND_TRIP_EVERY_MS : DEFAULT_EVERY_MS),
    timeoutMs: run.timeoutMs ?? (roundTrip ? ROUND_TRIP_TIMEOUT_MS : DEFAULT_TIMEOUT_MS),
    type: run.transaction,
    source: "agent",
    sourceAddresses: [],
  };
}

/** That a path is blocked proves nothing of the service, and that it is open no outage. */
function roleOf({ expect }: TransactionRun): "service" | "detection" {
  return expect === "blocked" ? "detection" : "service";
}

function missingAccount({ run, settings }: RunAtService): string | null {
  const needed: readonly string[] = ACCOUNT_TRANSACTIONS;
  if (run.account === null) {
    return needed.includes(run.transaction)
      ? "it needs an account: transactions.run[].account"
      : null;
  }
  return settings.accounts.has(run.account) ? null : `there is no account ${run.account}`;
}

/** A credential goes only to imported targets: no line of the ADC's configuration vouches for a public address. */
function notForAccounts({ run }: RunAtService, { vantage, address }: VipReach): string | null {
  return vantage === "public" && run.account !== null
    ? `a credential goes only to imported targets, and ${address} is none`
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

/** The same transaction at the same VIP, asked for through two services, is one probe. */
function firstOfItsId(): (probe: PlannedProbe) => boolean {
  const seen = new Set<string>();
  return ({ id }) => {
    const fresh = !seen.has(id);
    seen.add(id);
    return fresh;
  };
}
