import { formatDuration, parseDuration } from "../lib/timers.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { problemText } from "./problems.ts";
import type { WrittenConfig, WrittenWindow } from "./written.ts";
import { ALL_RULES } from "../lint/lint.ts";
import { TLS_VERSIONS } from "../model/tls-settings.ts";
import { isLoopback, parseHostPort } from "../lib/host-port.ts";

/** Collects the problems of a rule. `expected` and `fix` end the message. */
export interface RuleReport {
  readonly error: (path: ConfigPath, message: string, expected: string, fix: string) => void;
  readonly warning: (path: ConfigPath, message: string, expected: string, fix: string) => void;
}

/** A rule over more than one field, without side effects except its report. */
export type Rule = (config: WrittenConfig, report: RuleReport) => void;

/** Requires exactly one of a secret's two keys, or none if optional. */
export function checkSecretPair(
  keys: readonly [inline: string, file: string],
  at: Readonly<Record<string, unknown>>,
  path: ConfigPath,
  need: "required" | "optional",
  report: RuleReport,
): void {
  const [inline, file] = keys;
  const given = keys.filter((key) => at[key] !== undefined);
  if (given.length === 2) {
    report.error(
      [...path, file],
      `cannot be combined with ${inline}`,
      `${inline} or ${file}`,
      "remove one",
    );
  } else if (given.length === 0 && need === "required") {
    report.error(path, "has no secret", `${inline} or ${file}`, `add ${file}`);
  }
}

/** Reports a duration outside its bounds; `usual` says what to write. */
export function checkDuration(
  written: string,
  [fromMs, toMs]: readonly [fromMs: number, toMs: number],
  path: ConfigPath,
  usual: string,
  report: RuleReport,
): void {
  const ms = parseDuration(written) ?? 0;
  if (ms < fromMs) {
    report.error(path, "is too short", `at least ${formatDuration(fromMs)}`, usual);
  } else if (ms > toMs) {
    report.error(path, "is too long", `at most ${formatDuration(toMs)}`, usual);
  }
}

/** Reports duplicate names in a list. */
export function checkUniqueNames(
  named: readonly { readonly name: string }[],
  path: ConfigPath,
  report: RuleReport,
): void {
  const seen = new Set<string>();
  named.forEach(({ name }, index) => {
    if (seen.has(name)) {
      report.error(
        [...path, index, "name"],
        "is a duplicate",
        "unique names",
        "choose another name",
      );
    }
    seen.add(name);
  });
}

/** Builds the report of a run of rules. */
export function collectReport(): {
  readonly report: RuleReport;
  readonly errors: { path: ConfigPath; atKey: boolean; message: string }[];
  readonly warnings: { path: ConfigPath; atKey: boolean; message: string }[];
} {
  const errors: { path: ConfigPath; atKey: boolean; message: string }[] = [];
  const warnings: { path: ConfigPath; atKey: boolean; message: string }[] = [];
  return {
    errors,
    warnings,
    report: {
      error: (path, message, expected, fix) => {
        errors.push({ path, atKey: false, message: problemText(message, expected, fix) });
      },
      warning: (path, message, expected, fix) => {
        warnings.push({ path, atKey: false, message: problemText(message, expected, fix) });
      },
    },
  };
}

/** Rules about declared maintenance. */
export const MAINTENANCE_RULES: readonly Rule[] = [
  tokenHasOneSource,
  windowNamesAreUnique,
  windowsAreFixedOrRecurring,
];

/** Maximum duration of a recurring window; longer ones would overlap themselves in nearly every schedule. */
const MAX_RECURRING_MS = 7 * 24 * 3_600_000;

function tokenHasOneSource(config: WrittenConfig, report: RuleReport): void {
  const { maintenance } = config;
  checkSecretPair(["token", "token_file"], maintenance, ["maintenance"], "optional", report);
}

function windowNamesAreUnique(config: WrittenConfig, report: RuleReport): void {
  checkUniqueNames(config.maintenance.windows, ["maintenance", "windows"], report);
}

