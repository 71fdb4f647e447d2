import { isSameAddress, withPort } from "../lib/ip.ts";
import type { AdcService } from "../model/adc-service.ts";
import type { Monitor } from "../model/monitor.ts";
import {
  useCount,
  usesOf,
  type BoundMonitor,
  type LintContext,
  type LintService,
} from "./context.ts";
import type { Hit } from "./finding.ts";
import { changeFor, type MonitorUse } from "./monitor-change.ts";
import { UDP_MONITOR_TYPES } from "../adc/nsconf/grammar.ts";
import { expectsTheError, TALKING } from "./ecv-monitors.ts";
import {
  expectsTls,
  isClearPort,
  isTlsPort,
  portsOf,
  protocolOfPort,
  usesTlsByType,
  type PortProtocol,
} from "./ports.ts";
import type { Rule } from "./rule.ts";

/** Where probes and clients really go. */
export const MONITOR_TARGET_RULES: readonly Rule[] = [
  {
    id: "pinned_dest_ip",
    severity: "error",
    meaning: "A monitor probes one fixed address, and decides about members at others.",
    find: pinnedDestIp,
  },
  {
    id: "dest_port_of_another_protocol",
    severity: "error",
    meaning: "A monitor probes a listener of a different protocol from the clients'.",
    find: (context) => [...foreignDestPort(context), ...otherHalfOfRadius(context)],
  },
  {
    id: "monitor_of_another_protocol",
    severity: "error",
    meaning: "A monitor speaks a protocol that the members do not.",
    find: foreignProtocol,
  },
  {
    id: "monitor_fits_some_members",
    severity: "error",
    meaning:
      "One monitor decides about members on different ports, and cannot pass on some of them.",
    find: fitsSomeMembers,
  },
  {
    id: "wildcard_port",
    severity: "warning",
    meaning: "A service covers every port of its servers and is UP or DOWN as a whole.",
    find: wildcardPort,
  },
  {
    id: "member_is_vip",
    severity: "warning",
    meaning:
      "A member is a VIP of this ADC, which accepts connections even if the servers behind it are down.",
    find: memberIsVip,
  },
  {
    id: "client_source_address",
    severity: "info",
    meaning: "Exchange sees the clients' addresses, but monitors use the ADC's own.",
    find: clientSourceAddress,
  },
  {
    id: "source_limit",
    severity: "info",
    meaning:
      "All mail comes from a few addresses of the ADC, and Exchange limits connections per address.",
    find: sourceLimit,
  },
];

/** The importer reports which; intended destinations (`isIntendedDestination`) are not among them. */
function pinnedDestIp(context: LintContext): Hit[] {
  return context.estate.diagnostics
    .filter(({ rule }) => rule === "pinned_dest_ip")
    .flatMap(({ line, object, message }) => {
      const monitor = context.estate.monitors.get(object);
      const uses = monitor === undefined ? [] : usesOf(context, monitor);
      return monitor === undefined
        ? []
        : [
            {
              line,
              object,
              message,
              fix: changeFor(context.names, monitor, uses, useCount(context, monitor), {
                destIP: "0.0.0.0",
              }),
              ...(isOfMember(monitor.destIp ?? "", uses)
                ? null
                : { decision: "check first that each of these members answers this probe, too" }),
            },
          ];
    });
}

function isOfMember(destIp: string, uses: readonly MonitorUse[]): boolean {
  return uses.some(({ service }) =>
    service.members.some(({ address }) => address !== null && isSameAddress(address, destIp)),
  );
}

