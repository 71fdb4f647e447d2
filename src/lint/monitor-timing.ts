import type { AdcService } from "../model/adc-service.ts";
import type { Monitor } from "../model/monitor.ts";
import { setOptions, type Fix } from "./change.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import { duration, setMonitor, type OptionValues } from "./monitor-change.ts";
import { protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";
import { lineOf } from "./used-monitors.ts";

/** How often monitors probe and how long they wait. */
export const MONITOR_TIMING_RULES: readonly Rule[] = [
  {
    id: "interval_not_above_timeout",
    severity: "error",
    meaning: "A monitor's interval is shorter than its response time-out.",
    find: intervalNotAboveTimeout,
  },
  {
    id: "milliseconds_not_in_tens",
    severity: "error",
    meaning: "A time of a monitor is not a multiple of ten milliseconds.",
    find: millisecondsNotInTens,
  },
  {
    id: "failure_retries_not_below_retries",
    severity: "error",
    meaning: "-failureRetries must be smaller than -retries.",
    find: failureRetries,
  },
  {
    id: "slow_detection",
    severity: "warning",
    meaning: "A dead server keeps getting clients for many minutes.",
    find: slowDetection,
  },
  {
    id: "timeout_below_tarpit",
    severity: "warning",
    meaning: "An SMTP monitor times out before Exchange's tarpit sends the response.",
    find: timeoutBelowTarpit,
  },
  {
    id: "lrtm_suppresses_probes",
    severity: "info",
    meaning: "With -LRTM DISABLED, client connections replace the probes of a TCP monitor.",
    find: lrtmSuppressesProbes,
  },
  {
    id: "lrtm_prefers_failing",
    severity: "info",
    meaning:
      "The fastest server is preferred, and a handshake is fast even if the application fails.",
    find: lrtmPrefersFailing,
  },
];

function intervalNotAboveTimeout(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ intervalMs, responseTimeoutMs }) => intervalMs <= responseTimeoutMs)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `The monitor probes every ${seconds(monitor.intervalMs)} and waits ${seconds(monitor.responseTimeoutMs)} for ` +
        "the response; the ADC requires the interval to be longer.",
      fix: [setMonitor(monitor, { interval: wholeSeconds(monitor.responseTimeoutMs + 1_000) })],
    }));
}

/** NITRO error 2169. What was written is still what is probed with: the author is told, and decides. */
function millisecondsNotInTens(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()].flatMap((monitor) => {
    const wrong = TIMES.flatMap(([option, timeOf]) => {
      const ms = timeOf(monitor);
      return ms % 10 === 0 ? [] : [`-${option} ${String(ms)} MSEC`];
    });
    return wrong.length === 0
      ? []
      : [
          {
            line: monitor.line,
            object: monitor.name,
            message:
              `${wrong.join(", ")}: the ADC refuses milliseconds that are not a multiple of 10 (error 2169), and with ` +
              "them the whole command.",
          },
        ];
  });
}

const TIMES: readonly (readonly [option: string, ms: (monitor: Monitor) => number])[] = [
  ["interval", ({ intervalMs }) => intervalMs],
  ["resptimeout", ({ responseTimeoutMs }) => responseTimeoutMs],
  ["downTime", ({ downTimeMs }) => downTimeMs],
  ["deviation", ({ deviationMs }) => deviationMs],
];

/** NITRO error 2196. If as many failures are needed as there are retries, all must fail: 0 says the same. */
function failureRetries(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ failureRetries: wanted, retries }) => wanted > 0 && wanted >= retries)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `-failureRetries ${String(monitor.failureRetries)} is not below -retries ${String(monitor.retries)}, which the ` +
        "ADC refuses (error 2196); 0 means that all retries must fail.",
      fix: [setMonitor(monitor, { failureRetries: "0" })],
    }));
}

function slowDetection(context: LintContext): Hit[] {
  return (
    [...context.estate.monitors.values()]
      // The metrics of LOAD monitors set weights: nothing goes DOWN by them.
      .filter((monitor) => monitor.type !== "LOAD" && context.usersOf(monitor).length > 0)
      .filter((monitor) => detectionMs(monitor) > context.settings.detectionMs)
      .map((monitor) => ({
        line: monitor.line,
        object: monitor.name,
        message:
          `A failure is noticed after ${seconds(detectionMs(monitor))} (${countedAs(monitor)}); until then clients are ` +
          "sent to a dead server.",
        fix: faster(monitor, context.settings.detectionMs),
      }))
  );
}

/** Half a minute between probes; fewer retries only if that is not enough. Null if neither is. */
function faster(monitor: Monitor, limitMs: number): Fix | null {
  const intervalMs = Math.max(30_000, monitor.responseTimeoutMs + 1_000);
  const interval = wholeSeconds(intervalMs);
  const often = { ...monitor, intervalMs };
  const ways: readonly (readonly [Monitor, OptionValues])[] = [
    [often, { interval }],
    [
      { ...often, retries: 3, failureRetries: 0 },
      { interval, retries: "3", failureRetries: "0" },
    ],
  ];
  const values = ways.find(([changed]) => detectionMs(changed) <= limitMs)?.[1];
  return values === undefined ? null : [setMonitor(monitor, values)];
}

