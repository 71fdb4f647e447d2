import { SCRIPT_OF_TYPE } from "../../adc/monitor-defaults.ts";
import type { Monitor } from "../../model/monitor.ts";
import { dnsMonitor, dnsTcpMonitor } from "./dns.ts";
import { ftpExtendedMonitor, ftpMonitor } from "./ftp.ts";
import { httpEcvMonitor, httpInlineMonitor, httpMonitor, rtspMonitor } from "./http.ts";
import { ldapMonitor } from "./ldap.ts";
import { mysqlMonitor } from "./mysql.ts";
import { nntpMonitor, pop3Monitor, smtpMonitor } from "./mail.ts";
import { pingMonitor } from "./ping.ts";
import { radiusMonitor } from "./radius.ts";
import { sipTcpMonitor, sipUdpMonitor } from "./sip.ts";
import { readScriptArguments, typeOfScript, type MonitorSpec, type MonitorType } from "./spec.ts";
import { snmpMonitor } from "./snmp.ts";
import { tcpEcvMonitor, tcpMonitor, udpEcvMonitor } from "./tcp-ecv.ts";
import { userScriptMonitor } from "./user-script.ts";
import { isIP } from "../../lib/ip.ts";
import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { observe } from "../../net/probe-run.ts";
import { withTlsDiagnosis } from "../../net/tls-diagnosis.ts";

const CLOSED_SCRIPT = "a script of the firmware whose exchange is not public";

/** Monitor types that no probe outside the ADC can repeat, with the reason that `plan` prints. */
export const UNREPEATABLE: ReadonlyMap<string, string> = new Map([
  [
    "ARP",
    "ARP works on the server's own network segment, where the ADC is connected and this agent may not be",
  ],
  ["ND6", "IPv6 neighbour discovery works on the server's own network segment"],
  ["LOAD", "LOAD sets the weight of a service, never its state"],
  ["STOREFRONT", "STOREFRONT uses the ADC's own token exchange"],
  ["CITRIX-XML-SERVICE", "the XML service's ticket exchange is not public"],
  ["CITRIX-WEB-INTERFACE", CLOSED_SCRIPT],
  ["CITRIX-WI-EXTENDED", CLOSED_SCRIPT],
  ["CITRIX-AG", CLOSED_SCRIPT],
  ["CITRIX-AAC-LOGINPAGE", CLOSED_SCRIPT],
  ["CITRIX-AAC-LAS", CLOSED_SCRIPT],
  ["CITRIX-XD-DDC", CLOSED_SCRIPT],
  ["CITRIX-XNC-ECV", "a check of the firmware whose exchange is not public"],
  ["CITRIX-XDM", "a check of the firmware whose exchange is not public"],
  ["CITRIX-STA-SERVICE", "the ticket authority's exchange is not public"],
  ["CITRIX-STA-SERVICE-NHOP", "the ticket authority's exchange is not public"],
  ["LDNS-PING", "checks local DNS servers for GSLB from the ADC's own location"],
  ["LDNS-TCP", "checks local DNS servers for GSLB from the ADC's own location"],
  ["LDNS-DNS", "checks local DNS servers for GSLB from the ADC's own location"],
  ["MYSQL-ECV", "evaluates the ADC's own expressions over a query with the ADC's database account"],
  ["MSSQL-ECV", "evaluates the ADC's own expressions over a query with the ADC's database account"],
  [
    "ORACLE-ECV",
    "evaluates the ADC's own expressions over a query with the ADC's database account",
  ],
  ["DIAMETER", "Diameter peers accept only known identities"],
  ["RADIUS_ACCOUNTING", "every probe would write an accounting record"],
  ["SMPP", "logs in as a message centre's client and would be counted as one"],
  ["APPC", "not documented"],
  ["MQTT", "not repeated yet"],
  ["HTTP2", "not repeated yet: HTTP/2 with or without gRPC health checks"],
  ["DTLS", "Node.js does not support DTLS"],
  ["QUIC", "Node.js does not support QUIC"],
  ["KAFKA-AUTODISCOVER", "discovers brokers for the ADC's own configuration"],
]);

