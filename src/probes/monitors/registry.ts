import type { Monitor } from "../../estate/monitor.ts";
import { dnsMonitor, dnsTcpMonitor } from "./dns.ts";
import { ftpExtendedMonitor, ftpMonitor } from "./ftp.ts";
import { httpEcvMonitor } from "./http-ecv.ts";
import { httpInlineMonitor, httpMonitor } from "./http.ts";
import { ldapMonitor } from "./ldap.ts";
import { mysqlMonitor } from "./mysql.ts";
import { nntpMonitor } from "./nntp.ts";
import { pingMonitor } from "./ping.ts";
import { pop3Monitor } from "./pop3.ts";
import { radiusMonitor } from "./radius.ts";
import { rtspMonitor } from "./rtsp.ts";
import { sipTcpMonitor, sipUdpMonitor } from "./sip.ts";
import { smtpMonitor } from "./smtp.ts";
import type { MonitorType } from "./spec.ts";
import { snmpMonitor } from "./snmp.ts";
import { tcpEcvMonitor } from "./tcp-ecv.ts";
import { tcpMonitor } from "./tcp.ts";
import { udpEcvMonitor } from "./udp-ecv.ts";
import { userScriptMonitor } from "./user-script.ts";
import { UNREPEATABLE } from "./unrepeatable.ts";

/** Every monitor type that can be repeated, by NetScaler's name. One line per file. */
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

/** The firmware's own scripts under USER monitors, by the type whose exchange they make. */
const TYPE_OF_SCRIPT: ReadonlyMap<string, string> = new Map([
  ["nssmtp.pl", "SMTP"],
  ["nspop3.pl", "POP3"],
  ["nsldap.pl", "LDAP"],
  ["nsftp.pl", "FTP-EXTENDED"],
  ["nsnntp.pl", "NNTP"],
  ["nsmysql.pl", "MYSQL"],
]);

/** A monitor whose exchange cannot be repeated from here, and why, in words. */
export interface Unsupported {
  readonly unsupported: string;
}

/** How this monitor is repeated, or why it cannot be, whatever the configuration adds. */
export function monitorTypeOf(monitor: Monitor): MonitorType | Unsupported {
  const layerTwo = layerTwoReason(monitor);
  if (layerTwo !== null) {
    return { unsupported: layerTwo };
  }
  const type = monitor.type.toUpperCase();
  if (type === "USER") {
    return userType(monitor);
  }
  const known = MONITOR_TYPES.get(type);
  if (known !== undefined) {
    return known;
  }
  return {
    unsupported: UNREPEATABLE.get(type) ?? `${monitor.type} is not a monitor type known here`,
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

function userType(monitor: Monitor): MonitorType {
  const script = monitor.parameters.scriptName ?? "";
  const stands = TYPE_OF_SCRIPT.get(script.toLowerCase());
  return (stands === undefined ? undefined : MONITOR_TYPES.get(stands)) ?? userScriptMonitor;
}
