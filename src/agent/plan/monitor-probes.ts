import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import type { Estate, NetProfile } from "../../model/estate.ts";
import { isIP } from "../../lib/ip.ts";
import type { Monitor } from "../../model/monitor.ts";
import { adcItself } from "../../adc/idle-services.ts";
import { monitorWithDefaults } from "../../adc/monitor-defaults.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import {
  monitorCredential,
  type MonitorCredential,
  type MonitorSpec,
  type MonitorType,
} from "../../probes/monitors/spec.ts";
import { monitorTlsSettings, type MonitorTls } from "../../probes/monitors/monitor-tls.ts";
import { monitorRequestSecrets } from "../../probes/monitors/written-login.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import {
  joinNotes,
  memberLoginEndpoint,
  monitorLoginTls,
  proofText,
  announcedByMonitor,
  announcementNote,
  type PlanSettings,
} from "./settings.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";

/**
 * The backend replicas of a service: every monitor binding for every member. `servesNoClients`: whether a service only
 * exists to give its vserver a state.
 */
export function backendMonitorProbes(
  estate: Estate,
  settings: PlanSettings,
  graph: VserverGraph,
  servesNoClients: (service: AdcService) => boolean,
): (service: AdcService) => PlannedProbe[] {
  const disabled = disabledByType(estate);
  const isAdcItself = adcItself(estate);
  return (service) => {
    const isUnserving = servesNoClients(service);
    const vservers = graph.vserversOfService(service.name);
    return service.monitors.flatMap((binding) => {
      const monitor = estate.monitors.get(binding.monitor) ?? missingMonitor(binding.monitor);
      const kin = disabled.get(monitor.type) ?? [];
      const disabledSameType = kin.find((name) => name !== monitor.name) ?? null;
      const bound = {
        estate,
        settings,
        service,
        isUnserving,
        isAdcItself,
        vservers,
        binding,
        monitor,
        disabledSameType,
      };
      const shared = sharedByMembers(bound);
      return service.members.map((member) => backendMonitorProbe(bound, shared, member));
    });
  };
}

/** A placeholder for a monitor that is bound but not configured, so that its members are listed with the reason. */
function missingMonitor(name: string): Monitor {
  return monitorWithDefaults({ name, type: MISSING });
}

const MISSING = "(not configured)";

interface BoundMonitor {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly service: AdcService;
  /** The service only exists to give its vserver a state. */
  readonly isUnserving: boolean;
  readonly isAdcItself: (address: string) => boolean;
  readonly vservers: readonly string[];
  readonly binding: MonitorBinding;
  readonly monitor: Monitor;
  readonly disabledSameType: string | null;
}

/** What is the same for a bound monitor's probes of all members. */
interface SharedByMembers extends ProbeSource {
  readonly type: ReturnType<typeof monitorTypeOf>;
  readonly tls: MonitorTls | null;
  readonly sendsSecret: boolean;
  readonly spec: Required<
    Pick<MonitorSpec, "credential" | "command" | "closeMode" | "diagnosticNames">
  >;
  readonly announced: ReturnType<typeof announcedByMonitor>;
  readonly note: string | null;
}

function sharedByMembers(bound: BoundMonitor): SharedByMembers {
  const { estate, settings, service, monitor, vservers } = bound;
  const type = monitorTypeOf(monitor);
  const own = settings.monitors.get(monitor.name);
  const credential = monitorCredential(monitor, own?.credential ?? null);
  const { source, sourceAddresses } = sourceOf(
    estate,
    service,
    monitor,
    isSupported(type) ? type : null,
  );
  return {
    type,
    tls: monitor.secure
      ? monitorTlsSettings({
          service: service.tls,
          monitorProfile: profileOf(estate, monitor.sslProfile),
          serviceProfile: profileOf(estate, service.tls.sslProfile),
          firmware: estate.firmware,
          override: settings.monitorTls,
        })
      : null,
    sendsSecret: sendsSecret(monitor, credential),
    spec: {
      credential,
      command: own?.command ?? null,
      closeMode: service.monConnectionClose ?? estate.parameters.monitorConnectionClose,
      diagnosticNames: clientNames(settings, vservers),
    },
    source,
    sourceAddresses,
    announced: announcedByMonitor(estate, service, monitor),
    note: noteOf(bound),
  };
}

