import type { Rule } from "./rule.ts";
import { useCount, usesOf, type LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Monitor } from "../model/monitor.ts";
import {
  MONITOR_OPTION_NAMES,
  MONITOR_TYPE_OPTIONS,
  TYPED_OPTIONS,
  UDP_MONITOR_TYPES,
} from "../adc/nsconf/grammar.ts";
import { REDACTED } from "../adc/request-secrets.ts";
import { changeFor, setMonitor, unsetMonitor, withoutSecret } from "./monitor-change.ts";

/** Options of the wrong type, missing or refused, and passwords in them. */
export const MONITOR_OPTION_RULES: readonly Rule[] = [
  {
    id: "unquoted_value",
    severity: "error",
    meaning: "A value that contains a space has no quotes, so that only its first word is used.",
    find: unquotedValue,
  },
  {
    id: "option_of_another_type",
    severity: "error",
    meaning: "A monitor has an option that its type, or every type, does not support.",
    find: optionOfAnotherType,
  },
  {
    id: "required_option_missing",
    severity: "error",
    meaning: "A monitor lacks an option without which the ADC does not use it.",
    find: requiredOptionMissing,
  },
  {
    id: "refused_by_adc",
    severity: "error",
    meaning: "The ADC refuses such a monitor or binding.",
    find: refusedByAdc,
  },
  {
    id: "password_in_script_args",
    severity: "warning",
    meaning: "A password is readable in -scriptArgs.",
    find: passwordInScriptArgs,
  },
];

/** `-send GET /x`: the importer, like the ADC, takes only the first word. */
function unquotedValue(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()].flatMap((monitor) =>
    (["send", "httpRequest"] as const).flatMap((option): Hit[] => {
      const words = monitor.written.get(option.toLowerCase()) ?? [];
      const [method = "", path] = words;
      if (!/^(GET|HEAD|POST)$/i.test(method) || path?.startsWith("/") === false) {
        return [];
      }
      const uses = usesOf(context, monitor);
      const whole =
        path === undefined
          ? { blank: "page", around: `${method} /{}` }
          : redactedBlank(words.join(" "));
      const values = { [option]: whole };
      return [
        {
          line: monitor.line,
          object: monitor.name,
          message: `The value of -${option} has no quotes: only "${method}" is used, and the path is lost.`,
          fix:
            // A copy for the services would leave the mistake to routes and GSLB.
            uses.length === 0 || useCount(context, monitor) > uses.length
              ? null
              : changeFor(context.names, monitor, uses, uses.length, values),
        },
      ];
    }),
  );
}

export function redactedBlank(text: string): ReturnType<typeof withoutSecret> {
  return text.includes(REDACTED)
    ? { blank: REDACTED.slice(1, -1), around: text.replace(REDACTED, "{}") }
    : withoutSecret(text);
}

/** The ADC rejects such a command, so it was never in effect. */
export function optionOfAnotherType(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()].flatMap((monitor) => {
    const taken = MONITOR_TYPE_OPTIONS.get(monitor.type);
    if (taken === undefined || monitor.builtIn || monitor.line === null) {
      return [];
    }
    const unsupported = optionsOfNoMonitor(monitor);
    if (unsupported.length > 0) {
      const message = `No monitor has -${unsupported.join(", -")}: the ADC rejects the whole command.`;
      return [{ line: monitor.line, object: monitor.name, message }];
    }
    const foreign = [...monitor.written.keys()].filter(
      (key) => TYPED_OPTIONS.has(key) && !taken.has(key),
    );
    const isSecuredUdp = monitor.secure && UDP_MONITOR_TYPES.has(monitor.type);
    const wrong =
      foreign.length > 0
        ? `has no -${foreign.map(MONITOR_OPTION_NAMES.spelled).join(", -")}`
        : isSecuredUdp
          ? "speaks UDP, so it has no -secure YES (error 2154)"
          : null;
    return wrong === null
      ? []
      : [
          {
            line: monitor.line,
            object: monitor.name,
            message: `Type ${monitor.type} ${wrong}: the ADC rejects the whole command.`,
          },
        ];
  });
}

/** By type: one of these options must be set before the monitor can be used. NITRO docs, error messages. */
const REQUIRED: ReadonlyMap<string, readonly [error: number, ...options: readonly string[]]> =
  new Map([
    ["LDAP", [2184, "baseDN", "bindDN"]],
    ["MYSQL", [2185, "userName", "database"]],
    ["POP3", [2186, "userName"]],
    ["NNTP", [2187, "group"]],
    ["FTP-EXTENDED", [2188, "fileName"]],
    ["SNMP", [2189, "snmpOID", "snmpCommunity"]],
    ["USER", [2157, "scriptName"]],
    ["RADIUS_ACCOUNTING", [2214, "radKey"]],
  ]);

