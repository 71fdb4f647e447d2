import type { Estate } from "../../model/estate.ts";
import { type PlanSettings, joinNotes, monitorLoginTls, vserverLoginEndpoint } from "./settings.ts";
import type { Vserver, LbVserver } from "../../model/vserver.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import {
  hostOf,
  adcFrontOf,
  type VipReach,
  clientSpeaksTls,
  reachAt,
  vipProbe,
  vipProbeId,
  vipTls,
  targetOf,
  vipReach,
  securityThrough,
  endsTls,
  slowestInterval,
  servicesOf,
  publicReach,
} from "./vip-reach.ts";
import {
  anonymousSpec,
  type LookRecognition,
  type Recogniser,
  MAPPER_PORT,
  isLookAllowed,
  lookOptions,
  looksOf,
  takesOldTls,
  lookInterval,
  lookTimeout,
  tlsSourceOf,
  monitorHost,
} from "./look-probes.ts";
import { type RuleRequest, matchesRule } from "../../adc/rule-match.ts";
import { locationIn, textFor } from "../../adc/request-secrets.ts";
import { parseRule } from "../../adc/rule-expression.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import { asLoginVserver } from "../../adc/vserver-fields.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { TransactionName } from "../../model/transactions.ts";
import { isWebLook } from "../../probes/transactions/web-session.ts";
import { monitorTypeOf, isSupported } from "../../probes/monitors/registry.ts";
import {
  monitorCredential,
  type MonitorSpec,
  type MonitorType,
} from "../../probes/monitors/spec.ts";
import { sendsSecret, sourceOf, secretNote } from "./monitor-probes.ts";

/** Checks that a vserver that only redirects does so. A vserver without an address cannot be checked. */
function redirectProbe(estate: Estate, settings: PlanSettings, vserver: Vserver): PlannedProbe[] {
  const own = settings.vservers.get(vserver.name);
  const request = { path: own?.path ?? "/", host: hostOf(own) };
  const withoutServices = vserver.kind === "cs" || vserver.services.length === 0;
  const redirectUrl =
    responderRedirect(estate, [vserver], request, request.host ?? vserver.address ?? "") ??
    adcFrontOf(estate, vserver, !withoutServices).redirectUrl;
  const { port } = vserver;
  return redirectUrl === null || typeof port !== "number"
    ? []
    : redirectLook(estate, settings, vserver, { ...request, port, redirectUrl });
}

/**
 * `-redirectFromPort 80 -httpsRedirectUrl …`: a further port of a vserver. Its response says nothing about the services
 * behind it.
 */
function redirectFromPortProbe(
  estate: Estate,
  settings: PlanSettings,
  vserver: Vserver,
): PlannedProbe[] {
  const { redirectFromPort: port, httpsRedirectUrl: redirectUrl } = vserver;
  const own = settings.vservers.get(vserver.name);
  return port === null || redirectUrl === null
    ? []
    : redirectLook(estate, settings, vserver, {
        path: own?.path ?? "/",
        host: hostOf(own),
        port,
        redirectUrl,
      });
}

interface RedirectCheck {
  readonly path: string;
  readonly host: string | null;
  readonly port: number;
  /** The expected Location. */
  readonly redirectUrl: string;
}

