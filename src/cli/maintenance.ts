import { userInfo } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { parseUrl } from "../lib/host-port.ts";
import { withPort } from "../lib/ip.ts";
import { loadWebConfig } from "../web/web-config/load.ts";
import { readAccess, type AgentAddress, type ApiAnswer } from "./agent-client.ts";
import {
  maintenanceApi,
  type ApiReport,
  type ApiWindow,
  type DeclareBody,
  type MaintenanceApi,
  type PreflightQuery,
  storeApi,
} from "./maintenance-access.ts";
import { printableLine } from "../lib/printable.ts";
import { pluginWord } from "../model/verdicts.ts";
import {
  columns,
  type Output,
  localMoment,
  parseMoment,
  pluginJson,
  withJsonOnFailure,
} from "./output.ts";
import { readConfig } from "./read-config.ts";
import { monthOf, printReport, printSlo } from "./reports.ts";

export type MaintenanceCommand =
  | {
      readonly kind: "start";
      readonly servers: readonly string[];
      /** Default: the servers, joined by commas. */
      readonly name: string | null;
      /** Start, as `parseMoment` reads it; null: now. */
      readonly start: string | null;
      /** End, or `never`; exactly one of `end` and `for`. */
      readonly end: string | null;
      readonly for: string | null;
      readonly reason: string | null;
      readonly author: string | null;
      readonly autoEnd: boolean;
      readonly flexible: boolean;
      /** Also for servers that the agent does not know. */
      readonly force?: boolean;
    }
  | { readonly kind: "end"; readonly name: string; readonly author: string | null }
  | {
      readonly kind: "extend";
      readonly name: string;
      /** Exactly one of `for` and `end`, as of a start. */
      readonly for: string | null;
      readonly end: string | null;
      readonly author: string | null;
    }
  | { readonly kind: "list" }
  | {
      readonly kind: "report";
      readonly name: string;
      readonly format: "text" | "html" | "csv" | "json";
    }
  /** `month`: `2026-11`; null: this one. */
  | { readonly kind: "slo"; readonly month: string | null }
  | ({ readonly kind: "preflight"; readonly server: string } & Partial<PreflightQuery>)
  | {
      readonly kind: "verify";
      readonly server: string;
      readonly want: "drained" | "returned";
      readonly waitMs: number;
    };

export interface MaintenanceOptions extends AgentAddress {
  readonly command: MaintenanceCommand;
  readonly json: boolean;
  /** Interval between checks of `verify --wait`. */
  readonly pollEveryMs?: number;
}

const POLL_EVERY_MS = 5000;

/**
 * `maintenance …`: asks the agent, or changes the store directly if no agent is running. Exit status 0: done or all good; 1:
 * good with a warning; 2: refused or a check failed; 3: the agent is not reachable.
 */
export function runMaintenance(options: MaintenanceOptions, output: Output): Promise<number> {
  const { command } = options;
  const json = command.kind === "report" ? command.format === "json" : options.json;
  return json
    ? withJsonOnFailure({ status: "UNKNOWN" }, output, (listening) =>
        runCommand({ ...options, json }, listening),
      )
    : runCommand({ ...options, json }, output);
}