/** `-destPort 143` for a service on 993 probes another listener, which stays up when the service's own fails. */
function foreignDestPort(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()].flatMap((monitor) => {
    const { destPort } = monitor;
    const asked = destPort === null ? null : protocolOfPort(destPort);
    if (destPort === null || asked === null || monitor.reverse || monitor.transparent) {
      return [];
    }
    const uses = usesOf(context, monitor);
    if (monitor.destIp !== null && !isOfMember(monitor.destIp, uses)) {
      // Another machine's port: what members depend on, or `pinned_dest_ip`.
      return [];
    }
    const wrong = uses.filter(
      ({ service }) =>
        !(asked === "web" && isHealthPageOnWebPort(monitor, service)) &&
        service.members.some(({ port }) => isOther(destPort, port)),
    );
    const member = wrong
      .flatMap(({ service }) => service.members)
      .find(({ port }) => isOther(destPort, port));
    if (member === undefined) {
      return [];
    }
    const secure = wrong.every(({ service }) => expectsTls(service));
    const sameProtocol = wrong.every(({ service }) =>
      service.members.every(({ port }) => protocolOfPort(port) === asked),
    );
    return [
      {
        severity: sameProtocol ? "warning" : "error",
        line: monitor.line,
        object: monitor.name,
        message:
          `Port ${String(destPort)} is probed, but clients of ${member.adcService} use port ${String(member.port)}: ` +
          "another listener, which fails independently.",
        fix:
          sameProtocol && (secure || !wrong.some(({ service }) => expectsTls(service)))
            ? changeFor(context.names, monitor, wrong, useCount(context, monitor), {
                destPort: "0",
                // Even if it is set: another fix may switch it off for the wrong port.
                ...(secure ? { secure: "YES" } : {}),
              })
            : null,
      },
    ];
  });
}

/**
 * A RADIUS server discards what its other port is for (RFC 2865 section 3, RFC 2866 section 3): such a monitor never gets
 * a response. Servers on ports of their own may serve both there.
 */
function otherHalfOfRadius(context: LintContext): Hit[] {
  return context.watched.flatMap(({ service, deciding }) =>
    deciding.flatMap(({ monitor, binding }): readonly Hit[] => {
      const discarded = DISCARDED_BY_RADIUS.get(monitor.type);
      const { destIp, destPort, reverse } = monitor;
      const port = portsOf(service).find((one) => protocolOfPort(one) === discarded?.at);
      const isElsewhere = destIp !== null || destPort !== null || reverse;
      return discarded === undefined || port === undefined || isElsewhere
        ? []
        : [
            {
              line: binding.line ?? service.line,
              object: service.name,
              message: `${monitor.name} ${discarded.asks} on port ${String(port)}, where ${discarded.listens}: the servers discard it, so that the monitor never passes.`,
            },
          ];
    }),
  );
}

const DISCARDED_BY_RADIUS: ReadonlyMap<
  string,
  { readonly at: PortProtocol; readonly asks: string; readonly listens: string }
> = new Map([
  ["RADIUS", { at: "radius_accounting", asks: "requests a login", listens: "accounting listens" }],
  ["RADIUS_ACCOUNTING", { at: "radius", asks: "sends accounting", listens: "logins are served" }],
]);

/** A page that reports the health of a database or another server that is no web server: it was written for that. */
function isHealthPageOnWebPort({ type, parameters }: Monitor, service: AdcService): boolean {
  const request = (type === "HTTP" ? parameters.httpRequest : parameters.send) ?? "";
  const requestsPage = (type === "HTTP" || type === "HTTP-ECV") && /^\w+ \/[^\s/]/.test(request);
  return requestsPage && service.members.every(({ port }) => protocolOfPort(port) !== "web");
}

/** A health port of the same protocol is a choice, but it does not cover a mail server's separate TLS listener. */
function isOther(destPort: number, port: number | "*"): boolean {
  if (port === "*" || port === destPort) {
    return false;
  }
  const served = protocolOfPort(port);
  const asked = protocolOfPort(destPort);
  if (served === null || asked === null) {
    return false;
  }
  const mail = served === "imap" || served === "pop3";
  return served !== asked || (mail && isTlsPort(port) && !isTlsPort(destPort));
}

