import { codeRangeText, probeName, type PlannedProbe } from "../../src/agent/plan/planned-probe.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import { runProbe, type ProbeResult } from "../../src/agent/run-probe.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { BlindSpotMatrix, Cell, MatrixRow, MatrixTable } from "../../src/lint/matrix.ts";
import { createNetwork } from "../../src/net/dns.ts";
import type { Network } from "../../src/net/network.ts";
import { createRecogniser } from "../../src/adc/recognise.ts";
import { accountsFor, monitorCredentials } from "../accounts.ts";
import type { Condition } from "../exchange/condition.ts";
import {
  createOrganisation,
  startExchangeServer,
  type ExchangeServer,
} from "../exchange/exchange-server.ts";
import { serverRoles, type ServerRole } from "../network.ts";
import { FAILURES, listenerOf, withoutTls13, type Failure } from "./failures.ts";
import { unheld } from "../unheld.ts";

export interface MeasureOptions {
  /** The configuration whose monitors are measured. */
  readonly estate: Estate;
  /** The same with what lint advises added: monitors that only this one has are measured too, marked as advised. */
  readonly advised: Estate;
  /** Time for each probe, in milliseconds: generous for loopback, because speed is not measured. Default 4000. */
  readonly timeoutMs?: number;
}

const PROBES_AT_ONCE = 16;

/**
 * Runs every monitor that an estate binds to Exchange, and adc-witness's own looks, against the lab's Exchange servers:
 * one healthy, and one in each failure. Every cell is what that run gave. Opens loopback sockets only and closes them.
 */
export async function measureBlindSpots(options: MeasureOptions): Promise<BlindSpotMatrix> {
  const { measured, unmeasured } = candidates(options);
  const versions = new Set(measured.map(({ version }) => version));
  const server = await startServers(options.estate, versions);
  try {
    const tasks = measured.flatMap((candidate) => [
      { candidate, failure: null },
      ...failuresOf(candidate).map((failure) => ({ candidate, failure })),
    ]);
    const cells = new Map<string, Cell>();
    await inTurn(tasks, async ({ candidate, failure }) => {
      const run = () => measure(candidate, failure, server, options.timeoutMs ?? 4_000);
      const result = await unheld(run, (cell) => cell?.observation ?? null);
      cells.set(cellKey(candidate, failure), result === null ? "unknown" : cellOf(result));
    });
    return { tables: tablesOf(measured, cells), unmeasured };
  } finally {
    await server.close();
  }
}

type Version = ServerRole["version"];

interface Candidate {
  readonly origin: MatrixRow["origin"];
  /** Of the server that it is bound to. */
  readonly version: Version;
  readonly probe: PlannedProbe;
  readonly port: number;
}

function candidates({ estate, advised }: MeasureOptions): {
  measured: Candidate[];
  unmeasured: BlindSpotMatrix["unmeasured"];
} {
  const measured = new Map<string, Candidate>();
  const unmeasured = new Map<string, string>();
  const exchange = exchangeServices(advised);
  const versions = versionsByServer(estate);
  // Configured monitors come first: advice may remove a monitor, and readers ask about that one.
  for (const probe of [estate, advised].flatMap((one) => planProbes(one, labSettings(one)))) {
    const port = probe.action.run?.target.port ?? portOf(probe);
    const name = probeName(probe);
    if (probe.vantage !== "backend" || name === "health_page") {
      continue;
    }
    if (!exchange.has(probe.adcService)) {
      unmeasured.set(name, "its servers are no Exchange");
    } else if (probe.action.run === null) {
      unmeasured.set(name, probe.action.unsupportedReason ?? "it cannot be run");
    } else {
      const origin = originOf(probe, estate);
      const version = versions.get(probe.server ?? "") ?? "2016";
      // The same advice for two services is one row.
      const what = origin === "advised" ? whatItDoes(probe) : name;
      const key = `${what} ${String(port)} ${version}`;
      if (!measured.has(key)) {
        measured.set(key, { origin, version, probe, port });
      }
    }
  }
  return {
    measured: [...measured.values()],
    unmeasured: [...unmeasured].map(([probe, reason]) => ({ probe, reason })),
  };
}

