import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import type { Estate, NetProfile } from "../../model/estate.ts";
import { isIP } from "../../lib/ip.ts";
import type { Monitor } from "../../model/monitor.ts";
import { monitorWithDefaults } from "../../adc/monitor-defaults.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import {
  monitorCredential,
  type MonitorCredential,
  type MonitorSpec,
  type MonitorType,
} from "../../probes/monitors/spec.ts";
import { monitorTlsSettings } from "../../probes/monitors/monitor-tls.ts";
import { monitorRequestSecrets } from "../../probes/monitors/written-login.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import {
  bothNotes,
  memberPlace,
  monitorLoginTls,
  proofWords,
  announcedByMonitor,
  announcementNote,
  type PlanSettings,
} from "./settings.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";

/**
 * Every monitor binding of a service against every member it watches: the replicas at the backend. `unserving`: whether nobody
 * is served by a service.
 */
export function backendMonitorProbes(
  estate: Estate,
  settings: PlanSettings,
  graph: VserverGraph,
  unserving: (service: AdcService) => boolean,
): (service: AdcService) => PlannedProbe[] {
  const disabled = disabledByType(estate);
  return (service) => {
    const isDummy = unserving(service);
    const vservers = graph.vserversOfService(service.name);
    return service.monitors.flatMap((binding) => {
      const monitor = estate.monitors.get(binding.monitor) ?? missingMonitor(binding.monitor);
      const kin = disabled.get(monitor.type) ?? [];
      const disabledKin = kin.find((name) => name !== monitor.name) ?? null;
      const bound = { estate, settings, service, isDummy, vservers, binding, monitor, disabledKin };
      return service.members.map((member) => backendMonitorProbe({ ...bound, member }));
    });
  };
}

/** Stands for a monitor that is bound but not configured, so that its members are listed with the reason. */
function missingMonitor(name: string): Monitor {
  return monitorWithDefaults({ name, type: MISSING });
}

const MISSING = "(not configured)";

interface BoundMonitor {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly service: AdcService;
  /** Nobody is served by it. */
  readonly isDummy: boolean;
  readonly vservers: readonly string[];
  readonly binding: MonitorBinding;
  readonly monitor: Monitor;
  readonly member: Member;
  readonly disabledKin: string | null;
}

function backendMonitorProbe(bound: BoundMonitor): PlannedProbe {
  const { estate, service, binding, monitor, member } = bound;
  const type = monitorTypeOf(monitor);
  const address = monitor.destIp ?? member.address ?? member.domain ?? member.server;
  const port = monitor.destPort ?? member.port;
  const { spec, tlsSource } = monitorSpec(bound);
  const unsupportedReason =
    switchedOff(binding, monitor) ??
    (monitor.type === MISSING ? `no monitor ${monitor.name} is configured` : null) ??
    portless(monitor, member) ??
    (bound.isDummy && monitor.destIp === null ? DUMMY : null) ??
    (isSupported(type) ? unsupportedWith(type, spec, port) : type.unsupported);
  const runnable = unsupportedReason === null;
  const { source, sourceAddresses } = sourceOf(
    estate,
    service,
    monitor,
    isSupported(type) ? type : null,
  );
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
    source,
    sourceAddresses,
    tlsSource,
    note: bothNotes(noteOf(bound), secretNote(spec)),
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
              ...announcedByMonitor(estate, service, monitor),
              ...(member.family === undefined ? {} : { family: member.family }),
            },
          }
        : null,
      unsupportedReason,
    },
  };
}

function monitorSpec(bound: BoundMonitor): { spec: MonitorSpec; tlsSource: string | null } {
  const { estate, settings, service, monitor, member } = bound;
  const own = settings.monitors.get(monitor.name);
  const tls = monitor.secure
    ? monitorTlsSettings({
        service: service.tls,
        monitorProfile: profileOf(estate, monitor.sslProfile),
        serviceProfile: profileOf(estate, service.tls.sslProfile),
        firmware: estate.firmware,
        override: settings.monitorTls,
      })
    : null;
  const credential = monitorCredential(monitor, own?.credential ?? null);
  const plain = tls?.settings ?? null;
  const place = memberPlace(settings, member, bound.vservers);
  const secured = plain === null ? null : monitorLoginTls(plain, own?.verify, place);
  return {
    spec: {
      monitor,
      hostHeader: member.address ?? member.domain ?? member.server,
      tls: sendsSecret(monitor, credential) ? secured : plain,
      credential,
      command: own?.command ?? null,
      viaVip: null,
      closeMode: service.monConnectionClose ?? estate.parameters.monitorConnectionClose,
      diagnosticNames: clientNames(settings, bound.vservers),
      ...(settings.quirks === undefined ? {} : { quirks: settings.quirks }),
    },
    tlsSource: tls?.source ?? null,
  };
}

