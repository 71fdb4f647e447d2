import { isOff } from "../adc/idle-services.ts";
import type { Estate } from "../model/estate.ts";
import { AUTHENTICATION_RULES } from "./authentication.ts";
import { NO_FIX, printFix, type Fix } from "./change.ts";
import { CONTENT_SWITCHING_RULES } from "./content-switching.ts";
import { createContext, offeredServices, type LintContext, type LintService } from "./context.ts";
import { ECV_MONITOR_RULES } from "./ecv-monitors.ts";
import { MONITOR_OPTION_RULES, optionOfAnotherType } from "./monitor-options.ts";
import type { Finding, Hit } from "./finding.ts";
import { HTTP_MONITOR_RULES } from "./http-monitors.ts";
import { HTTP_REQUEST_RULES } from "./http-requests.ts";
import { ignoredBy, isIgnored } from "./ignore.ts";
import { MONITOR_TARGET_RULES } from "./monitor-targets.ts";
import { MONITOR_TIMING_RULES } from "./monitor-timing.ts";
import { READING_RULES } from "./reading.ts";
import type { Rule } from "./rule.ts";
import { DEFAULT_LINT_SETTINGS, type LintSettings } from "./settings.ts";
import { SHALLOW_MONITOR_RULES } from "./shallow-monitors.ts";
import { SWITCHED_OFF_RULES } from "./switched-off.ts";
import { VSERVER_RULES } from "./vservers.ts";

/**
 * All rules of lint, by family. Of two findings of one severity about one line, that of the rule named first comes first,
 * and only its fix is printed if both replace the same monitor.
 */
export const LINT_RULES: readonly Rule[] = [
  ...SHALLOW_MONITOR_RULES,
  ...HTTP_MONITOR_RULES,
  ...HTTP_REQUEST_RULES,
  ...ECV_MONITOR_RULES,
  ...MONITOR_OPTION_RULES,
  ...MONITOR_TARGET_RULES,
  ...MONITOR_TIMING_RULES,
  ...SWITCHED_OFF_RULES,
  ...CONTENT_SWITCHING_RULES,
  ...VSERVER_RULES,
  ...AUTHENTICATION_RULES,
];

/** They judge a request, which a monitor that the ADC rejects never sends. */
const OF_REQUESTS: ReadonlySet<Rule> = new Set([...HTTP_REQUEST_RULES, ...HTTP_MONITOR_RULES]);

/** These rules, and those for the importer's diagnostics. */
export const ALL_RULES: readonly Rule[] = [...LINT_RULES, ...READING_RULES];

/**
 * The failures that an estate's monitors do not notice, and the mistakes in its configuration: sorted by severity, then
 * by line. Pure; empty if there are none. Objects whose comment says `lint:ignore RULE`, and findings that the settings
 * ignore, are left out.
 */
export function lint(estate: Estate, settings: LintSettings = DEFAULT_LINT_SETTINGS): Finding[] {
  const context = createContext(estate, settings);
  const ignored = ignoredBy(settings.ignore);
  // Monitors whose `add` the ADC rejects, so that there is nothing to change, and nothing is requested.
  const refused = new Set(optionOfAnotherType(context).map(({ object }) => object));
  // What a line that ends inside a quote would have set is not known: it has to be repaired first.
  const broken = new Set(
    estate.diagnostics.filter(({ rule }) => rule === "broken_line").map(({ object }) => object),
  );
  const resting = restingNames(context);
  // Rule by rule, because the structured fixes of a large estate need more memory than their text.
  const touches = new Map<Finding, Touch>();
  const found = ALL_RULES.flatMap((rule) =>
    rule
      .find(context)
      .filter(({ object }) => READING.has(rule) || !broken.has(object))
      .filter(({ object }) => !OF_REQUESTS.has(rule) || !refused.has(object))
      .flatMap((hit) =>
        resting.has(hit.object) && !READING.has(rule) ? whileResting(rule, hit) : [hit],
      )
      .map((hit) => {
        const finding = findingOf(rule, changesAny(hit.fix, refused) ? without(hit) : hit);
        const touch = touchOf(finding, hit.fix ?? []);
        if (touch !== null) {
          touches.set(finding, touch);
        }
        return finding;
      })
      .filter((finding) => !isIgnored(estate, finding) && !ignored(finding)),
  ).sort((a, b) => GRAVITY[a.severity] - GRAVITY[b.severity] || (a.line ?? 0) - (b.line ?? 0));
  return withoutConflicts(found, touches);
}