/** A server without web services shows nothing about its version: it counts as one whose RPC port is balanced. */
function versionsByServer(estate: Estate): ReadonlyMap<string, Version> {
  const web = new Set(
    [...estate.services.values()].flatMap(({ members }) =>
      members.filter(({ port }) => port === 80 || port === 443).map(({ server }) => server),
    ),
  );
  const roles = serverRoles(estate);
  const hasOld = roles.some(({ version }) => version === "2010");
  return new Map(
    roles.map(({ server, version }) => [
      server.name,
      hasOld && !web.has(server.name) ? "2010" : version,
    ]),
  );
}

function originOf({ action }: PlannedProbe, estate: Estate): MatrixRow["origin"] {
  if (action.kind === "transaction") {
    return "look";
  }
  return estate.monitors.has(action.monitor.name) ? "bound" : "advised";
}

/** A PING has no port of its own; it is judged by the service for which it decides. */
function portOf({ memberPort }: PlannedProbe): number {
  return typeof memberPort === "number" ? memberPort : 0;
}

function exchangeServices(estate: Estate): ReadonlySet<string> {
  const recognise = createRecogniser(estate, [], new Set());
  const found = [...estate.services.values()].filter((service) =>
    service.members.some((member) => recognise(service, member).protocol !== null),
  );
  return new Set(found.map(({ name }) => name));
}

/** Login monitors get the accounts that the lab keeps for them. */
function labSettings(estate: Estate): PlanSettings {
  const credentials = Object.entries(monitorCredentials(estate)).map(
    ([name, { username, password }]) =>
      [
        name,
        {
          credential: { username, password: { reveal: () => password }, secret: null },
          command: null,
          // The lab's listeners all present one certificate, whatever the server's name in the estate.
          verify: false,
        },
      ] as const,
  );
  return { ...BARE_SETTINGS, monitors: new Map(credentials) };
}

function failuresOf({ port }: Candidate): Failure[] {
  return FAILURES.filter((failure) => failure.condition(listenerOf(port)) !== null);
}

interface Servers {
  /** A server of that version whose listeners all are in this failure; null is the healthy one. */
  of(version: Version, failure: Failure | null): ExchangeServer | undefined;
  close(): Promise<void>;
}

async function startServers(estate: Estate, versions: ReadonlySet<Version>): Promise<Servers> {
  const pinned = serverRoles(estate).find(({ rpcPort }) => rpcPort !== null)?.rpcPort ?? null;
  const organisation = createOrganisation({
    accounts: accountsFor(estate),
    mailboxServer: "ex01.lab.example.com",
  });
  const servers = new Map<Version, Map<Failure | null, ExchangeServer>>();
  for (const version of versions) {
    const own = new Map<Failure | null, ExchangeServer>();
    servers.set(version, own);
    for (const failure of [null, ...FAILURES]) {
      const server = await startExchangeServer({
        name: "ex01",
        fqdn: "ex01.lab.example.com",
        version,
        organisation,
        // As in the lab that plays a configuration: a login monitor for POP or IMAP does not use TLS.
        imapPopLoginType: "PlainTextLogin",
        ...(pinned === null || version !== "2010" ? {} : { rpcPort: pinned }),
      });
      own.set(failure, server);
      await breakServer(server, failure);
    }
  }
  return {
    of: (version, failure) => servers.get(version)?.get(failure),
    close: async () => {
      const all = [...servers.values()].flatMap((own) => [...own.values()]);
      await Promise.all(all.map((server) => server.close()));
    },
  };
}

async function breakServer(server: ExchangeServer, failure: Failure | null): Promise<void> {
  const conditions = new Map<ReturnType<typeof listenerOf>["group"], Condition>();
  for (const port of server.ports) {
    const listener = listenerOf(port);
    const condition = failure?.condition(listener) ?? null;
    if (condition !== null) {
      conditions.set(listener.group, condition);
    }
  }
  for (const [group, condition] of conditions) {
    await server.set(group, condition);
  }
}

async function measure(
  { probe, version }: Candidate,
  failure: Failure | null,
  servers: Servers,
  timeoutMs: number,
): Promise<ProbeResult | null> {
  const server = servers.of(version, failure);
  return server === undefined
    ? null
    : runProbe(
        failure?.limitsTls === true ? limited(probe) : probe,
        {
          network: networkTo(server),
          signal: new AbortController().signal,
          localAddress: null,
          now: Date.now,
          monotonic: () => performance.now(),
        },
        timeoutMs,
      );
}

