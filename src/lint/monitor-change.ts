import type { AdcService, MonitorBinding } from "../model/adc-service.ts";
import { builtInMonitor, monitorWithDefaults } from "../adc/monitor-defaults.ts";
import type { CodeRange, Monitor } from "../model/monitor.ts";
import { type Blank, type Value, MONITOR_TYPE_OPTIONS } from "../adc/nsconf/grammar.ts";
import { REDACTED, redactRequest } from "../adc/request-secrets.ts";
import { restoring, setOptions, type Change, type Fix } from "./change.ts";
import type { Names } from "./names.ts";

/** Options of a monitor by name in lower case. */
export type MonitorOptions = ReadonlyMap<string, readonly Value[]>;

/** Options as rules write them: one value each. */
export type OptionValues = Readonly<Record<string, Value | readonly Value[]>>;

/** A service, and how a monitor is bound to it. */
export interface MonitorUse {
  readonly service: AdcService;
  readonly binding: MonitorBinding;
}

/** `set lb monitor M TYPE …`; undone with the present values, or with `unset` if a default applies. */
export function setMonitor(monitor: Monitor, values: OptionValues): Change {
  const options = new Map(
    [...optionsOf(values)].map(([key, value]) => [key, inItsUnit(monitor, key, value)] as const),
  );
  const builtIn = monitor.builtIn ? builtInMonitor(monitor.name) : null;
  const now = builtIn === null ? monitorOptions(monitor) : otherOptions(monitor, builtIn);
  const words = [monitor.name, monitor.type];
  const before = [...options.keys()].flatMap((key) => {
    const value = now.get(key) ?? defaultToWrite(monitor, key);
    return value === null ? [] : [[key, value] as const];
  });
  const written = new Set<string>(before.map(([key]) => key));
  const unknown = [...options.keys()].flatMap((key) =>
    written.has(key) ? [] : [[key, []] as const],
  );
  return {
    apply: { kind: "set lb monitor", words, options: [...options] },
    undo: restoring("lb monitor", words, before, unknown),
  };
}

/**
 * A duration without a unit is in seconds, but the command reference says of units that they do not change: where the
 * present one is another, seconds are written out.
 */
function inItsUnit({ written }: Monitor, key: string, value: readonly Value[]): readonly Value[] {
  const isDuration = DURATIONS.some(([, option]) => option === key);
  const unit = written.get(key)?.[1]?.toUpperCase() ?? "SEC";
  return isDuration && value.length === 1 && unit !== "SEC" ? [...value, "SEC"] : value;
}

/**
 * A present default that the undo writes out instead of `unset`: interval and time-out, which the ADC checks against
 * each other, so that one command has to restore both; and all that is known of a built-in, whose defaults are its own.
 */
function defaultToWrite(monitor: Monitor, key: string): readonly Value[] | null {
  if (key !== "interval" && key !== "resptimeout" && !monitor.builtIn) {
    return null;
  }
  return optionsBesides(monitor, () => true).get(key) ?? null;
}

/** `unset lb monitor M TYPE -option`, of one whose value is a secret: no command brings it back. */
export function unsetMonitor({ name, type }: Monitor, option: string): Change {
  return {
    apply: { kind: "unset lb monitor", words: [name, type], options: [[option, []]] },
    undo: [],
  };
}

/** `add lb monitor`. */
export function addMonitor(name: string, type: string, options: MonitorOptions): Change {
  return {
    apply: { kind: "add lb monitor", words: [name, type], options: [...options] },
    undo: [{ kind: "rm lb monitor", words: [name, type], options: [] }],
  };
}

/** `bind lb monitor M -certkeyName C`: the client certificate that it presents. */
export function bindCertificate(monitor: string, certificate: string): Change {
  const words = [monitor];
  const options = [["certkeyName", [certificate]]] as const;
  return {
    apply: { kind: "bind lb monitor", words, options },
    undo: [{ kind: "unbind lb monitor", words, options }],
  };
}