/** All monitor types that can be repeated, by NetScaler's name. One line per file. */
export const MONITOR_TYPES: ReadonlyMap<string, MonitorType> = new Map(
  [
    pingMonitor,
    tcpMonitor,
    httpMonitor,
    httpInlineMonitor,
    tcpEcvMonitor,
    httpEcvMonitor,
    udpEcvMonitor,
    smtpMonitor,
    pop3Monitor,
    dnsMonitor,
    dnsTcpMonitor,
    ldapMonitor,
    ftpMonitor,
    ftpExtendedMonitor,
    nntpMonitor,
    radiusMonitor,
    snmpMonitor,
    mysqlMonitor,
    rtspMonitor,
    sipUdpMonitor,
    sipTcpMonitor,
    userScriptMonitor,
  ].map((type) => [type.type, type]),
);

/**
 * Types that run a script of the firmware and can be repeated from its arguments, or by a configured command; by NetScaler's
 * name.
 */
const SCRIPTED: ReadonlyMap<string, MonitorType> = new Map(
  [...MONITOR_TYPES].map(([name, type]) => [name, scripted(type)]),
);

/** Types that run a script of the firmware whose exchange is not public; a configured command may replace it. */
const CLOSED_SCRIPTS: ReadonlySet<string> = new Set(
  [...UNREPEATABLE].filter(([, why]) => why === CLOSED_SCRIPT).map(([type]) => type),
);

/** A monitor that cannot be repeated, and why. */
interface Unsupported {
  readonly unsupported: string;
}

/** How this monitor is repeated, or why it cannot be, before the configuration is considered. */
export function monitorTypeOf(monitor: Monitor): MonitorType | Unsupported {
  const layerTwo = layerTwoReason(monitor);
  if (layerTwo !== null) {
    return { unsupported: layerTwo };
  }
  const type = monitor.type.toUpperCase();
  const script = SCRIPT_OF_TYPE.get(type);
  if (type === "USER" || script !== undefined) {
    return scriptedType(monitor, script ?? null);
  }
  if (CLOSED_SCRIPTS.has(type)) {
    return closedScript(type);
  }
  const known = MONITOR_TYPES.get(type);
  if (known !== undefined) {
    return known;
  }
  return {
    unsupported: UNREPEATABLE.get(type) ?? `${monitor.type} is not a supported monitor type`,
  };
}

export function isSupported(type: MonitorType | Unsupported): type is MonitorType {
  return typeof type.unsupported === "function";
}

function layerTwoReason(monitor: Monitor): string | null {
  if (monitor.ipTunnel) {
    return "-ipTunnel: the ADC wraps this probe in an IP tunnel";
  }
  if (monitor.tos) {
    return "-tos: the ADC marks this probe for a server behind the destination";
  }
  return monitor.transparent
    ? "-transparent: the ADC sends this probe through the bound device by its MAC address"
    : null;
}

/** A custom script may do anything, regardless of its monitor's type. */
function scriptedType({ type, parameters }: Monitor, firmwareScript: string | null): MonitorType {
  const script = (parameters.scriptName ?? firmwareScript ?? "").toLowerCase();
  const repeatable =
    firmwareScript === null ? typeOfScript(script) : script === firmwareScript ? type : null;
  return SCRIPTED.get(repeatable?.toUpperCase() ?? "") ?? userScriptMonitor;
}

function closedScript(type: string): MonitorType {
  return {
    ...userScriptMonitor,
    type,
    unsupported: (spec) =>
      hasCommand(spec)
        ? null
        : `${CLOSED_SCRIPT}: configure monitors.${spec.monitor.name} with a command that replaces it`,
  };
}