/** Names that clients use for the vservers in front: worth a try as SNI when a handshake without one fails. */
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

const DUMMY = "nobody is served by this member: it only gives its vserver a state";

/** Destinations that mean something to the ADC alone; never dialled from here, where they mean this machine. */
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

/** Where a probe of the ADC comes from, in its own words and as addresses. */
export interface ProbeSource {
  readonly source: string;
  readonly sourceAddresses: readonly string[];
}

/**
 * Where the ADC itself probes from (NetScaler docs: scripted monitors from the NSIP, others from a net profile's address
 * or a SNIP; with `-usip YES` servers see the clients' addresses, and their firewalls must let in both).
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

/** What must be proven before a monitor's credential is sent over TLS; null where none is, or the ADC speaks clear text. */
export function secretNote({ monitor, credential, tls }: MonitorSpec): string | null {
  return tls === null || !sendsSecret(monitor, credential) ? null : proofWords(tls);
}

/** Whether a monitor's replica sends a secret: of our configuration, or one that its request carries. */
export function sendsSecret(monitor: Monitor, credential: MonitorCredential | null): boolean {
  return credential !== null || monitorRequestSecrets(monitor).secrets.length > 0;
}

/** From where the ADC asks: nothing here can ask from its addresses. */
function sourceNotes(net: NetProfile | undefined, named: string | null): string[] {
  if (net === undefined) {
    return named === null
      ? []
      : [`what netProfile ${named} sets is not known here, and not repeated`];
  }
  if (net.sourceIp === null || isIP(net.sourceIp) !== 0) {
    return [];
  }
  const { name, sourceIp, sourceAddresses } = net;
  const which =
    sourceAddresses.length === 0
      ? `of the IP set ${sourceIp}, which are not known here`
      : sourceAddresses.join(", ");
  return [
    `the ADC asks from the addresses ${which} (netProfile ${name}), this probe from this machine's own`,
  ];
}

/** Profiles that the firmware brings and gives to what names no other. */
const FIRMWARE_PROFILE = /^ns(tcp|http)_/i;

/** How the ADC's TCP and HTTP are tuned, a client's address as a TCP option and HTTP/2 among it, is not repeated. */
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
    : [`what the service's ${named.join(" and ")} sets is not repeated`];
}

/** What TLS profiles that are not known would add. */
function tlsNotes(estate: Estate, monitor: Monitor, service: AdcService): string[] {
  const profile = monitor.sslProfile ?? service.tls.sslProfile;
  const isUnknown =
    monitor.secure && profile !== null && !estate.sslProfiles.has(profile) && !isDefault(profile);
  const tls = estate.sslProfiles.get(profile ?? "") ?? service.tls;
  return [
    ...(monitor.secure && tls.serverAuth
      ? [
          "the ADC refuses a certificate that its own CA has not signed (-serverAuth), this probe reports it",
        ]
      : []),
    ...(isUnknown ? [`what SSL profile ${profile} sets is not known here, and not repeated`] : []),
  ];
}

function isDefault(profile: string): boolean {
  return profile.startsWith("ns_default_ssl_profile");
}

/** Monitors that are switched off, two of a type: by the command reference each takes its kin with it. */
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

function noteOf({ estate, monitor, service, disabledKin }: BoundMonitor): string | null {
  const notes: string[] = [];
  if (service.useSourceIp) {
    notes.push(
      "clients reach the server with their own source addresses (-usip YES), this probe does not",
    );
  }
  if (monitor.type === "HTTP-INLINE") {
    notes.push("repeated as HTTP; the ADC watches live traffic and probes only when there is none");
  }
  if (disabledKin !== null) {
    notes.push(
      `monitor ${disabledKin} is DISABLED, which by the command reference disables all monitors of type ${monitor.type}`,
    );
  }
  if (monitor.deviationMs > 0) {
    notes.push(
      "the ADC adapts its time-out to the answers it measures (-deviation), this probe does not",
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
    notes.push("the ADC does not run it, because health monitoring is off (-healthMonitor NO)");
  }
  return notes.length === 0 ? null : notes.join("; ");
}