/** `rm lb monitor`; undone by adding it with all its options. */
export function removeMonitor(monitor: Monitor): Change {
  const words = [monitor.name, monitor.type];
  return {
    apply: { kind: "rm lb monitor", words, options: [] },
    undo: [{ kind: "add lb monitor", words, options: [...monitorOptions(monitor)] }],
  };
}

/** `bind service S -monitorName M`, or the same for a group. */
export function bindMonitor(service: AdcService, monitor: string, like?: MonitorBinding): Change {
  return { apply: bindCommand(service, monitor, like), undo: [unbindCommand(service, monitor)] };
}

/**
 * If there is a threshold, a further monitor has an effect only if its weight is needed to reach it. One that was never
 * reached becomes one that is.
 */
export function beside(service: AdcService, monitor: string): Fix {
  const { monThreshold } = service;
  if (monThreshold === 0) {
    return [bindMonitor(service, monitor)];
  }
  const others = service.monitors
    .filter(({ enabled, synthesised }) => enabled && !synthesised)
    .reduce((sum, { weight }) => sum + weight, 0);
  const weight = Math.max(1, others - monThreshold + 1);
  const like = { monitor, enabled: true, weight, passive: false, synthesised: false };
  const threshold = Math.min(monThreshold, others) + weight;
  return [
    bindMonitor(service, monitor, { ...like, deprecatedForm: false, line: null }),
    ...(threshold === monThreshold
      ? []
      : [
          setOptions(service.kind, service.name, [
            { key: "monThreshold", to: String(threshold), from: String(monThreshold) },
          ]),
        ]),
  ];
}

export function unbindMonitor(service: AdcService, binding: MonitorBinding): Change {
  return {
    apply: unbindCommand(service, binding.monitor),
    undo: [bindCommand(service, binding.monitor, binding)],
  };
}

function bindCommand(service: AdcService, monitor: string, like?: MonitorBinding): Change["apply"] {
  const options: [string, readonly string[]][] = [["monitorName", [monitor]]];
  if (like?.enabled === false) {
    options.push(["monState", ["DISABLED"]]);
  }
  if (like !== undefined && like.weight !== 1) {
    options.push(["weight", [String(like.weight)]]);
  }
  if (like?.passive === true) {
    options.push(["passive", []]);
  }
  return { kind: `bind ${service.kind}`, words: [service.name], options };
}

function unbindCommand(service: AdcService, monitor: string): Change["apply"] {
  const options = [["monitorName", [monitor]] as const];
  return { kind: `unbind ${service.kind}`, words: [service.name], options };
}

/**
 * Changes a monitor only where it is wrong: in place if it is wrong for all its users, or else by a complete copy if
 * others use it too or it is built in. Null if a copy would lose something.
 */
export function changeFor(
  names: Names,
  monitor: Monitor,
  wrong: readonly MonitorUse[],
  usedBy: number,
  values: OptionValues,
): Fix | null {
  return !monitor.builtIn && wrong.length === usedBy
    ? [setMonitor(monitor, values)]
    : replaceMonitor(names, monitor, wrong, monitor.type, values, "_copy");
}

/**
 * Replaces a monitor at these services by one of another type with the same settings: destination, headers, intervals,
 * profiles, and weight and state of each binding. `set` cannot change a type. `values` replace the request and the
 * expected response. Null if the new type does not have an option of the old one.
 */
export function replaceMonitor(
  names: Names,
  monitor: Monitor,
  uses: readonly MonitorUse[],
  type: string,
  values: OptionValues,
  suffix: string,
): Fix | null {
  const taken = MONITOR_TYPE_OPTIONS.get(type);
  const replaced = optionsOf(values);
  if (!isKnownWhole(monitor) || isTimingRefused(monitor)) {
    return null;
  }
  const kept = new Map<string, readonly Value[]>();
  for (const [key, value] of monitorOptions(monitor)) {
    if (type !== monitor.type && QUESTION.has(key)) {
      continue;
    }
    if (taken?.has(key) !== true) {
      return null;
    }
    kept.set(key, value);
  }
  const name = names.fresh(monitor.name, suffix);
  const options = new Map([...kept, ...replaced]);
  // With a blank to fill in, the old one stays bound (`printFix`).
  const stays = [...options.values()].flat().some((value) => typeof value !== "string");
  return [
    addMonitor(name, type, options),
    ...uses.flatMap(({ service, binding }) =>
      stays && service.monThreshold > 0
        ? beside(service, name)
        : [
            bindMonitor(service, name, binding),
            ...(binding.synthesised ? [] : [unbindMonitor(service, binding)]),
          ],
    ),
  ];
}

