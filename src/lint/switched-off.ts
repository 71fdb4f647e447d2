import { setOptions } from "./change.ts";
import type { LintContext } from "./context.ts";
import { monitorsToBind } from "./http-monitors.ts";
import type { Hit } from "./finding.ts";
import {
  addMonitor,
  bindMonitor,
  removeMonitor,
  setMonitor,
  isKnownWhole,
  monitorOptions,
} from "./monitor-change.ts";
import { SERVICE_TYPES } from "../adc/nsconf/grammar.ts";
import { isPlaceholder } from "../adc/placeholders.ts";
import type { Monitor } from "../model/monitor.ts";
import type { Rule } from "./rule.ts";

/** Monitoring that does not run, cannot succeed, or depends on a single point. */
export const SWITCHED_OFF_RULES: readonly Rule[] = [
  {
    id: "health_monitor_off",
    severity: "error",
    meaning: "-healthMonitor NO: the ADC always reports UP.",
    find: healthMonitorOff,
  },
  {
    id: "threshold_out_of_reach",
    severity: "error",
    meaning: "-monThreshold is higher than the sum of all weights: the service is never UP.",
    find: thresholdOutOfReach,
  },
  {
    id: "unknown_service_type",
    severity: "error",
    meaning: "The service type does not exist on a NetScaler.",
    find: unknownServiceType,
  },
  {
    id: "monitor_disabled",
    severity: "warning",
    meaning: "A bound monitor is disabled, so that it neither probes nor counts.",
    find: monitorDisabled,
  },
  {
    id: "binding_disabled",
    severity: "warning",
    meaning:
      "A monitor is bound with its state disabled, so that it neither probes nor counts there.",
    find: bindingDisabled,
  },
  {
    id: "unused_monitor",
    severity: "info",
    meaning: "A monitor is not bound to anything.",
    find: unusedMonitor,
  },
  {
    id: "single_login_account",
    severity: "info",
    meaning: "One mail account decides about every server.",
    find: singleLoginAccount,
  },
];

function healthMonitorOff(context: LintContext): Hit[] {
  return context.watched
    .filter(({ service }) => !service.healthMonitor && !CLOUD_RESOLVER.test(service.name))
    .map(({ service }) => ({
      line: service.line,
      object: service.name,
      message:
        "-healthMonitor NO: the ADC always reports UP and runs no monitor, so failures go unnoticed.",
      fix: [
        setOptions(service.kind, service.name, [{ key: "healthMonitor", to: "YES", from: "NO" }]),
      ],
      decision:
        "leave it if it is a dummy that must be UP; otherwise check first that its monitors pass",
    }));
}

/** The cloud's resolver, which the ADC's set-up there adds without health monitoring. */
const CLOUD_RESOLVER = /^(?:aws|azure|gcp)lbdnsservice\d+$/i;

/** NetScaler docs, "Setting the monitor threshold": the weights of the monitors that are up must reach it. */
function thresholdOutOfReach(context: LintContext): Hit[] {
  return context.services.flatMap(({ service, deciding, isKnown }) => {
    const sum = deciding.reduce((total, { binding }) => total + binding.weight, 0);
    const { monThreshold } = service;
    if (
      !isKnown ||
      monThreshold <= sum ||
      service.monitors.length === 0 ||
      !service.healthMonitor
    ) {
      return [];
    }
    return [
      {
        line: service.line,
        object: service.name,
        message:
          `-monThreshold ${String(monThreshold)} is never reached: the weights of the monitors that count add up to ` +
          `${String(sum)}, so the ADC keeps every member DOWN.`,
        fix: [
          setOptions(service.kind, service.name, [
            { key: "monThreshold", to: String(sum), from: String(monThreshold) },
          ]),
        ],
      },
    ];
  });
}

function unknownServiceType(context: LintContext): Hit[] {
  const objects = [
    ...context.services.map(({ service }) => service),
    ...context.vservers.map(({ vserver }) => vserver),
    ...context.estate.gslb.services.values(),
    ...context.estate.gslb.vservers.values(),
  ];
  return objects
    .filter(({ serviceType }) => !SERVICE_TYPES.has(serviceType) && !isPlaceholder(serviceType))
    .map(({ name, serviceType, line }) => ({
      line,
      object: name,
      message: `No NetScaler has a service type ${serviceType}${meantType(serviceType)}: the ADC rejects the command.`,
    }));
}

