import { TLS_VERSIONS } from "../probes/wire/tls-settings.ts";
import { parseDuration } from "./duration.ts";
import { isLoopback, parseHostPort } from "./host-port.ts";
import {
  checkDuration,
  checkSecretPair,
  checkUniqueNames,
  type Rule,
  type RuleReport,
} from "./rules.ts";
import type { WrittenConfig } from "./written.ts";

const HOUR_MS = 3_600_000;

/** Rules about the ADCs, their monitors, this agent's share and its doors. */
export const ESTATE_RULES: readonly Rule[] = [
  adcNamesAreUnique,
  adcHasASource,
  nitroHasOnePassword,
  nitroIsVerified,
  nitroTimesAreSane,
  leastProbeIntervalIsSane,
  monitorTlsRangeIsOrdered,
  monitorCredentialsAreWhole,
  shardIsWithinItsCount,
  openDoorsAreLocked,
];

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
          "sends the password in the clear",
          "https",
          "enable secure management access on the ADC",
        );
      }
    });
    if (nitro?.tls.verify === false) {
      report.warning(
        [...path, "tls", "verify"],
        "lets anybody pose as the ADC and take the password",
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

function leastProbeIntervalIsSane(config: WrittenConfig, report: RuleReport): void {
  const path = ["min_probe_interval"];
  checkDuration(config.min_probe_interval, [10, HOUR_MS], path, "100ms is usual", report);
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
    report.error(
      ["shard"],
      "names a share beyond the last",
      "i/n with i from 0 to n-1",
      "count from 0",
    );
  }
}

function openDoorsAreLocked(config: WrittenConfig, report: RuleReport): void {
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
          ? "opens the page and, to holders of the token, writes to the network without TLS"
          : "opens the page to the network without TLS or login",
        "a loopback address, or a config_file with TLS",
        "add web.config_file",
      );
    }
  });
}