/** The monitors that a fix changes in place, and those that it replaces at a service. */
interface Touch {
  readonly changed: readonly string[];
  readonly replaced: readonly (readonly [service: string, monitor: string])[];
}

/** Null: neither. */
function touchOf({ commands }: Finding, fix: Fix): Touch | null {
  if (commands.length === 0) {
    return null;
  }
  const changed: string[] = [];
  const replaced: [string, string][] = [];
  for (const { apply } of fix) {
    const [name] = apply.words;
    const [, [monitor] = []] = apply.options.find(([key]) => key === "monitorName") ?? [];
    if (apply.kind === "set lb monitor" && typeof name === "string") {
      changed.push(name);
    }
    if (
      apply.kind.startsWith("unbind ") &&
      typeof name === "string" &&
      typeof monitor === "string"
    ) {
      replaced.push([name, monitor]);
    }
  }
  return changed.length + replaced.length === 0 ? null : { changed, replaced };
}

/**
 * A fix that replaces a monitor copies its present options: if another changes or replaces it too, and both are pasted,
 * the copy brings the other's mistake back. Only the first of them has commands.
 */
function withoutConflicts(
  findings: readonly Finding[],
  touches: ReadonlyMap<Finding, Touch>,
): Finding[] {
  const changed = new Map<string, string>();
  const replacedAt = new Map<string, string>();
  return findings.map((finding) => {
    const touch = touches.get(finding);
    if (touch === undefined) {
      return finding;
    }
    const places = touch.replaced.map((place) => JSON.stringify(place));
    const first =
      touch.replaced
        .map(([, monitor]) => changed.get(monitor))
        .find((rule) => rule !== undefined) ??
      places.map((place) => replacedAt.get(place)).find((rule) => rule !== undefined);
    if (first !== undefined) {
      const message = `${finding.message} Run the commands for ${first} first, then lint again.`;
      return { ...finding, ...NO_FIX, fix: null, message };
    }
    if (finding.complete) {
      touch.changed.forEach((monitor) => changed.set(monitor, finding.rule));
      places.forEach((place) => replacedAt.set(place, finding.rule));
    }
    return finding;
  });
}

const READING: ReadonlySet<Rule> = new Set(READING_RULES);

/** What is written can be read whether or not it is in use. */
const OF_THE_TEXT: ReadonlySet<string> = new Set(["password_in_script_args"]);

/** What is wrong with an object that is off is worth a note; what could be better is not. */
function whileResting(rule: Rule, hit: Hit): readonly Hit[] {
  if (OF_THE_TEXT.has(rule.id)) {
    return [hit];
  }
  return (hit.severity ?? rule.severity) === "error" ? [{ ...hit, severity: "info" }] : [];
}

/**
 * Services that are disabled, themselves, in all their members or in all their vservers, and monitors that only such
 * services use: nothing is probed and no client is served. Names shared with another object are left out.
 */
function restingNames({ estate, services, vservers, usersOf }: LintContext): ReadonlySet<string> {
  const offered = offeredServices(estate);
  const off = new Set(
    services
      .filter(({ service }) => isOff(service) || offered.get(service.name) === false)
      .map(nameOf),
  );
  const active = new Set([
    ...services.map(nameOf).filter((name) => !off.has(name)),
    ...vservers.map(({ vserver }) => vserver.name),
  ]);
  for (const monitor of off.size === 0 ? [] : estate.monitors.values()) {
    const users = usersOf(monitor);
    const rests = users.length > 0 && users.every((user) => off.has(nameOf(user)));
    (rests ? off : active).add(monitor.name);
  }
  return new Set([...off].filter((name) => !active.has(name)));
}

function nameOf({ service }: LintService): string {
  return service.name;
}

function changesAny(fix: Hit["fix"], monitors: ReadonlySet<string>): boolean {
  return (fix ?? []).some(
    ({ apply: { kind, words } }) =>
      /^(?!add ).* lb monitor$/.test(kind) &&
      words.some((word) => typeof word === "string" && monitors.has(word)),
  );
}

function without(hit: Hit): Hit {
  return { ...hit, fix: null };
}

function findingOf(rule: Rule, { line, object, message, fix, decision, severity }: Hit): Finding {
  const printed = fix === null || fix === undefined ? NO_FIX : printFix(fix, decision ?? null);
  return {
    rule: rule.id,
    severity: severity ?? rule.severity,
    line,
    object,
    message,
    fix: printed.commands.length === 0 ? null : printed.commands.join("\n"),
    ...printed,
  };
}

/** Sorted by severity. */
export const GRAVITY: Readonly<Record<Finding["severity"], number>> = {
  error: 0,
  warning: 1,
  info: 2,
};