/** A type as run by the firmware's script: from the NSIP, with `-scriptArgs`, or by a configured command. */
function scripted(type: MonitorType): MonitorType {
  return {
    ...type,
    source: "NSIP",
    probe: (spec, target, context) =>
      hasCommand(spec)
        ? userScriptMonitor.probe(spec, target, context)
        : type.probe(withArguments(spec), target, context),
    unsupported: (spec) => {
      if (hasCommand(spec)) {
        return null;
      }
      const reading = readScriptArguments(spec.monitor);
      return reading.kind === "unreadable"
        ? `${reading.why}: configure monitors.${spec.monitor.name} with a command that replaces it`
        : type.unsupported(withArguments(spec));
    },
  };
}

function hasCommand({ command }: MonitorSpec): boolean {
  return command !== null && command.length > 0;
}

function withArguments(spec: MonitorSpec): MonitorSpec {
  const { monitor } = spec;
  const reading = readScriptArguments(monitor);
  return reading.kind === "unreadable"
    ? spec
    : {
        ...spec,
        monitor: { ...monitor, parameters: { ...monitor.parameters, ...reading.parameters } },
      };
}

export interface MonitorResult {
  readonly observation: Observation;
  /** After *reverse* and TROFS, as the ADC would count it; null if inconclusive. */
  readonly passed: boolean | null;
}

/** One run of a monitor. Never rejects; a monitor that cannot be repeated is a fault `unsupported`. */
export async function runMonitor(
  spec: MonitorSpec,
  target: Target,
  context: ProbeContext,
): Promise<MonitorResult> {
  const { withheld = null } = spec;
  if (withheld !== null) {
    const observation = await observe(context, (run) =>
      Promise.resolve(run.fault("login", "not_configured", withheld)),
    );
    return { observation, passed: null };
  }
  const type = monitorTypeOf(spec.monitor);
  const why = isSupported(type) ? type.unsupported(spec) : type.unsupported;
  if (!isSupported(type) || why !== null) {
    const observation = await observe(context, (run) =>
      Promise.resolve(run.fault("connect", "unsupported", why)),
    );
    return { observation, passed: null };
  }
  const seen = await type.probe(spec, target, context);
  const observation =
    spec.tls === null
      ? seen
      : await withTlsDiagnosis(seen, spec.tls, diagnosisNames(spec), target, context);
  return { observation, passed: passesByQuirk(type, spec, observation) };
}

/** Names to try as SNI: from the configuration, the Host header, and the policy's host. */
function diagnosisNames(spec: MonitorSpec): string[] {
  const headerHost = /^host:\s*(\S+)/im.exec(spec.monitor.parameters.customHeaders ?? "")?.[1];
  const names = [...(spec.diagnosticNames ?? []), headerHost, spec.viaVip?.host, spec.hostHeader];
  const usable = names.filter(
    (name): name is string => typeof name === "string" && name !== "" && isIP(name) === 0,
  );
  return [...new Set(usable)];
}

/** UNCONFIRMED: Citrix's table of *reverse* does not define a timeout of a TCP monitor. */
function passesByQuirk(
  type: MonitorType,
  spec: MonitorSpec,
  observation: Observation,
): boolean | null {
  const { reverse } = spec.monitor;
  if (spec.viaVip !== null && !type.meaningfulAtVip) {
    // The ADC completes handshakes itself; a refusal means that the vserver does not exist.
    return observation.outcome === "refused" ? false : null;
  }
  const open = type.type === "TCP" && reverse && observation.outcome === "timeout";
  return open && spec.quirks !== undefined
    ? spec.quirks.tcpReverseTimeout === "pass"
    : monitorPassed(type, reverse, observation);
}

/**
 * Whether the ADC would count the probe as passed. *Reverse* is not a simple negation: a connection that was never
 * established fails an HTTP monitor in both cases, and a missing reply passes a reversed PING (Citrix support: CTX115525). A
 * TROFS response counts as passed (NetScaler docs: "Graceful shutdown").
 */
export function monitorPassed(
  type: MonitorType,
  reverse: boolean,
  { outcome }: Observation,
): boolean | null {
  switch (outcome) {
    case "fault":
      return null;
    case "maintenance":
      return true;
    case "failed":
      return false;
    default:
      return reverse ? type.reversePasses.includes(outcome) : outcome === "match";
  }
}