function detectionMs(monitor: Monitor): number {
  return monitor.intervalMs * failuresNeeded(monitor) + monitor.responseTimeoutMs;
}

function countedAs(monitor: Monitor): string {
  const { intervalMs, responseTimeoutMs } = monitor;
  return `interval × retries and the last response time-out: ${seconds(intervalMs)} × ${String(failuresNeeded(monitor))} + ${seconds(responseTimeoutMs)}`;
}

function failuresNeeded({ failureRetries: wanted, retries }: Monitor): number {
  return wanted > 0 ? Math.min(wanted, retries) : retries;
}

/** Exchange delays its responses to anonymous senders (Microsoft docs, `TarpitInterval`). */
function timeoutBelowTarpit(context: LintContext): Hit[] {
  const { tarpitMs } = context.settings;
  return [...context.estate.monitors.values()]
    .filter((monitor) => namesSender(context, monitor) && monitor.responseTimeoutMs <= tarpitMs)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        `The monitor waits ${seconds(monitor.responseTimeoutMs)}, which is not longer than the ${seconds(tarpitMs)} for which ` +
        "Exchange's tarpit delays errors and anonymous senders: a healthy server may appear dead.",
      fix: [
        setMonitor(monitor, {
          resptimeout: wholeSeconds(tarpitMs + 1_000),
          ...(monitor.intervalMs > tarpitMs + 1_000
            ? {}
            : { interval: wholeSeconds(tarpitMs + 2_000) }),
        }),
      ],
    }));
}

/** What names no sender and is no error, so that nothing is delayed. */
const UNDELAYED = /^(?:(?:HELO|EHLO)\s.*|NOOP|QUIT|)$/i;

/**
 * A TCP-ECV monitor of Exchange that goes on after its greeting. The SMTP type ends at EHLO, to which the response is
 * never delayed.
 */
function namesSender(context: LintContext, monitor: Monitor): boolean {
  const sent = (monitor.parameters.send ?? "").split(/[\r\n]/);
  return (
    monitor.type === "TCP-ECV" &&
    sent.some((line) => !UNDELAYED.test(line.trim())) &&
    context
      .usersOf(monitor)
      .filter(({ exchange }) => exchange?.protocol === "smtp")
      .flatMap(({ service }) => service.members)
      .some(({ port }) => protocolOfPort(monitor.destPort ?? port) === "smtp")
  );
}

/**
 * NetScaler docs, "Monitoring TCP-based applications": with LRTM off, client traffic replaces the probes of TCP
 * monitors, which prove no less. Only where its probes are compared with those of this program, at Exchange, is that worth a
 * word; the built-in `tcp` does so by default.
 */
function lrtmSuppressesProbes(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(
      (monitor) =>
        monitor.type === "TCP" &&
        !monitor.secure &&
        !monitor.lrtm &&
        !monitor.builtIn &&
        context
          .usersOf(monitor)
          .some(({ onExchange, service }) => onExchange && probesClientPort(monitor, service)),
    )
    .map((monitor) => ({
      line: lineOf(context, monitor),
      object: monitor.name,
      message:
        "With -LRTM DISABLED the ADC sends no TCP probe while clients keep connecting: UP then only means that their handshakes succeed, and the " +
        "probe counters do not change.",
      fix: [setMonitor(monitor, { LRTM: "ENABLED" })],
    }));
}

/** Client connections to another address or port are no reason to skip a probe. */
function probesClientPort({ destIp, destPort }: Monitor, { members }: AdcService): boolean {
  return (
    destIp === null &&
    (destPort === null || members.some(({ port }) => port === "*" || port === destPort))
  );
}

/** A handshake is fast even if the application fails: where response time decides, a failing server is preferred. */
function lrtmPrefersFailing(context: LintContext): Hit[] {
  return context.vservers.flatMap(({ vserver, services }) => {
    if (vserver.kind !== "lb" || vserver.method !== "LRTM") {
      return [];
    }
    const shallow = services.find(
      ({ deciding, idle, isKnown }) =>
        idle === null &&
        isKnown &&
        deciding.every(({ monitor }) => ["TCP", "PING"].includes(monitor.type)),
    );
    return shallow === undefined
      ? []
      : [
          {
            line: vserver.line,
            object: vserver.name,
            message:
              `The fastest server is preferred, and the monitors of ${shallow.service.name} do not check ` +
              "responses: a server that fails immediately gets the most clients.",
            fix: [
              setOptions("lb vserver", vserver.name, [
                { key: "lbMethod", to: "LEASTCONNECTION", from: "LRTM" },
              ]),
            ],
            decision:
              "the method is a choice: a monitor that checks responses removes the cause, too",
          },
        ];
  });
}

function wholeSeconds(ms: number): readonly string[] {
  return duration(Math.ceil(ms / 1_000) * 1_000);
}

function seconds(ms: number): string {
  if (ms >= 600_000 && ms % 1_000 === 0) {
    return `${String(Math.round(ms / 6_000) / 10)} min`;
  }
  return ms % 1_000 === 0 ? `${String(ms / 1_000)} s` : `${String(ms)} ms`;
}