function redirectLook(
  estate: Estate,
  settings: PlanSettings,
  vserver: Vserver,
  { path, host, port, redirectUrl }: RedirectCheck,
): PlannedProbe[] {
  if (vserver.address === null) {
    return [];
  }
  const at = { address: vserver.address, port };
  const reach = reachAt(vserver, at, { path, host, policyHost: null });
  const isOwnPort = port === vserver.port;
  const tls = isOwnPort && clientSpeaksTls(vserver, false);
  const withoutServices = vserver.kind === "cs" || vserver.services.length === 0;
  return [
    vipProbe(estate, vserver, reach, {
      id: vipProbeId(estate, vserver, reach, "https_challenge"),
      note: isOwnPort ? null : `-redirectFromPort ${String(port)}`,
      adcService: "",
      intervalMs: 30_000,
      timeoutMs: settings.lookTimeoutMs,
      type: "https_challenge",
      source: "agent",
      sourceAddresses: [],
      tlsSource: tls ? "with current TLS versions" : null,
      action: {
        kind: "transaction",
        transaction: "https_challenge",
        role: isOwnPort ? "service" : "detection",
        account: null,
        run: {
          spec: {
            ...anonymousSpec("https_challenge", {
              version: null,
              protocol: "https",
              path: reach.path,
              security: tls ? "implicit" : "none",
            }),
            tls: tls ? vipTls(settings, vserver, reach) : null,
            host: reach.host ?? reach.address,
            adc: { ...adcFrontOf(estate, vserver, !withoutServices), redirectUrl },
          },
          target: targetOf(reach),
        },
        unsupportedReason: null,
      },
    }),
  ];
}
/**
 * The URL that responder policies of the vservers on the way certainly redirect a request to, in the order in which the
 * ADC evaluates them: a literal URL, or one built from the request (`sentHost`: its Host header). Null: no redirect, or
 * to a URL built from something this agent does not know.
 */
function responderRedirect(
  estate: Estate,
  onTheWay: readonly Vserver[],
  request: RuleRequest,
  sentHost: string,
): string | null {
  for (const vserver of onTheWay) {
    const bound = [...vserver.policies].sort(
      (a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity),
    );
    for (const binding of bound) {
      const policy = estate.policies.get(binding.policy);
      if (policy?.feature !== "responder" || policy.action === null) {
        continue;
      }
      if (matchesRule(parseRule(policy.rule), request) !== true) {
        continue;
      }
      const action = estate.actions.get(policy.action);
      const expression = action?.target ?? action?.expression ?? null;
      const text =
        expression === null
          ? null
          : textFor(expression, { host: sentHost, path: request.path ?? "/" });
      if (action?.type === "redirect") {
        return text === "" ? null : text;
      }
      return action?.type === "respondwith" && text !== null ? locationIn(text) : null;
    }
  }
  return null;
}

/** One look per transaction that the vserver's services are recognised for, at its VIP and at its public addresses. */
function vipLookProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  vserver: LbVserver,
  services: readonly AdcService[],
): PlannedProbe[] {
  const seen = new Set<TransactionName>();
  return services.flatMap((service) => {
    const found = service.members
      .map((member) => recognise(service, member))
      .filter((each) => each.protocol !== null);
    const recognition = found.find(({ exchange }) => exchange !== "no") ?? found[0];
    if (recognition === undefined) {
      return [];
    }
    const { path } = recognition;
    const routes = [
      ...vipReach(graph, estate, vserver, settings, path, MAPPER_PORT),
      ...publicReach(graph, estate, vserver, settings, path, MAPPER_PORT),
    ];
    return vipLooksFor(vserver, recognition).flatMap((transaction) => {
      const isAllowed = isLookAllowed(settings, transaction, null, [vserver.name]);
      const options = lookOptions(estate, settings, service, null, recognition, transaction);
      if (seen.has(transaction) || !isAllowed || options === null) {
        return [];
      }
      seen.add(transaction);
      const intervalMs = vipLookInterval(estate, services, service);
      const look = {
        graph,
        estate,
        settings,
        vserver,
        service,
        intervalMs,
        recognition,
        transaction,
      };
      return routes.map((reach) => vipLook({ ...look, name: transaction }, reach));
    });
  });
}
/** Clients of RPC Client Access use all ports of a VIP, and query the endpoint mapper first. */
function vipLooksFor(
  { port }: LbVserver,
  recognition: LookRecognition,
): readonly TransactionName[] {
  return port === "*" && recognition.protocol === "rpc"
    ? ["rpc_endpoint_map"]
    : looksOf(recognition);
}

/** At most as often as the vserver's slowest monitor. */
export function vipLookInterval(
  estate: Estate,
  services: readonly AdcService[],
  service: AdcService,
): number {
  return Math.max(slowestInterval(estate, services), lookInterval(estate, service));
}

