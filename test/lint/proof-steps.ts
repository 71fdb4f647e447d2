import type { AdcService } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import { builtInMonitor } from "../../src/adc/monitor-defaults.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { readStatements, type Statement } from "../../src/adc/nsconf/statements.ts";

/** A configuration with commands after it, which run in the default partition. */
export function readWith(text: string, commands: readonly string[]): Estate {
  const here = /switch ns partition /i.test(text) ? ["switch ns partition default"] : [];
  return parseNsConf([text, ...here, ...commands].join("\n"), { adc: "test" });
}

/**
 * Runs commands one by one, after others that have run: what the ADC would refuse, which service is for a moment
 * without a monitor although the configuration gives it one, and which requests are for a moment not switched although
 * they are before and after.
 */
export function stepFailures(
  text: string,
  commands: readonly string[],
  ran: readonly string[] = [],
): string[] {
  const start = readWith(text, []);
  let now = readWith(text, ran);
  const end = routes(readWith(text, [...ran, ...commands]));
  const lasting = [...routes(now)].filter((route) => end.has(route));
  return commands.flatMap((command, at) => {
    const refused = [...readStatements(command)].flatMap((statement) => refusals(now, statement));
    now = readWith(text, [...ran, ...commands.slice(0, at + 1)]);
    return [
      ...refused.map((why) => `the ADC refuses (${why}): ${command}`),
      ...[...start.services.values()]
        .filter((service) => isLeftAlone(start, service, now))
        .map(({ name }) => `${name} is without a monitor after: ${command}`),
      ...lasting
        .filter((route) => !routes(now).has(route))
        .map((route) => `nothing leads to ${route} after: ${command}`),
    ];
  });
}

/** What content switching decides: at which vserver, by which rule, to which target. */
function routes({ csVservers, policies }: Estate): ReadonlySet<string> {
  return new Set(
    [...csVservers.values()].flatMap(({ name, targets }) =>
      targets.map(({ policy, target }) =>
        [name, policies.get(policy)?.rule ?? policy, target ?? ""].join(" "),
      ),
    ),
  );
}

/** Had a monitor of its own that decides, and has none now. */
function isLeftAlone(start: Estate, service: AdcService, now: Estate): boolean {
  const after = now.services.get(service.name);
  return after !== undefined && decides(start, service) && !decides(now, after);
}

function decides(estate: Estate, { monitors }: AdcService): boolean {
  return monitors.some(
    ({ monitor, enabled, synthesised }) =>
      !synthesised && enabled && estate.monitors.get(monitor)?.enabled !== false,
  );
}

/** NITRO errors: exists (273), no such resource (258), bound (2131), interval (2128), retries (2196). */
function refusals(now: Estate, { verb, group, object, words, keys }: Statement): string[] {
  const [name = ""] = words;
  const wanted = keys.get("monitorname")?.[0];
  const kind = `${group} ${object ?? ""}`.trim().toLowerCase();
  if (kind === "lb monitor") {
    const known = knows(now, name);
    if (verb === "add") {
      return [...(known ? ["it exists"] : []), ...wrongTiming(name, words, keys)];
    }
    const users = [...now.services.values()].filter(({ monitors }) =>
      monitors.some(({ monitor }) => monitor === name),
    );
    return verb === "rm" && users.length > 0
      ? ["it is bound"]
      : ["rm", "set", "unset"].includes(verb) && !known
        ? ["no such monitor"]
        : [];
  }
  if ((kind !== "service" && kind !== "servicegroup") || wanted === undefined) {
    return [];
  }
  const service = now.services.get(name);
  const bound = service?.monitors.some(
    ({ monitor, synthesised }) => !synthesised && monitor.toLowerCase() === wanted.toLowerCase(),
  );
  return service === undefined
    ? ["no such service"]
    : verb === "bind"
      ? [
          ...(bound === true ? ["bound already"] : []),
          ...(knows(now, wanted) ? [] : ["no monitor"]),
        ]
      : bound === true
        ? []
        : ["not bound"];
}

function knows(now: Estate, name: string): boolean {
  return now.monitors.has(name) || builtInMonitor(name) !== null;
}

function wrongTiming(
  name: string,
  words: readonly string[],
  keys: Statement["keys"],
): readonly string[] {
  const options = [...keys].map(
    ([key, values]) => `-${key} ${values.map((v) => `"${v}"`).join(" ")}`,
  );
  const timing = options.filter((one) =>
    /^-(interval|resptimeout|retries|failureretries) /.test(one),
  );
  const line = `add lb monitor x ${words[1] ?? ""} ${timing.join(" ")}`;
  const monitor = readWith(line, []).monitors.get("x");
  if (monitor === undefined) {
    return [`${name} is not read`];
  }
  const { intervalMs, responseTimeoutMs, failureRetries, retries } = monitor;
  return [
    ...(intervalMs <= responseTimeoutMs ? ["2128"] : []),
    ...(failureRetries > 0 && failureRetries >= retries ? ["2196"] : []),
  ];
}

/** What an undo has to restore: every object, but not where and how it is written. */
function fingerprint(estate: Estate): ReadonlyMap<string, string> {
  const { services, monitors, lbVservers, csVservers, policies, actions } = estate;
  const tables = { services, monitors, lbVservers, csVservers, policies, actions };
  return new Map(
    Object.entries(tables).flatMap(([table, objects]) =>
      [...(objects as ReadonlyMap<string, object>)].map(
        ([name, one]) => [`${table} ${name}`, JSON.stringify(plain(one))] as const,
      ),
    ),
  );
}

const NOT_COMPARED: ReadonlySet<string> = new Set(["line", "written", "deprecatedForm"]);

/**
 * Without lines; lists of bindings in one order, because the order of commands decides theirs, and each once, because
 * the ADC refuses to bind the same twice.
 */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item));
    return items.every((item) => typeof item === "object")
      ? [...new Set(items.map((item) => JSON.stringify(item)))].sort()
      : items;
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !NOT_COMPARED.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, plain(one)]),
  );
}

/** The objects in which two estates differ. */
export function differences(before: Estate, after: Estate): string[] {
  const a = fingerprint(before);
  const b = fingerprint(after);
  // A built-in is part of the estate while something names it.
  const names = [...new Set([...a.keys(), ...b.keys()])].filter(
    (name) =>
      !(
        name.startsWith("monitors ") &&
        builtInMonitor(name.slice(9)) !== null &&
        !(a.has(name) && b.has(name))
      ),
  );
  return names
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => `${name}: ${a.get(name) ?? "absent"} → ${b.get(name) ?? "absent"}`);
}