/** Read from commands only: over NITRO, secrets are never returned. */
function requiredOptionMissing(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ builtIn, line }) => !builtIn && line !== null)
    .flatMap((monitor) => {
      const { type, written, transparent, ipTunnel, tos, destIp, line, name } = monitor;
      const [error, ...options] = REQUIRED.get(type) ?? [0];
      const lacks = !options.some((option) => written.has(option.toLowerCase()));
      const messages = [
        // Old files pass to a script what later became options of the type.
        ...(lacks && options.length > 0 && (type === "USER" || !written.has("scriptargs"))
          ? [`Type ${type} needs -${options.join(" or -")} (error ${String(error)}).`]
          : []),
        ...((transparent || ipTunnel || tos) && destIp === null
          ? [
              "A transparent, tunnelled or marked probe needs -destIP, which says where it goes (error 2129).",
            ]
          : []),
        ...(tos && !written.has("tosid") ? ["-tos YES needs -tosId (error 2201)."] : []),
      ];
      return messages.map((message) => ({ line, object: name, message }));
    });
}

/** NITRO docs, `lbmonitor`: at most so many response codes or ranges. */
const MAX_RESPONSE_CODES = 16;

/** Errors 2130, 2212 and 2140, of which nothing else in the configuration says anything. */
function refusedByAdc(context: LintContext): Hit[] {
  const monitors = [...context.estate.monitors.values()].flatMap(({ name, line, written }) => {
    const count = written.get("respcode")?.length ?? 0;
    return line === null || count <= MAX_RESPONSE_CODES
      ? []
      : [
          {
            line,
            object: name,
            message: `-respCode has ${String(count)} values, but a monitor has at most ${String(MAX_RESPONSE_CODES)} (error 2130): write ranges, as 200-299.`,
          },
        ];
  });
  const bindings = context.services.flatMap(({ service, bound }) =>
    bound.flatMap(({ monitor, binding: { line, passive } }) => {
      const message =
        passive && monitor.type !== "LOAD"
          ? `Only a monitor of type LOAD is bound with -passive, and ${monitor.name} is of type ${monitor.type} (error 2212).`
          : monitor.type.startsWith("LDNS-")
            ? `${monitor.name} is of type ${monitor.type}, which GSLB measures clients' name servers with: it is bound to no service (error 2140).`
            : null;
      return line === null || message === null ? [] : [{ line, object: service.name, message }];
    }),
  );
  return [...monitors, ...bindings];
}

/** If an option has lost its value, the next word may be it: a password that begins with a hyphen is not repeated. */
function optionsOfNoMonitor({ written }: Monitor): string[] {
  return [...written.values()].some((values) => values.length === 0)
    ? []
    : [...written.keys()].filter((key) => !MONITOR_OPTION_NAMES.isPrefix(key));
}

/**
 * Whoever can read the configuration can read the password; -secureArgs takes it encrypted, after the other arguments.
 */
function passwordInScriptArgs(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ parameters }) => parameters.scriptArgs?.includes(REDACTED))
    .map((monitor) => {
      const parts = (monitor.parameters.scriptArgs ?? "").split(";").filter((part) => part !== "");
      const secret = parts.filter((part) => part.includes(REDACTED));
      const open = parts.filter((part) => !part.includes(REDACTED));
      const hasMore = monitor.written.has("secureargs");
      const own = secret.map((part) => part.replace(REDACTED, "{}")).join(";");
      const around = hasMore ? "{}" : own;
      // Arguments without a name may be anything.
      const blank = hasMore
        ? `the present -secureArgs;${secret.map((part) => part.replace(REDACTED, "password")).join(";")}`
        : secret.length > 1 || around === "{}"
          ? "argument"
          : "password";
      const uses = usesOf(context, monitor);
      return {
        line: monitor.line,
        object: monitor.name,
        message:
          "A password is readable in -scriptArgs, and so in every copy of the configuration" +
          (monitor.type === "USER" ? "; -secureArgs stores it encrypted." : "."),
        fix:
          // No other type has these options.
          monitor.type !== "USER" || secret.length === 0 || uses.length === 0
            ? null
            : open.length === 0
              ? [
                  setMonitor(monitor, { secureArgs: { blank, around } }),
                  unsetMonitor(monitor, "scriptArgs"),
                ]
              : changeFor(context.names, monitor, uses, useCount(context, monitor), {
                  scriptArgs: open.join(";"),
                  secureArgs: { blank, around },
                }),
      };
    });
}