function backendMonitorProbe(
  bound: BoundMonitor,
  shared: SharedByMembers,
  member: Member,
): PlannedProbe {
  const { estate, service, binding, monitor } = bound;
  const { type } = shared;
  const address = monitor.destIp ?? member.address ?? member.domain ?? member.server;
  const port = monitor.destPort ?? member.port;
  const spec = monitorSpec(bound, shared, member);
  const off = switchedOff(binding, monitor);
  const isUnserving = bound.isUnserving && monitor.destIp === null;
  const aside = asideOf(
    off,
    isUnserving,
    service.serviceType.startsWith("ADNS") || bound.isAdcItself(address),
  );
  const unsupportedReason =
    off ??
    (monitor.type === MISSING ? `no monitor ${monitor.name} is configured` : null) ??
    portless(monitor, member) ??
    (isUnserving ? SERVES_NO_CLIENTS : null) ??
    (isSupported(type) ? unsupportedWith(type, spec, port) : type.unsupported);
  const runnable = unsupportedReason === null;
  return {
    id: probeId(estate.adc, "backend", service.name, member.server, member.port, monitor.name),
    adc: estate.adc,
    vantage: "backend",
    vserver: "",
    vservers: bound.vservers,
    adcService: service.name,
    server: member.server,
    memberAddress: member.address ?? member.domain,
    memberPort: member.port,
    address,
    port,
    intervalMs: monitor.intervalMs,
    timeoutMs: monitor.responseTimeoutMs,
    type: monitor.type,
    source: shared.source,
    sourceAddresses: shared.sourceAddresses,
    tlsSource: shared.tls?.source ?? null,
    note: joinNotes(shared.note, shared.sendsSecret ? secretNote(spec) : null),
    ...(member.enabled ? null : { memberDisabled: true as const }),
    ...(aside === null ? null : { aside }),
    action: {
      kind: "monitor",
      monitor,
      weight: binding.weight,
      run: runnable
        ? {
            spec,
            target: {
              host: address,
              port: port === "*" ? 0 : port,
              server: member.server,
              ...shared.announced,
              ...(member.family === undefined ? {} : { family: member.family }),
            },
          }
        : null,
      unsupportedReason,
    },
  };
}

function monitorSpec(
  { settings, monitor, vservers }: BoundMonitor,
  shared: SharedByMembers,
  member: Member,
): MonitorSpec {
  const { credential, command, closeMode, diagnosticNames } = shared.spec;
  const hostHeader = member.address ?? member.domain ?? member.server;
  const tls = monitorTls();
  const viaVip = null;
  const spec = {
    monitor,
    hostHeader,
    tls,
    credential,
    command,
    viaVip,
    closeMode,
    diagnosticNames,
  };
  return settings.quirks === undefined ? spec : { ...spec, quirks: settings.quirks };

  function monitorTls(): MonitorSpec["tls"] {
    const plain = shared.tls?.settings ?? null;
    if (plain === null || !shared.sendsSecret) {
      return plain;
    }
    const verify = settings.monitors.get(monitor.name)?.verify;
    return monitorLoginTls(plain, verify, memberLoginEndpoint(settings, member, vservers));
  }
}

/** Client-facing names of the vservers in front: used as SNI if a handshake without SNI fails. */
function clientNames(settings: PlanSettings, vservers: readonly string[]): readonly string[] {
  const own = vservers.flatMap((name) => settings.vservers.get(name) ?? []);
  return [...new Set(own.flatMap(({ host, names }) => (host === null ? names : [host, ...names])))];
}

function profileOf(estate: Estate, name: string | null) {
  return name === null ? null : (estate.sslProfiles.get(name) ?? null);
}

function switchedOff(binding: MonitorBinding, monitor: Monitor): string | null {
  if (!binding.enabled) {
    return "the binding is disabled on the ADC (-monState DISABLED)";
  }
  return monitor.enabled ? null : "the monitor is disabled on the ADC (-state DISABLED)";
}

const SERVES_NO_CLIENTS = "this member serves no clients: it only gives its vserver a state";

function asideOf(
  off: string | null,
  isUnserving: boolean,
  asksAdcItself: boolean,
): NonNullable<PlannedProbe["aside"]> | null {
  return off !== null
    ? "switched_off"
    : isUnserving
      ? "serves_no_clients"
      : asksAdcItself
        ? "asks_adc_itself"
        : null;
}

/** Destinations that only the ADC can resolve. They are never probed from here, where they would mean this machine. */
function portless({ destPort, type }: Monitor, { portUnknown }: Member): string | null {
  if (portUnknown === undefined || destPort !== null || type === "PING") {
    return null;
  }
  return portUnknown === "srv"
    ? "the port comes from the SRV record"
    : "the configuration names no port for this member";
}

function unsupportedWith(type: MonitorType, spec: MonitorSpec, port: number | "*"): string | null {
  if (port === "*" && type.transport !== "icmp") {
    return "the member's port is * and the monitor has no destPort, so there is no port to probe";
  }
  return type.unsupported(spec);
}

/** Where the ADC sends a probe from, as the configuration names it and as addresses. */
export interface ProbeSource {
  readonly source: string;
  readonly sourceAddresses: readonly string[];
}

/**
 * Where the ADC itself probes from (NetScaler docs: scripted monitors from the NSIP, others from a net profile's
 * address or a SNIP; with `-usip YES` servers see the clients' addresses, so their firewalls must allow both).
 */
export function sourceOf(
  estate: Estate,
  service: AdcService,
  monitor: Monitor,
  type: MonitorType | null,
): ProbeSource {
  if (type?.source === "NSIP") {
    return { source: "NSIP", sourceAddresses: estate.nsip === null ? [] : [estate.nsip] };
  }
  const profile = monitor.netProfile ?? service.netProfile;
  if (profile !== null) {
    const known = estate.netProfiles.get(profile);
    return {
      source: known?.sourceIp ?? `net profile ${profile}`,
      sourceAddresses: known?.sourceAddresses ?? [],
    };
  }
  return { source: "SNIP", sourceAddresses: estate.snips };
}