/** A DNS query to a web server: by its type, the monitor speaks what no member does. */
function foreignProtocol(context: LintContext): Hit[] {
  return context.watched.flatMap(({ service, deciding }) =>
    deciding.flatMap(({ monitor, binding }): readonly Hit[] => {
      const spoken = PROTOCOLS.get(monitor.type);
      const served = portsOf(service).map(protocolOfPort);
      const isForeign =
        spoken !== undefined &&
        served.length > 0 &&
        served.every((protocol) => protocol !== null && !spoken.includes(protocol)) &&
        monitor.destPort === null &&
        !monitor.transparent &&
        !monitor.reverse;
      return isForeign
        ? [
            {
              line: binding.line ?? service.line,
              object: service.name,
              message:
                `${monitor.name} is of type ${monitor.type}, but port ${portsOf(service).join(", ")} is of another ` +
                `protocol: it cannot pass there${service.monThreshold === 0 ? ", so every member stays DOWN" : ""}.`,
            },
          ]
        : [];
    }),
  );
}

/** Monitor types that speak one protocol whatever their options. */
const PROTOCOLS: ReadonlyMap<string, readonly PortProtocol[]> = new Map([
  ["DNS", ["dns"]],
  ["DNS-TCP", ["dns"]],
  ["RADIUS", ["radius", "radius_accounting"]],
  ["RADIUS_ACCOUNTING", ["radius", "radius_accounting"]],
  ["FTP", ["ftp"]],
  ["SIP-UDP", ["sip"]],
  ["SIP-TCP", ["sip"]],
  ["SMTP", ["smtp"]],
  ["POP3", ["pop3"]],
  ["LDAP", ["ldap"]],
  ["MYSQL-ECV", ["mysql"]],
  ["MSSQL-ECV", ["mssql"]],
  ["ORACLE-ECV", ["oracle"]],
]);

/**
 * A monitor of a group asks every member the same: what greets on 143 does not on 993, nor with these words on 110. Only
 * where the type of the group says nothing about TLS, and where it passes on some ports: what fails on all is another
 * finding, and is noticed.
 */
function fitsSomeMembers(context: LintContext): Hit[] {
  return context.watched.flatMap(({ service, deciding }) => {
    const ports = portsOf(service);
    return ports.length < 2
      ? []
      : deciding.flatMap(({ monitor, binding }): readonly Hit[] => {
          const failing = ports.filter((port) => cannotPass(monitor, port, service));
          return failing.length === 0 || failing.length === ports.length
            ? []
            : [
                {
                  line: binding.line ?? service.line,
                  object: service.name,
                  message:
                    `${monitor.name} decides about members on ports ${ports.join(", ")}, but it cannot pass on ` +
                    `${failing.join(", ")}: another protocol is spoken there, or one with TLS where the others have ` +
                    "none. Give these members a group and a monitor of their own.",
                },
              ];
        });
  });
}

/** Whether the member's port itself is probed there, with TLS where there is none, the reverse, or other words. */
function cannotPass(monitor: Monitor, port: number, service: AdcService): boolean {
  const { destPort, destIp, reverse, transparent, secure, type, parameters } = monitor;
  if (destPort !== null || destIp !== null || reverse || transparent) {
    return false;
  }
  const needsTls = isTlsPort(port);
  const talks = TALKING.has(type) || (type === "TCP" && secure);
  if (usesTlsByType(service) === null && talks && !UDP_MONITOR_TYPES.has(type)) {
    if (secure ? isClearPort(port) : needsTls && !expectsTheError(monitor)) {
      return true;
    }
  }
  const greeting = (parameters.send ?? "") === "" ? greetingOf(parameters.recv ?? "") : null;
  const spoken = protocolOfPort(port);
  return type === "TCP-ECV" && greeting !== null && spoken !== null && !greeting.includes(spoken);
}

/** The protocols whose servers greet with such words; null: any may, or more than one. */
function greetingOf(recv: string): readonly PortProtocol[] | null {
  const known = GREETINGS.filter(([words]) => words.test(recv));
  return known.length === 1 ? (known[0]?.[1] ?? null) : null;
}

const GREETINGS: readonly (readonly [RegExp, readonly PortProtocol[]])[] = [
  [/^\* OK|IMAP/, ["imap"]],
  [/^\+OK|POP3/, ["pop3"]],
  [/^220/, ["smtp", "ftp"]],
];

