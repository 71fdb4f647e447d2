import { command, setMonitor } from "./commands.ts";
import type { LintContext, LintService } from "./context.ts";
import type { Hit } from "./finding.ts";
import { isTlsPort, protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** Where probes and clients really go. */
export const MONITOR_TARGET_RULES: readonly Rule[] = [
  { id: "pinned_dest_ip", severity: "warning", find: pinnedDestIp },
  { id: "dest_port_of_another_protocol", severity: "error", find: foreignDestPort },
  { id: "wildcard_port", severity: "warning", find: wildcardPort },
  { id: "member_is_vip", severity: "warning", find: memberIsVip },
  { id: "client_source_address", severity: "info", find: clientSourceAddress },
];

/** The importer says it, and how grave it is; lint adds the command. */
function pinnedDestIp(context: LintContext): Hit[] {
  return context.estate.diagnostics
    .filter(({ rule }) => rule === "pinned_dest_ip")
    .flatMap(({ severity, line, object, message }) => {
      const monitor = context.estate.monitors.get(object);
      return monitor === undefined
        ? []
        : [{ severity, line, object, message, fix: setMonitor(monitor, "-destIP", "0.0.0.0") }];
    });
}

/** `-destPort 143` under a service on 993 probes another listener, which lives on when this one dies. */
function foreignDestPort(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()].flatMap((monitor) => {
    const { destPort } = monitor;
    if (destPort === null || protocolOfPort(destPort) === null) {
      return [];
    }
    const member = context
      .usersOf(monitor)
      .flatMap(({ service }) => service.members)
      .find(({ port }) => port !== destPort && protocolOfPort(port) !== null);
    return member === undefined
      ? []
      : [
          {
            line: monitor.line,
            object: monitor.name,
            message:
              `Monitor ${monitor.name} asks port ${String(destPort)}, but clients of ${member.adcService} use port ` +
              `${String(member.port)}: another listener, with a life of its own.`,
            fix: setMonitor(
              monitor,
              ...["-destPort", 0],
              ...(member.port !== "*" && isTlsPort(member.port) ? ["-secure", "YES"] : []),
            ),
          },
        ];
  });
}

function wildcardPort(context: LintContext): Hit[] {
  return context.services.filter(listensAnywhere).map(({ service, deciding }) => ({
    line: service.line,
    object: service.name,
    message:
      `${service.name} stands for every port of its servers and is UP or DOWN as one: ` +
      (deciding.some(({ monitor }) => monitor.destPort !== null)
        ? "the one port its monitor asks decides for all the others."
        : "no monitor asks any port at all."),
    fix: command(
      ...["add", "service", `${service.name}_<port>`, service.members[0]?.server ?? "<server>"],
      ...[service.serviceType, "<port>"],
    ),
  }));
}

function listensAnywhere({ service }: LintService): boolean {
  return service.members.some(({ port }) => port === "*");
}

/** The ADC completes a client's handshake by itself: a monitor that stops there asks the other ADC, not the server. */
function memberIsVip(context: LintContext): Hit[] {
  const vips = new Map(
    context.vservers
      .filter(({ vserver }) => vserver.address !== null)
      .map(({ vserver }) => [`${String(vserver.address)}:${String(vserver.port)}`, vserver.name]),
  );
  return context.services.flatMap(({ service }) =>
    service.members.flatMap((member) => {
      const vip = vips.get(`${String(member.address)}:${String(member.port)}`);
      return vip === undefined
        ? []
        : [
            {
              line: member.line,
              object: service.name,
              message:
                `${service.name} sends clients to ${String(member.address)}:${String(member.port)}, the VIP of ${vip}: ` +
                "that address accepts connections whatever the servers behind it do, so only an answer of the " +
                "application proves anything.",
              fix: null,
            },
          ];
    }),
  );
}

/** The ADC's monitors come from its own address all the same: a firewall may let one pass and stop the other. */
function clientSourceAddress(context: LintContext): Hit[] {
  return context.services
    .filter(({ service }) => service.useSourceIp)
    .map(({ service }) => ({
      line: service.line,
      object: service.name,
      message:
        `${service.name} shows its servers the clients' own addresses (-usip YES) while its monitors come from the ` +
        "ADC's: servers that do not route back through the ADC stay UP and answer no client.",
      fix: command("set", service.kind, service.name, "-usip", "NO"),
    }));
}
