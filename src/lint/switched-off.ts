import { bindMonitor, command, commands } from "./commands.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Rule } from "./rule.ts";

/** Monitoring that does not take place, or hangs on one thread. */
export const SWITCHED_OFF_RULES: readonly Rule[] = [
  { id: "health_monitor_off", severity: "error", find: healthMonitorOff },
  { id: "monitor_disabled", severity: "warning", find: monitorDisabled },
  { id: "binding_disabled", severity: "warning", find: bindingDisabled },
  { id: "unused_monitor", severity: "warning", find: unusedMonitor },
  { id: "deprecated_binding", severity: "info", find: deprecatedBinding },
  { id: "single_login_account", severity: "info", find: singleLoginAccount },
];

function healthMonitorOff(context: LintContext): Hit[] {
  return context.services
    .filter(({ service }) => !service.healthMonitor)
    .map(({ service }) => ({
      line: service.line,
      object: service.name,
      message: `${service.name} has -healthMonitor NO: the ADC calls it UP whatever happens.`,
      fix: command("set", service.kind, service.name, "-healthMonitor", "YES"),
    }));
}

function monitorDisabled(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter((monitor) => !monitor.enabled && context.usersOf(monitor).length > 0)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: `Monitor ${monitor.name} is disabled: the services it is bound to are UP without it.`,
      fix: command("enable", "lb", "monitor", monitor.name),
    }));
}

function bindingDisabled(context: LintContext): Hit[] {
  return context.services.flatMap(({ service }) =>
    service.monitors
      .filter(({ enabled }) => !enabled)
      .map(({ monitor, line }) => ({
        line,
        object: service.name,
        message: `Monitor ${monitor} is bound to ${service.name} with its state disabled: it neither probes nor counts.`,
        fix: command("enable", "lb", "monitor", monitor, service.name),
      })),
  );
}

/** The importer knows also of monitors that GSLB services use, so its word counts. */
function unusedMonitor(context: LintContext): Hit[] {
  return context.estate.diagnostics
    .filter(({ rule }) => rule === "unused_monitor")
    .map(({ line, object, message }) => ({
      line,
      object,
      message,
      fix: command("rm", "lb", "monitor", object, context.estate.monitors.get(object)?.type ?? ""),
    }));
}

function deprecatedBinding(context: LintContext): Hit[] {
  return context.services.flatMap(({ service }) =>
    service.monitors
      .filter(({ deprecatedForm }) => deprecatedForm)
      .map(({ monitor, line }) => ({
        line,
        object: service.name,
        message: `Monitor ${monitor} is bound to ${service.name} in the form of old firmware (bind lb monitor).`,
        fix: commands(
          command("unbind", "lb", "monitor", monitor, service.name),
          bindMonitor(service, monitor),
        ),
      })),
  );
}

const LOGIN_TYPES: ReadonlySet<string> = new Set([
  "POP3",
  "FTP",
  "FTP-EXTENDED",
  "MYSQL",
  "RADIUS",
]);

/** One locked account, one moved mailbox, and every server behind it goes DOWN at once. */
function singleLoginAccount(context: LintContext): Hit[] {
  return context.services.flatMap(({ service, deciding }) => {
    const logins = deciding.filter(({ monitor }) => LOGIN_TYPES.has(monitor.type));
    const accounts = new Set(logins.map(({ monitor }) => monitor.parameters.userName));
    const [first] = logins;
    if (first === undefined || accounts.size > 1) {
      return [];
    }
    const { monitor, binding } = first;
    const second = `${monitor.name}_2`.slice(0, 31);
    return [
      {
        line: binding.line ?? service.line,
        object: service.name,
        message:
          `${service.name} lives by one account (${monitor.parameters.userName ?? "of " + monitor.name}): when that ` +
          "account is locked, expires or its mailbox is away, every server goes DOWN while all are well.",
        fix: commands(
          command(
            ...["add", "lb", "monitor", second, monitor.type],
            ...["-userName", "<second account>", "-password", "<its password>"],
          ),
          bindMonitor(service, second),
          command("set", service.kind, service.name, "-monThreshold", 1),
        ),
      },
    ];
  });
}