/**
 * What the server must prove before a monitor's credential is sent over TLS; null if none is sent, or the ADC uses no
 * TLS.
 */
export function secretNote({ monitor, credential, tls }: MonitorSpec): string | null {
  return tls === null || !sendsSecret(monitor, credential) ? null : proofText(tls);
}

/** Whether a monitor's replica sends a secret: a configured one, or one in its request. */
export function sendsSecret(monitor: Monitor, credential: MonitorCredential | null): boolean {
  return credential !== null || monitorRequestSecrets(monitor).secrets.length > 0;
}

/** The ADC's source addresses: this agent cannot send from them. */
function sourceNotes(net: NetProfile | undefined, named: string | null): string[] {
  if (net === undefined) {
    return named === null
      ? []
      : [`the settings of netProfile ${named} are unknown and are not repeated`];
  }
  if (net.sourceIp === null || isIP(net.sourceIp) !== 0) {
    return [];
  }
  const { name, sourceIp, sourceAddresses } = net;
  const which =
    sourceAddresses.length === 0
      ? `of the IP set ${sourceIp}, which are unknown`
      : sourceAddresses.join(", ");
  return [
    `the ADC probes from the addresses ${which} (netProfile ${name}), this probe uses this machine's own`,
  ];
}

/** Built-in profiles, which the firmware assigns where no other is named. */
const FIRMWARE_PROFILE = /^ns(tcp|http)_/i;

/** TCP and HTTP settings of profiles (such as the client's address in a TCP option, or HTTP/2) are not repeated. */
function profileNotes({ type }: Monitor, service: AdcService): string[] {
  const speaksHttp = type.startsWith("HTTP");
  const named = [
    ["TCP profile", type === "PING" || type === "UDP-ECV" ? null : service.tcpProfile],
    ["HTTP profile", speaksHttp ? service.httpProfile : null],
  ].flatMap(([kind, name]) =>
    name === null || name === undefined || FIRMWARE_PROFILE.test(name)
      ? []
      : [`${String(kind)} ${name}`],
  );
  return named.length === 0
    ? []
    : [`the settings of the service's ${named.join(" and ")} are not repeated`];
}

/** Notes on the TLS settings that a replica does not repeat. */
function tlsNotes(estate: Estate, monitor: Monitor, service: AdcService): string[] {
  const profile = monitor.sslProfile ?? service.tls.sslProfile;
  const isUnknown =
    monitor.secure && profile !== null && !estate.sslProfiles.has(profile) && !isDefault(profile);
  const tls = estate.sslProfiles.get(profile ?? "") ?? service.tls;
  return [
    ...(monitor.secure && tls.serverAuth
      ? [
          "the ADC refuses a certificate that its own CA has not signed (-serverAuth); this probe only reports it",
        ]
      : []),
    ...(isUnknown
      ? [`the settings of SSL profile ${profile} are unknown and are not repeated`]
      : []),
  ];
}

function isDefault(profile: string): boolean {
  return profile.startsWith("ns_default_ssl_profile");
}

/** Up to two disabled monitors of each type: by the command reference, each disables all monitors of its type. */
function disabledByType(estate: Estate): ReadonlyMap<string, readonly string[]> {
  const disabled = new Map<string, readonly string[]>();
  for (const { enabled, type, name } of estate.monitors.values()) {
    const known = disabled.get(type) ?? [];
    if (!enabled && known.length < 2) {
      disabled.set(type, [...known, name]);
    }
  }
  return disabled;
}

function noteOf({ estate, monitor, service, disabledSameType }: BoundMonitor): string | null {
  const notes: string[] = [];
  if (service.useSourceIp) {
    notes.push(
      "clients connect to the server from their own addresses (-usip YES), this probe does not",
    );
  }
  if (monitor.type === "HTTP-INLINE") {
    notes.push("repeated as HTTP; the ADC watches client traffic and probes only if there is none");
  }
  if (disabledSameType !== null) {
    notes.push(
      `monitor ${disabledSameType} is DISABLED, which by the command reference disables all monitors of type ${monitor.type}`,
    );
  }
  if (monitor.deviationMs > 0) {
    notes.push(
      "the ADC adapts its time-out to measured response times (-deviation), this probe does not",
    );
  }
  const announced = announcementNote(estate, service, monitor);
  if (announced !== null) {
    notes.push(announced);
  }
  const named = monitor.netProfile ?? service.netProfile;
  const net = estate.netProfiles.get(named ?? "");
  notes.push(...sourceNotes(net, named), ...profileNotes(monitor, service));
  notes.push(...tlsNotes(estate, monitor, service));
  if (!service.healthMonitor) {
    notes.push(
      "the ADC does not run this monitor, because health monitoring is off (-healthMonitor NO)",
    );
  }
  return notes.length === 0 ? null : notes.join("; ");
}