/**
 * Elsewhere a rejected login is a fault of the agent, because the account may be wrong. The lab's account is right, so here it
 * is a failure of the server, as for the ADC.
 */
function cellOf({ passed, observation }: ProbeResult): Cell {
  if (passed === null) {
    return observation.reason === "auth_rejected" ? "fails" : "unknown";
  }
  return passed ? "passes" : "fails";
}

/** Maps the ports of every address to this server. */
function networkTo(server: ExchangeServer): Network {
  return {
    ...createNetwork({ connectTo: {}, unmapped: "refuse", now: () => performance.now() }),
    resolve: (_host, port, transport) => {
      const endpoint = transport === "icmp" ? { host: "127.0.0.1", port } : server.endpoint(port);
      return Promise.resolve(
        endpoint === null
          ? { kind: "forbidden", message: `the lab has no port ${String(port)}` }
          : { kind: "address", address: endpoint.host, port: endpoint.port, family: 4 },
      );
    },
    addresses: () => Promise.resolve({ kind: "mapped" }),
  };
}

function limited(probe: PlannedProbe): PlannedProbe {
  const { action } = probe;
  if (action.run === null || action.run.spec.tls === null) {
    return probe;
  }
  const tls = withoutTls13(action.run.spec.tls);
  return action.kind === "monitor"
    ? { ...probe, action: { ...action, run: { ...action.run, spec: { ...action.run.spec, tls } } } }
    : {
        ...probe,
        action: { ...action, run: { ...action.run, spec: { ...action.run.spec, tls } } },
      };
}

async function inTurn<T>(tasks: readonly T[], run: (task: T) => Promise<void>): Promise<void> {
  const waiting = tasks.values();
  await Promise.all(
    Array.from({ length: PROBES_AT_ONCE }, async () => {
      for (const task of waiting) {
        await run(task);
      }
    }),
  );
}

function cellKey({ probe, port, version }: Candidate, failure: Failure | null): string {
  return [probeName(probe), port, version, failure?.title ?? ""].join("|");
}

const TITLES: Readonly<Record<ReturnType<typeof listenerOf>["group"], string>> = {
  https: "Web",
  imap: "IMAP",
  pop3: "POP3",
  smtp: "SMTP",
  rpc_client_access: "RPC Client Access",
  endpoint_mapper: "Endpoint mapper",
};

const ORDER: readonly MatrixRow["origin"][] = ["bound", "advised", "look"];

function tablesOf(
  measured: readonly Candidate[],
  cells: ReadonlyMap<string, Cell>,
): readonly MatrixTable[] {
  const ports = [...new Set(measured.map(({ port }) => port))];
  const isMixed = new Set(measured.map(({ version }) => version)).size > 1;
  return ports.map((port) => {
    const own = measured
      .filter((candidate) => candidate.port === port)
      .sort((a, b) => ORDER.indexOf(a.origin) - ORDER.indexOf(b.origin));
    const failures = FAILURES.filter((failure) => failure.condition(listenerOf(port)) !== null);
    return {
      title: `${TITLES[listenerOf(port).group]} on ${String(port)}`,
      failures: failures.map(({ title }) => title),
      rows: own.map((candidate) => ({
        origin: candidate.origin,
        name: probeName(candidate.probe),
        // A single version is not shown.
        does: `${whatItDoes(candidate.probe)}${isMixed ? `, Exchange ${candidate.version}` : ""}`,
        healthy: cells.get(cellKey(candidate, null)) ?? "unknown",
        cells: failures.map((failure) => cells.get(cellKey(candidate, failure)) ?? "unknown"),
      })),
    };
  });
}

function whatItDoes({ action, type }: PlannedProbe): string {
  if (action.kind === "transaction") {
    return "as a client, without an account";
  }
  const { parameters, secure } = action.monitor;
  const { httpRequest, send, recv, respCodes } = parameters;
  const sends = httpRequest ?? send;
  const parts = [
    secure ? `${type} over TLS` : type,
    ...(sends === null ? [] : [JSON.stringify(sends)]),
    ...(recv === null ? [] : [`expects ${JSON.stringify(recv)}`]),
    ...(respCodes === null ? [] : [`expects ${respCodes.map(codeRangeText).join(" ")}`]),
  ];
  return parts.join(", ");
}
