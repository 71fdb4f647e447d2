import type { Monitor } from "../model/monitor.ts";
import { command, setMonitor } from "./commands.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import { protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** How often and how long monitors ask. */
export const MONITOR_TIMING_RULES: readonly Rule[] = [
  { id: "interval_not_above_timeout", severity: "error", find: intervalNotAboveTimeout },
  { id: "timeout_below_tarpit", severity: "warning", find: timeoutBelowTarpit },
  { id: "lrtm_suppresses_probes", severity: "info", find: lrtmSuppressesProbes },
  { id: "lrtm_prefers_failing", severity: "info", find: lrtmPrefersFailing },
];

function intervalNotAboveTimeout(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ intervalMs, responseTimeoutMs }) => intervalMs <= responseTimeoutMs)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} asks every ${seconds(monitor.intervalMs)} and waits ` +
        `${seconds(monitor.responseTimeoutMs)} for the answer; the ADC wants the interval to be the longer one.`,
      fix: setMonitor(monitor, "-interval", Math.ceil(monitor.responseTimeoutMs / 1000) + 1, "SEC"),
    }));
}

/** Exchange holds back what it answers to anonymous senders (Microsoft docs, `TarpitInterval`). */
function timeoutBelowTarpit(context: LintContext): Hit[] {
  const { tarpitMs } = context.settings;
  return [...context.estate.monitors.values()]
    .filter((monitor) => talksSmtp(context, monitor) && monitor.responseTimeoutMs <= tarpitMs)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `Monitor ${monitor.name} waits ${seconds(monitor.responseTimeoutMs)}, no longer than the ${seconds(tarpitMs)} ` +
        "for which Exchange's tarpit delays an error or an anonymous sender: a healthy server can look dead.",
      fix: setMonitor(
        monitor,
        ...["-resptimeout", Math.ceil(tarpitMs / 1000) + 1, "SEC"],
        ...[
          "-interval",
          Math.max(Math.ceil(tarpitMs / 1000) + 2, monitor.intervalMs / 1000),
          "SEC",
        ],
      ),
    }));
}

/** A monitor that goes on behind the 220: the SMTP type, or TCP-ECV strings under a mail port. */
function talksSmtp(context: LintContext, monitor: Monitor): boolean {
  if (monitor.type !== "SMTP" && monitor.type !== "TCP-ECV") {
    return false;
  }
  const ports = context
    .usersOf(monitor)
    .flatMap(({ service }) => service.members)
    .map(({ port }) => monitor.destPort ?? port);
  return monitor.type === "SMTP"
    ? ports.length > 0
    : (monitor.parameters.send ?? "") !== "" &&
        ports.some((port) => protocolOfPort(port) === "smtp");
}

/** NetScaler docs, "Monitoring TCP-based applications": with LRTM off, live traffic replaces the probes of TCP monitors. */
function lrtmSuppressesProbes(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(
      (monitor) =>
        monitor.type === "TCP" &&
        !monitor.secure &&
        !monitor.lrtm &&
        context
          .usersOf(monitor)
          .some(({ bound }) =>
            bound.some((one) => one.monitor === monitor && !one.binding.synthesised),
          ),
    )
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `With -LRTM DISABLED the ADC sends no probe of TCP monitor ${monitor.name} while clients keep connecting: ` +
        "its UP is then the clients' handshakes, and its counters stand still.",
      fix: setMonitor(monitor, "-LRTM", "ENABLED"),
    }));
}

/** An error page is fast: where response time weighs, the sick server is the favourite. */
function lrtmPrefersFailing(context: LintContext): Hit[] {
  return context.vservers.flatMap(({ vserver, services }) => {
    if (vserver.kind !== "lb" || vserver.method !== "LRTM") {
      return [];
    }
    const shallow = services.find(({ deciding }) =>
      deciding.every(({ monitor }) => ["TCP", "PING", "HTTP"].includes(monitor.type)),
    );
    return shallow === undefined
      ? []
      : [
          {
            line: vserver.line,
            object: vserver.name,
            message:
              `${vserver.name} prefers the fastest server, and the monitors of ${shallow.service.name} do not look ` +
              "at what is answered: a server that fails at once wins.",
            fix: command("set", "lb", "vserver", vserver.name, "-lbMethod", "LEASTCONNECTION"),
          },
        ];
  });
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${String(ms / 1000)} s` : `${String(ms)} ms`;
}