/** One look at a vserver: what is the same through all entries. */
export interface VipLook {
  readonly graph: VserverGraph;
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly vserver: LbVserver;
  readonly service: AdcService;
  /** {@link vipLookInterval} */
  readonly intervalMs: number;
  readonly recognition: LookRecognition;
  readonly transaction: TransactionName;
  /** The end of its identity: the transaction, and the path if it is sent for several. */
  readonly name: string;
}

/** One look through one entry. */
export function vipLook(look: VipLook, reach: VipReach): PlannedProbe {
  const { estate, settings, vserver, service, intervalMs, recognition, transaction, name } = look;
  const security = securityThrough(reach.entry, recognition.security);
  const old = !endsTls(reach.entry) && takesOldTls(transaction, recognition, reach.port);
  const front = adcFrontOf(estate, vserver, true);
  const path = pathThrough(reach, recognition.path);
  const isItsOwn = reach.entry.name === vserver.name;
  const host = reach.host ?? knownHost(look, reach, path);
  const redirectUrl =
    transaction === "https_challenge" || transaction === "web_answer"
      ? responderRedirect(estate, [reach.entry, vserver], { path, host }, host ?? reach.address)
      : null;
  return vipProbe(estate, vserver, reach, {
    id: vipProbeId(estate, vserver, reach, name),
    note: reach.note,
    adcService: service.name,
    intervalMs,
    timeoutMs: lookTimeout(settings, transaction),
    type: transaction,
    source: "agent",
    sourceAddresses: [],
    tlsSource: tlsSourceOf(security),
    action: {
      kind: "transaction",
      transaction,
      role: transaction === "health_page" ? "detection" : "service",
      account: null,
      run:
        reach.refused === null
          ? {
              spec: Object.assign(anonymousSpec(transaction, recognition), {
                options: lookOptions(estate, settings, service, null, recognition, transaction),
                security,
                path,
                tls: security === "none" ? null : vipTls(settings, vserver, reach, old),
                host: host ?? reach.address,
                // With content switching, the root may belong to other services.
                adc: { ...front, redirectUrl, rootIsItsOwn: isItsOwn },
              }),
              target: targetOf(reach),
            }
          : null,
      unsupportedReason: reach.refused,
    },
  });
}
/**
 * The host name that the monitors behind a vserver send, or else that GSLB answers with its address; null if there is
 * none, or if content switching might lead it elsewhere.
 */
function knownHost(
  { graph, estate, vserver, service, transaction }: VipLook,
  { entry, address, port }: VipReach,
  path: string | null,
): string | null {
  const isItsOwn = entry.name === vserver.name;
  const monitored = isItsOwn ? monitorHost(estate, service) : commonMonitorHost(estate, vserver);
  const host = monitored ?? (isWebLook(transaction) ? graph.domainAt(address, port) : null);
  if (host === null || isItsOwn) {
    return host;
  }
  const targets = graph.csTargets(entry.name, { path, host });
  return targets.length > 0 && targets.every((target) => target === vserver.name) ? host : null;
}

/** The host name that the monitors of all services send; null if there is none, or they differ. */
function commonMonitorHost(estate: Estate, vserver: LbVserver): string | null {
  const hosts = new Set(servicesOf(estate, vserver).map((each) => monitorHost(estate, each)));
  const [host] = hosts;
  return hosts.size === 1 ? (host ?? null) : null;
}

/** The path requested through content switching must match the policy; if it does, the member's own path is kept. */
function pathThrough(reach: VipReach, own: string | null): string | null {
  return reach.path ?? own;
}

/**
 * As long as a client would wait. If silence counts as success, each probe waits for the whole time-out, so the ADC's
 * is used.
 */
function vipTimeoutMs(
  { type }: MonitorType,
  { parameters, responseTimeoutMs }: Monitor,
  { lookTimeoutMs }: PlanSettings,
): number {
  const silencePasses = type === "UDP-ECV" && !parameters.recv;
  return silencePasses ? responseTimeoutMs : Math.max(responseTimeoutMs, lookTimeoutMs);
}