async function runCommand(options: MaintenanceOptions, output: Output): Promise<number> {
  const reached = await openApi(options, output);
  if (reached === null) {
    return 3;
  }
  const { command, json } = options;
  switch (command.kind) {
    case "start": {
      const body = declareBody(command, Date.now());
      if (body === null) {
        output.err(
          `--start and --end take 22:00, "2026-12-01 22:00" or RFC 3339; --end also never.\n`,
        );
        return 3;
      }
      const answer = await reached.start(body);
      return printWindow(answer, "declared", json, output);
    }
    case "end": {
      const answer = await reached.end(command.name, command.author ?? userInfo().username);
      return printWindow(answer, "ended", json, output);
    }
    case "extend": {
      const end = command.end === null ? null : parseMoment(command.end, Date.now());
      if (
        (command.for === null) === (command.end === null) ||
        (end === null && command.for === null)
      ) {
        output.err(`Give --for a duration, or --end 22:00, "2026-12-01 22:00" or RFC 3339.\n`);
        return 3;
      }
      const answer = await reached.extend({
        name: command.name,
        ...(command.for === null ? {} : { for: command.for }),
        ...(end === null ? {} : { end }),
        author: command.author ?? userInfo().username,
      });
      return printWindow(answer, "extended", json, output);
    }
    case "report": {
      const answer = await reached.windowReport(command.name);
      return answer.kind === "answer"
        ? printReport(answer.value, command.format, output)
        : printFailure(answer, json, output);
    }
    case "slo": {
      const month = monthOf(command.month, Date.now());
      if (month === null) {
        output.err("--month takes a month such as 2026-11.\n");
        return 3;
      }
      const answer = await reached.slo(month.from, month.to);
      return answer.kind === "answer"
        ? printSlo(answer.value, json, output)
        : printFailure(answer, json, output);
    }
    case "list":
      return printWindows(await reached.list(), json, output);
    case "preflight": {
      const { server, minCapacity = null, horizon = null } = command;
      const report = await reached.preflight(server, { minCapacity, horizon });
      return printChecks(report, "can be taken out", "must not be taken out yet", json, output);
    }
    case "verify":
      return verify(command, reached, options, output);
  }
}

/** Parses times in the local zone; null if one is invalid. */
function declareBody(
  command: Extract<MaintenanceCommand, { kind: "start" }>,
  now: number,
): DeclareBody | null {
  const start = command.start === null ? null : parseMoment(command.start, now);
  const from = start === null ? now : Date.parse(start);
  const { end } = command;
  const until = end === null || end === "never" ? end : parseMoment(end, from);
  if ((command.start !== null && start === null) || (end !== null && until === null)) {
    return null;
  }
  return {
    name: command.name ?? command.servers.join(","),
    servers: command.servers,
    ...(command.force === true ? { force: true } : {}),
    ...(start === null ? {} : { start }),
    ...(until === null ? {} : { end: until }),
    ...(command.for === null ? {} : { for: command.for }),
    reason: command.reason,
    author: command.author ?? userInfo().username,
    auto_end: command.autoEnd,
    flexible: command.flexible,
  };
}

/** The agent if one listens, else the configured store. */
async function openApi(options: AgentAddress, output: Output): Promise<MaintenanceApi | null> {
  const config = options.config === null ? null : await readConfig(options.config, output);
  if (options.config !== null && config === null) {
    return null;
  }
  const url = options.url ?? (config === null ? null : await defaultUrl(config));
  if (url === null || parseUrl(url) === null) {
    output.err("Give the agent's address: --url https://host:port, or --config FILE.\n");
    return null;
  }
  const access = await readAccess(options, config);
  if (access.kind === "failed") {
    output.err(`${access.message}\n`);
    return null;
  }
  const api = maintenanceApi(url, access.access);
  if (config === null || options.url !== null) {
    return api;
  }
  const there = await api.list();
  return there.kind === "absent" ? storeApi(config, there.message) : api;
}

/** The first address the agent listens on, as this host reaches it. */
async function defaultUrl(config: Config): Promise<string> {
  const { host = "", port = 9743 } = config.web.listen[0] ?? {};
  const reachable = host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const scheme = (await usesTls(config.web.configFile)) ? "https" : "http";
  return `${scheme}://${withPort(reachable, port)}`;
}

/** A web configuration that this user cannot read completely has a private key, so it uses TLS. */
async function usesTls(webConfigFile: string | null): Promise<boolean> {
  if (webConfigFile === null) {
    return false;
  }
  const webConfig = await loadWebConfig(webConfigFile);
  return webConfig.kind === "failed" || webConfig.config.tls !== null;
}