/**
 * Whether writing all known options loses nothing: its type has every option in the file. Over NITRO every monitor has
 * every attribute.
 */
export function isKnownWhole({ type, written, line }: Monitor): boolean {
  const taken = MONITOR_TYPE_OPTIONS.get(type);
  const inFile = line === null ? [] : [...written.keys()];
  return taken !== undefined && inFile.every((key) => taken.has(key) || BESIDE.has(key));
}

/**
 * Whether the ADC refuses a monitor with these intervals and retries (errors 2128 and 2196): a copy would be refused
 * too, and what follows it would unbind the original.
 */
function isTimingRefused(monitor: Monitor): boolean {
  const { intervalMs, responseTimeoutMs, failureRetries, retries } = monitor;
  return intervalMs <= responseTimeoutMs || (failureRetries > 0 && failureRetries >= retries);
}

/** No options of the type: how a secret is written, and the number that a cluster assigns. */
const BESIDE: ReadonlySet<string> = new Set([
  "encrypted",
  "encryptmethod",
  "devno",
  "kek",
  "suffix",
]);

/** A monitor's request and expected response, which differ between types. */
const QUESTION: ReadonlySet<string> = new Set(["httprequest", "respcode", "send", "recv"]);

/**
 * Every option of a monitor that differs from its type's default, as `add lb monitor` takes it. Secrets become
 * placeholders.
 */
export function monitorOptions(monitor: Monitor): MonitorOptions {
  return otherOptions(monitor, monitorWithDefaults({ name: monitor.name, type: monitor.type }));
}

function otherOptions(monitor: Monitor, base: Monitor): MonitorOptions {
  const found = optionsBesides(monitor, (key) => monitor[key] !== base[key]);
  for (const key of ["netProfile", "sslProfile"] as const) {
    const value = monitor[key];
    if (value !== null) {
      found.set(key.toLowerCase(), [value]);
    }
  }
  if (monitor.destIp !== null) {
    found.set("destip", [monitor.destIp]);
  }
  if (monitor.destPort !== null) {
    found.set("destport", [String(monitor.destPort)]);
  }
  for (const key of COPIED) {
    const written = monitor.written.get(key);
    if (written !== undefined && written.length > 0 && written[0] !== "0") {
      found.set(key, written.map(withoutSecret));
    }
  }
  addParameters(monitor, base, found);
  return found;
}

/** Options of which the model has no field: copied as written. */
const COPIED: readonly string[] = [
  "tosid",
  "resptimeoutthresh",
  "evalrule",
  "storedb",
  "oraclesid",
  "radaccounttype",
  "radframedip",
  "radapn",
  "radmsisdn",
  "radaccountsession",
];

/** Durations, numbers and flags. */
function optionsBesides(
  monitor: Monitor,
  differs: (key: keyof Monitor) => boolean,
): Map<string, readonly Value[]> {
  const found = new Map<string, readonly Value[]>();
  for (const [key, option] of DURATIONS) {
    if (differs(key)) {
      found.set(option, duration(monitor[key]));
    }
  }
  for (const [key, option] of NUMBERS) {
    if (differs(key)) {
      found.set(option, [String(monitor[key])]);
    }
  }
  for (const [key, option, [yes, no]] of FLAGS) {
    if (differs(key)) {
      found.set(option, [monitor[key] ? yes : no]);
    }
  }
  return found;
}