/** Each monitor of a vserver's services once, if its result through the ADC says something about the service. */
function vipMonitorProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
  services: readonly AdcService[],
): PlannedProbe[] {
  const seen = new Set<string>();
  const planned: PlannedProbe[] = [];
  const intervalMs = slowestInterval(estate, services);
  for (const service of services) {
    for (const binding of service.monitors) {
      const monitor = estate.monitors.get(binding.monitor);
      const type = monitor === undefined ? null : monitorTypeOf(monitor);
      if (monitor === undefined || type === null || !isSupported(type) || seen.has(monitor.name)) {
        continue;
      }
      const isMeaningful =
        (type.meaningfulAtVip && asksWhereClientsGo(service, monitor)) ||
        isTestedByRefusal(vserver, monitor);
      if (!isMeaningful || !binding.enabled || !monitor.enabled) {
        continue;
      }
      seen.add(monitor.name);
      for (const reach of vipReach(
        graph,
        estate,
        vserver,
        settings,
        requestPathOf(monitor.parameters),
        monitor.destPort,
      )) {
        const own = settings.monitors.get(monitor.name);
        const host = reach.host ?? reach.address;
        const credential = monitorCredential(monitor, own?.credential ?? null);
        const tls = clientSpeaksTls(reach.entry, monitor.secure)
          ? vipTls(settings, vserver, reach)
          : null;
        const endpoint = vserverLoginEndpoint(settings, vserver.name, reach.entry.name, [host]);
        const spec: MonitorSpec = {
          monitor,
          hostHeader: reach.address,
          tls:
            tls !== null && sendsSecret(monitor, credential)
              ? monitorLoginTls(tls, own?.verify, endpoint)
              : tls,
          credential,
          command: own?.command ?? null,
          ...(settings.quirks === undefined ? {} : { quirks: settings.quirks }),
          viaVip: { host: reach.host === null ? null : host, path: reach.path },
        };
        const unsupportedReason =
          reach.refused ??
          behindLogin(estate, vserver, monitor) ??
          switchedElsewhere(settings, vserver, monitor, reach) ??
          type.unsupported(spec);
        const { source, sourceAddresses } = sourceOf(estate, service, monitor, type);
        const probe = vipProbe(estate, vserver, reach, {
          id: vipProbeId(estate, vserver, reach, monitor.name),
          note: joinNotes(reach.note, secretNote(spec)),
          adcService: service.name,
          intervalMs,
          timeoutMs: vipTimeoutMs(type, monitor, settings),
          type: monitor.type,
          source,
          sourceAddresses,
          tlsSource: spec.tls === null ? null : "with current TLS versions",
          action: {
            kind: "monitor",
            monitor,
            weight: binding.weight,
            run: unsupportedReason === null ? { spec, target: targetOf(reach) } : null,
            unsupportedReason,
          },
        });
        planned.push(probe);
      }
    }
  }
  return planned;
}
/**
 * A VIP passes connections on to the members' own ports. A health port (`-destPort 8008` for a database) is behind no
 * VIP, and another server (`-destIP`) is not where it leads: what that monitor asks would be refused there for ever.
 */
function asksWhereClientsGo({ members }: AdcService, { destIp, destPort }: Monitor): boolean {
  return (
    (destIp === null || members.some(({ address }) => address === destIp)) &&
    (destPort === null || members.some(({ port }) => port === "*" || port === destPort))
  );
}
/**
 * A VIP that listens on all ports may have no other check: the ADC completes every handshake itself, which proves
 * nothing, but a refused connection proves that the vserver is down.
 */
function isTestedByRefusal(
  { port }: LbVserver,
  { type, destPort, secure, reverse }: Monitor,
): boolean {
  return port === "*" && type === "TCP" && destPort !== null && !secure && !reverse;
}