function windowsAreFixedOrRecurring(config: WrittenConfig, report: RuleReport): void {
  config.maintenance.windows.forEach((window, index) => {
    const path = ["maintenance", "windows", index];
    const fixed = window.start !== undefined || window.end !== undefined;
    const recurring = [window.cron, window.timezone, window.duration].some(
      (value) => value !== undefined,
    );
    if (fixed === recurring) {
      report.error(
        path,
        fixed ? "is both fixed and recurring" : "has no time",
        "start and end, or cron, timezone and duration",
        fixed ? "remove one of the two" : "add one of the two",
      );
    } else if (fixed) {
      checkFixed(window, path, report);
    } else {
      checkRecurring(window, path, report);
    }
  });
}

function checkFixed(
  window: WrittenWindow,
  path: readonly (string | number)[],
  report: RuleReport,
): void {
  const missing = window.start === undefined ? "start" : window.end === undefined ? "end" : null;
  if (missing !== null) {
    report.error(path, `has no ${missing}`, "start and end", `add ${missing}`);
  } else if (
    window.end !== "never" &&
    Date.parse(window.end ?? "") <= Date.parse(window.start ?? "")
  ) {
    report.error([...path, "end"], "is not after start", "a later time", "correct it");
  }
}

function checkRecurring(
  window: WrittenWindow,
  path: readonly (string | number)[],
  report: RuleReport,
): void {
  for (const key of ["cron", "timezone", "duration"] as const) {
    if (window[key] === undefined) {
      report.error(path, `has no ${key}`, "cron, timezone and duration", `add ${key}`);
    }
  }
  const lengthMs = window.duration === undefined ? 1 : (parseDuration(window.duration) ?? 0);
  if (lengthMs === 0 || lengthMs > MAX_RECURRING_MS) {
    report.error(
      [...path, "duration"],
      "is not a valid duration for a window",
      "1ms to 168h",
      "correct it",
    );
  }
}

const HOUR_MS = 3_600_000;

/** Rules about the ADCs, their monitors, the shard and web access. */
export const ESTATE_RULES: readonly Rule[] = [
  adcNamesAreUnique,
  adcHasASource,
  nitroHasOnePassword,
  nitroIsVerified,
  nitroTimesAreSane,
  probeTimesAreSane,
  monitorTlsRangeIsOrdered,
  monitorCredentialsAreWhole,
  exclusionsNameOneThing,
  shardIsWithinItsCount,
  workersHaveNoEffect,
  networkListenersAreProtected,
  lintRulesExist,
];

/** A rule of another version must not prevent the start. */
function lintRulesExist({ lint }: WrittenConfig, report: RuleReport): void {
  lint.ignore.forEach(({ rule }, index) => {
    if (rule !== "*" && !ALL_RULES.some(({ id }) => id === rule)) {
      const path = ["lint", "ignore", index, "rule"];
      report.warning(
        path,
        `names an unknown rule: ${rule}`,
        "a rule of docs/lint.md",
        "correct it",
      );
    }
  });
}

function exclusionsNameOneThing(config: WrittenConfig, report: RuleReport): void {
  config.exclude.forEach(({ monitor, member, vserver }, index) => {
    const named = [monitor, member, vserver].filter((each) => each !== undefined);
    if (named.length !== 1) {
      report.error(
        ["exclude", index],
        named.length === 0 ? "names nothing" : "names several things",
        "one of monitor, member and vserver",
        named.length === 0 ? "add one" : "write one entry for each",
      );
    }
  });
}

function adcNamesAreUnique(config: WrittenConfig, report: RuleReport): void {
  checkUniqueNames(config.adcs, ["adcs"], report);
}

function adcHasASource(config: WrittenConfig, report: RuleReport): void {
  config.adcs.forEach((adc, index) => {
    if (adc.nitro === undefined && adc.ns_conf === undefined) {
      report.error(["adcs", index], "has no source", "nitro, ns_conf or both", "add one");
    }
  });
}

function nitroHasOnePassword(config: WrittenConfig, report: RuleReport): void {
  config.adcs.forEach(({ nitro }, index) => {
    if (nitro !== undefined) {
      const path = ["adcs", index, "nitro"];
      checkSecretPair(["password", "password_file"], nitro, path, "required", report);
    }
  });
}