const DURATIONS = [
  ["intervalMs", "interval"],
  ["responseTimeoutMs", "resptimeout"],
  ["downTimeMs", "downtime"],
  ["deviationMs", "deviation"],
] as const;
const NUMBERS = [
  ["retries", "retries"],
  ["failureRetries", "failureretries"],
  ["successRetries", "successretries"],
  ["alertRetries", "alertretries"],
] as const;
const YES_NO = ["YES", "NO"] as const;
const ON_OFF = ["ENABLED", "DISABLED"] as const;
const FLAGS = [
  ["enabled", "state", ON_OFF],
  ["reverse", "reverse", YES_NO],
  ["transparent", "transparent", YES_NO],
  ["ipTunnel", "iptunnel", YES_NO],
  ["tos", "tos", YES_NO],
  ["secure", "secure", YES_NO],
  ["lrtm", "lrtm", ON_OFF],
] as const;

const TEXTS = [
  ...(["httpRequest", "rtspRequest", "send", "recv", "trofsString", "query", "queryType"] as const),
  ...([
    "userName",
    "scriptName",
    "dispatcherIp",
    "baseDn",
    "bindDn",
    "filter",
    "attribute",
  ] as const),
  ...(["group", "fileName", "database", "sqlQuery", "radNasId", "radNasIp", "snmpOid"] as const),
  ...(["snmpThreshold", "snmpVersion", "sipMethod", "sipUri", "action"] as const),
  ...(["trofsCode", "dispatcherPort", "maxForwards", "customHeaders", "scriptArgs"] as const),
];

/** Written out although they are a type's default, as the ADC itself saves them: only USER documents one. */
const SCRIPT: ReadonlySet<(typeof TEXTS)[number]> = new Set([
  "scriptName",
  "dispatcherIp",
  "dispatcherPort",
] as const);

function addParameters(
  monitor: Monitor,
  base: Monitor,
  found: Map<string, readonly Value[]>,
): void {
  const { parameters } = monitor;
  for (const key of TEXTS) {
    const value = parameters[key];
    if (value !== null && (SCRIPT.has(key) || value !== base.parameters[key])) {
      found.set(key.toLowerCase(), [withoutSecret(String(value))]);
    }
  }
  if (
    parameters.respCodes !== null &&
    codes(parameters.respCodes) !== codes(base.parameters.respCodes ?? [])
  ) {
    found.set("respcode", codes(parameters.respCodes).split(" "));
  }
  if (parameters.ipAddresses.length > 0) {
    found.set("ipaddress", parameters.ipAddresses);
  }
  if (monitor.written.has("snmpcommunity")) {
    found.set("snmpcommunity", [{ blank: "community" }]);
  }
  const inArguments = parameters.scriptArgs?.includes(REDACTED) === true;
  if (parameters.password !== "none") {
    const keys = SECRETS.filter((name) => monitor.written.has(name));
    for (const key of keys.length === 0 && !inArguments ? ["password"] : keys) {
      found.set(key, [{ blank: key }]);
    }
  }
}

const SECRETS: readonly string[] = ["password", "radkey", "secureargs"];

function codes(ranges: readonly CodeRange[]): string {
  return ranges
    .map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`))
    .join(" ");
}

/** A text that contains a secret becomes a placeholder, because commands are read, mailed and stored. */
export function withoutSecret(text: string): string | Blank {
  const redacted = redactRequest(text);
  return redacted.includes(REDACTED)
    ? { blank: REDACTED.slice(1, -1), around: redacted.replace(REDACTED, "{}") }
    : text;
}

/** In seconds if that is exact. */
export function duration(ms: number): readonly string[] {
  return ms % 1_000 === 0 ? [String(ms / 1_000)] : [String(Math.ceil(ms / 10) * 10), "MSEC"];
}

/** Converts the options of a rule to the fix engine's form. */
export function optionsOf(values: OptionValues): Map<string, readonly Value[]> {
  return new Map(
    Object.entries(values).map(([key, value]) => [
      key.toLowerCase(),
      isList(value) ? value : [value],
    ]),
  );
}

function isList(value: Value | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value);
}