function wildcardPort(context: LintContext): Hit[] {
  return context.watched.filter(listensAnywhere).flatMap(({ service, deciding }) => {
    if (probesSeveralPorts(deciding)) {
      // Whoever names each of them has decided that they stand for the rest.
      return [];
    }
    const [member] = service.members;
    const name = context.names.fresh(service.name, "_port");
    return {
      line: service.line,
      object: service.name,
      ...(isChosenPort(deciding) ? { severity: "info" as const } : null),
      message:
        "The service covers every port of its servers and is UP or DOWN as a whole: " +
        (deciding.some(({ monitor }) => monitor.destPort !== null)
          ? "the ports that its monitors probe decide about all the others."
          : "no monitor probes any port."),
      fix:
        service.kind === "service" && member !== undefined && !isChosenPort(deciding)
          ? [
              {
                apply: {
                  kind: "add service",
                  words: [name, member.server, service.serviceType, { blank: "port" }],
                  options:
                    service.trafficDomain === 0 ? [] : [["td", [String(service.trafficDomain)]]],
                },
                undo: [{ kind: "rm service", words: [name], options: [] }],
              },
            ]
          : null,
    };
  });
}

/** A separate port with an application protocol reports the server's health by design. */
function isChosenPort(deciding: readonly BoundMonitor[]): boolean {
  return deciding.some(({ monitor }) => monitor.destPort !== null && monitor.type !== "TCP");
}

function probesSeveralPorts(deciding: readonly BoundMonitor[]): boolean {
  const asked = deciding.flatMap(({ monitor }) => monitor.destPort ?? []);
  return new Set(asked).size > 1;
}

function listensAnywhere({ service }: LintService): boolean {
  return service.members.some(({ port, portUnknown }) => port === "*" && portUnknown === undefined);
}

/**
 * The ADC completes a client's handshake itself: a monitor that only connects checks the other vserver, not the server.
 */
function memberIsVip(context: LintContext): Hit[] {
  const vips = new Map(
    context.vservers
      .filter(({ vserver }) => vserver.address !== null)
      .map(({ vserver }) => [
        `${String(vserver.trafficDomain)} ${withPort(String(vserver.address), String(vserver.port))}`,
        vserver.name,
      ]),
  );
  return context.watched.flatMap(({ service }) =>
    service.members.flatMap((member) => {
      const place = withPort(String(member.address), member.port);
      const vip = vips.get(`${String(service.trafficDomain)} ${place}`);
      return vip === undefined
        ? []
        : [
            {
              line: member.line,
              object: service.name,
              message:
                `Clients are sent to ${place}, the VIP of ${vip}: that address accepts connections even if the ` +
                "servers behind it are down, so only a response from the application proves anything.",
            },
          ];
    }),
  );
}

/** The ADC's monitors still come from its own address: a firewall may allow one and block the other. */
function clientSourceAddress(context: LintContext): Hit[] {
  return context.watched
    .filter(({ service, onExchange }) => service.useSourceIp && onExchange)
    .map(({ service }) => ({
      line: service.line,
      object: service.name,
      message:
        "Servers see the clients' own addresses (-usip YES) while monitors come from the ADC's: servers that do not " +
        "route back through the ADC stay UP although no client reaches them.",
    }));
}

/** Microsoft docs, `Set-ReceiveConnector`: `MaxInboundConnectionPerSource`. */
function sourceLimit(context: LintContext): Hit[] {
  const { connectionsPerSource } = context.settings;
  const sources = Math.max(1, context.estate.snips.length);
  return context.watched
    .filter(
      ({ service, exchange }) =>
        exchange?.protocol === "smtp" &&
        !service.useSourceIp &&
        (service.maxClients === 0 || service.maxClients > connectionsPerSource * sources),
    )
    .map(({ service }) => ({
      line: service.line,
      object: service.name,
      message:
        `All senders share ${sources === 1 ? "the ADC's address" : `at most ${String(sources)} addresses of the ADC's (only those in the servers' subnet, if it has some there)`}, and a receive connector accepts ` +
        `${String(connectionsPerSource)} connections from each (MaxInboundConnectionPerSource): more are refused with ` +
        "421 while every monitor passes. Raise it on the connector that serves the ADC.",
    }));
}