function nitroIsVerified(config: WrittenConfig, report: RuleReport): void {
  config.adcs.forEach(({ nitro }, index) => {
    const path = ["adcs", index, "nitro"];
    nitro?.urls.forEach((url, each) => {
      if (url.startsWith("http:")) {
        report.warning(
          [...path, "urls", each],
          "sends the password in clear text",
          "https",
          "enable secure management access on the ADC",
        );
      }
    });
    if (nitro?.tls.verify === false) {
      report.warning(
        [...path, "tls", "verify"],
        "lets an impostor of the ADC steal the password",
        "true with a ca_file",
        "export the NSIP's certificate",
      );
    }
  });
}

function nitroTimesAreSane(config: WrittenConfig, report: RuleReport): void {
  config.adcs.forEach(({ nitro }, index) => {
    if (nitro === undefined) {
      return;
    }
    const path = ["adcs", index, "nitro"];
    const poll = parseDuration(nitro.poll_every) ?? 0;
    if (poll < 1000) {
      report.error([...path, "poll_every"], "is too short", "at least 1s", "15s is usual");
    }
    if ((parseDuration(nitro.import_every) ?? 0) < poll) {
      report.error(
        [...path, "import_every"],
        "is shorter than poll_every",
        "at least poll_every",
        "10m is usual",
      );
    }
    checkDuration(nitro.timeout, [100, HOUR_MS], [...path, "timeout"], "10s is usual", report);
  });
}

function probeTimesAreSane(config: WrittenConfig, report: RuleReport): void {
  const { min_probe_interval: interval, look_timeout: timeout } = config;
  checkDuration(interval, [10, HOUR_MS], ["min_probe_interval"], "100ms is usual", report);
  checkDuration(timeout, [100, HOUR_MS / 60], ["look_timeout"], "10s is usual", report);
}

function monitorTlsRangeIsOrdered(config: WrittenConfig, report: RuleReport): void {
  config.adcs.forEach(({ monitor_tls: range }, index) => {
    if (range !== undefined && TLS_VERSIONS.indexOf(range.min) > TLS_VERSIONS.indexOf(range.max)) {
      report.error(
        ["adcs", index, "monitor_tls", "min"],
        "is newer than max",
        "min at most max",
        "swap the two",
      );
    }
  });
}

function monitorCredentialsAreWhole(config: WrittenConfig, report: RuleReport): void {
  for (const [name, monitor] of Object.entries(config.monitors)) {
    const path = ["monitors", name];
    const need = monitor.username === undefined ? "optional" : "required";
    checkSecretPair(["password", "password_file"], monitor, path, need, report);
    checkSecretPair(["secret", "secret_file"], monitor, path, "optional", report);
  }
}

function shardIsWithinItsCount(config: WrittenConfig, report: RuleReport): void {
  const [index = 0, count = 1] = (config.shard ?? "0/1").split("/").map(Number);
  if (index >= count) {
    report.error(["shard"], "is out of range", "i/n with i from 0 to n-1", "count from 0");
  }
}

function workersHaveNoEffect(config: WrittenConfig, report: RuleReport): void {
  if (config.workers !== undefined) {
    report.warning(["workers"], "has no effect", "shard", "delete the line; use shard");
  }
}

function networkListenersAreProtected(config: WrittenConfig, report: RuleReport): void {
  const { listen, config_file: webConfig } = config.web;
  const { token, token_file: tokenFile } = config.maintenance;
  if (webConfig !== undefined) {
    return;
  }
  listen.forEach((address, index) => {
    const host = parseHostPort(address)?.host ?? "";
    if (!isLoopback(host)) {
      const writes = token !== undefined || tokenFile !== undefined;
      report.warning(
        ["web", "listen", index],
        writes
          ? "serves the page, and writes with the token, to the network without TLS"
          : "serves the page to the network without TLS or login",
        "a loopback address, or a config_file with TLS",
        "add web.config_file",
      );
    }
  });
}