/** If the ADC requires a login itself, a monitor reaches that login page and no server. */
function behindLogin(estate: Estate, vserver: LbVserver, monitor: Monitor): string | null {
  const isGuarded = adcFrontOf(estate, vserver, true).authentication !== "none";
  return isGuarded && /^(?:HTTP|TCP-ECV)/.test(monitor.type.toUpperCase())
    ? `${vserver.name} requires a login, which ${monitor.name} does not perform`
    : null;
}

/**
 * A health page outside the directory that content switching leads to this vserver: clients do not reach it, and the
 * page of the directory is another one, with other words and codes. A path in the configuration is the operator's word.
 */
function switchedElsewhere(
  settings: PlanSettings,
  vserver: LbVserver,
  { parameters }: Monitor,
  { entry, path }: VipReach,
): string | null {
  const asked = requestPathOf(parameters);
  const isSwitched =
    entry.name !== vserver.name && (settings.vservers.get(vserver.name)?.path ?? null) === null;
  return isSwitched && asked !== null && path !== null && path !== asked
    ? "content switching leads another path than the one that this monitor requests"
    : null;
}

function requestPathOf(parameters: {
  httpRequest: string | null;
  send: string | null;
}): string | null {
  const request = parameters.httpRequest ?? parameters.send ?? "";
  return /^[A-Z]+ (\/\S*)/.exec(request)?.[1] ?? null;
}
/** Probes the login page of an authentication vserver, at its own address or through content switching. */
function loginProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
): PlannedProbe[] {
  const transaction = "web_answer";
  if (!isLookAllowed(settings, transaction, null, [vserver.name])) {
    return [];
  }
  return vipReach(graph, estate, vserver, settings, "/").map((reach) =>
    vipProbe(estate, vserver, reach, {
      id: vipProbeId(estate, vserver, reach, transaction),
      note: reach.note,
      adcService: "",
      intervalMs: 30_000,
      timeoutMs: lookTimeout(settings, transaction),
      type: transaction,
      source: "agent",
      sourceAddresses: [],
      tlsSource: "with current TLS versions",
      action: {
        kind: "transaction",
        transaction,
        role: "service",
        account: null,
        run: {
          spec: {
            ...anonymousSpec(transaction, {
              version: null,
              protocol: "https",
              path: reach.path ?? "/",
              security: "implicit",
            }),
            tls: vipTls(settings, vserver, reach),
            host: reach.host ?? reach.address,
            adc: { authentication: "own", authenticationHost: null, redirectUrl: null },
          },
          target: targetOf(reach),
        },
        unsupportedReason: null,
      },
    }),
  );
}
/**
 * The monitors and looks of every vserver, through the ADC as clients connect: only those whose success requires a
 * response from the application, because the ADC completes a TCP handshake itself. Yields them in batches.
 */
export function* vipProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
  servesNoClients: (service: AdcService) => boolean,
): Generator<readonly PlannedProbe[], void, undefined> {
  for (const vserver of [...estate.lbVservers.values(), ...estate.csVservers.values()]) {
    yield redirectFromPortProbe(estate, settings, vserver);
  }
  for (const vserver of estate.lbVservers.values()) {
    const services = servicesOf(estate, vserver).filter((service) => !servesNoClients(service));
    if (services.length === 0) {
      yield redirectProbe(estate, settings, vserver);
      continue;
    }
    yield vipMonitorProbes(graph, estate, settings, vserver, services);
    const looks = vipLookProbes(graph, estate, settings, recognise, vserver, services);
    // A responder policy that redirects usually has an always-up service behind it, which offers nothing to probe.
    const isExchange = looks.some(({ type }) => type !== "web_answer");
    const redirects = isExchange ? [] : redirectProbe(estate, settings, vserver);
    yield redirects.length > 0 ? redirects : looks;
  }
  for (const vserver of estate.authenticationVservers.values()) {
    yield loginProbes(graph, estate, settings, asLoginVserver(vserver));
  }
  for (const vserver of estate.csVservers.values()) {
    if (vserver.targets.length === 0 && vserver.defaultTarget === null) {
      yield redirectProbe(estate, settings, vserver);
    }
  }
}