/** Checks until everything passes or the time is over; prints what is missing whenever it changes. */
async function verify(
  command: Extract<MaintenanceCommand, { kind: "verify" }>,
  api: MaintenanceApi,
  options: MaintenanceOptions,
  output: Output,
): Promise<number> {
  const deadline = performance.now() + command.waitMs;
  let printed = "";
  for (;;) {
    const answer = await api.verify(command.server, command.want);
    const done = answer.kind !== "answer" || answer.value.ok;
    if (done || performance.now() >= deadline) {
      return printChecks(
        answer,
        `is ${command.want}`,
        `is not ${command.want} yet`,
        options.json,
        output,
      );
    }
    // Prints what is missing only once, without counts; the counts are printed at the end.
    const missing = answer.value.checks.filter(({ ok }) => !ok).map(({ name }) => name);
    if (missing.join() !== printed) {
      output.err(`waiting: ${printableLine(failedChecksText(answer.value))}\n`);
      printed = missing.join();
    }
    const left = Math.max(0, deadline - performance.now());
    await wait(Math.min(options.pollEveryMs ?? POLL_EVERY_MS, left));
  }
}

function printWindow(
  answer: ApiAnswer<ApiWindow>,
  done: string,
  json: boolean,
  output: Output,
): number {
  if (answer.kind !== "answer") {
    return printFailure(answer, json, output);
  }
  const { name, servers, start, end } = answer.value;
  output.out(
    json
      ? pluginJson(0, null, { window: answer.value })
      : `${printableLine(`WITNESS OK - ${name} ${done}: ${servers.join(", ")} from ${localMoment(start)} to ${localMoment(end)}`)}\n`,
  );
  return 0;
}

function printWindows(
  answer: ApiAnswer<readonly ApiWindow[]>,
  json: boolean,
  output: Output,
): number {
  if (answer.kind !== "answer") {
    return printFailure(answer, json, output);
  }
  const windows = answer.value;
  if (json) {
    output.out(pluginJson(0, null, { windows }));
    return 0;
  }
  const open = windows.filter(({ state }) => state === "open").length;
  const rows = windows.map((each) => [
    each.name,
    each.state,
    each.servers.join(","),
    localMoment(each.start),
    localMoment(each.end),
    each.source,
    each.reason ?? "",
  ]);
  const head = ["NAME", "STATE", "SERVERS", "START", "END", "FROM", "REASON"];
  output.out(`WITNESS OK - ${String(open)} of ${String(windows.length)} windows open\n`);
  output.out(rows.length === 0 ? "" : `${columns([head, ...rows])}\n`);
  return 0;
}

function printChecks(
  answer: ApiAnswer<ApiReport>,
  good: string,
  bad: string,
  json: boolean,
  output: Output,
): number {
  if (answer.kind !== "answer") {
    return printFailure(answer, json, output);
  }
  const { server, ok, checks } = answer.value;
  const warns = checks.some(({ warning }) => warning);
  const status = !ok ? 2 : warns ? 1 : 0;
  if (json) {
    output.out(pluginJson(status, null, answer.value));
  } else {
    const failed = checks.filter((check) => !check.ok).length;
    output.out(
      `WITNESS ${pluginWord(status)} - ${printableLine(server)} ${ok ? good : bad} | failed=${String(failed)} checks=${String(checks.length)}\n`,
    );
    output.out(`${columns(checks.map(checkRow))}\n`);
  }
  return status;
}

function checkRow({ name, ok, warning, message }: ApiReport["checks"][number]): readonly string[] {
  return [!ok ? "NO" : warning ? "warn" : "ok", name, message];
}

function printFailure(
  answer: Exclude<ApiAnswer<unknown>, { kind: "answer" }>,
  json: boolean,
  output: Output,
): number {
  const status = answer.kind === "refused" && answer.status !== 503 ? 2 : 3;
  const message = printableLine(answer.message);
  output.err(`WITNESS ${pluginWord(status)} - ${message}\n`);
  if (json) {
    output.out(pluginJson(status, message, {}));
  }
  return status;
}

function failedChecksText(report: ApiReport): string {
  return report.checks
    .filter(({ ok }) => !ok)
    .map(({ message }) => message)
    .join(" ");
}