/** What other load balancers call SSL, and a hyphen for an underscore. */
function meantType(written: string): string {
  const named = ["HTTPS", "TLS"].includes(written) ? "SSL" : written.replaceAll("-", "_");
  return named !== written && SERVICE_TYPES.has(named) ? ` (use ${named})` : "";
}

function monitorDisabled(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter((monitor) => !monitor.enabled && context.usersOf(monitor).length > 0)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        "The monitor is disabled, so its services are UP without it. The command reference says that -state DISABLED " +
        "stops all monitors of this type.",
      fix: [setMonitor(monitor, { state: "ENABLED" })],
      decision: SWITCHED_OFF,
    }));
}

function bindingDisabled(context: LintContext): Hit[] {
  return context.services.flatMap(({ service }) =>
    service.monitors
      .filter(({ enabled }) => !enabled)
      .map(({ monitor, line }) => ({
        line,
        object: service.name,
        message: `Monitor ${monitor} is bound with its state disabled: it neither probes nor counts.`,
        fix: [
          {
            apply: { kind: "enable lb monitor", words: [service.name, monitor], options: [] },
            undo: [{ kind: "disable lb monitor", words: [service.name, monitor], options: [] }],
          },
        ],
        decision: SWITCHED_OFF,
      })),
  );
}

const SWITCHED_OFF =
  "enable it if it was only disabled temporarily; servers on which it fails then go DOWN";

/**
 * The importer also knows which monitors routes and GSLB use, so its diagnostic decides. If a binding names a missing
 * monitor, the unused one may be meant: then nothing is removed.
 */
function unusedMonitor(context: LintContext): Hit[] {
  const misspelt = context.services.some(
    ({ service, bound }) => bound.length < service.monitors.length,
  );
  const { extent, diagnostics, nsip } = context.estate;
  const isOpen = diagnostics.some(({ rule }) => rule === "dangling_reference");
  const isList = extent === "paste" && context.services.length === 0;
  if (extent === "excerpt" || (extent === "paste" && isOpen) || isList) {
    // The part that is missing may bind it.
    return [];
  }
  // The ADC does not remove a monitor that is bound, and an unread part may bind it: only a file with the ADC's own
  // address is surely whole.
  const mayBeBound = extent !== undefined || nsip === null;
  const wanted = monitorsToBind(context);
  // The monitor may have been made for one of these, and its binding forgotten.
  const isForgotten = context.watched.some(({ service }) =>
    service.monitors.every(({ synthesised }) => synthesised),
  );
  return diagnostics
    .filter(({ rule, object }) => rule === "unused_monitor" && !wanted.has(object))
    .map(({ line, object, message }) => {
      const monitor = context.estate.monitors.get(object);
      return {
        line,
        object,
        message,
        fix:
          monitor === undefined || misspelt || mayBeBound || isForgotten || !canComeBack(monitor)
            ? null
            : [removeMonitor(monitor)],
      };
    });
}

/** Whether the whole monitor can be written again: no secret, and no unknown option. */
function canComeBack(monitor: Monitor): boolean {
  return (
    isKnownWhole(monitor) &&
    [...monitorOptions(monitor).values()].flat().every((value) => typeof value === "string")
  );
}

/** One locked account or moved mailbox makes every server behind it DOWN at once. */
function singleLoginAccount(context: LintContext): Hit[] {
  return context.watched.flatMap(({ service, deciding }) => {
    const logins = deciding.filter(({ monitor }) => monitor.type === "POP3");
    const accounts = new Set(logins.map(({ monitor }) => monitor.parameters.userName));
    const [first] = logins;
    if (first === undefined || accounts.size > 1) {
      return [];
    }
    const { monitor, binding } = first;
    const alone = deciding.length === 1 && service.monThreshold === 0;
    const second = context.names.fresh(monitor.name, "_second");
    const login = {
      username: [{ blank: "second account" }],
      password: [{ blank: "its password" }],
    };
    return [
      {
        line: binding.line ?? service.line,
        object: service.name,
        message:
          `One account (${monitor.parameters.userName ?? "of " + monitor.name}) decides: when it is locked, expires or ` +
          "its mailbox is unavailable, every server goes DOWN although all are healthy.",
        fix: alone
          ? [
              addMonitor(
                second,
                monitor.type,
                new Map([...monitorOptions(monitor), ...Object.entries(login)]),
              ),
              // First, so that the service does not depend on the second account for a moment.
              setOptions(service.kind, service.name, [{ key: "monThreshold", to: "1", from: "0" }]),
              bindMonitor(service, second, binding),
            ]
          : null,
      },
    ];
  });
}
