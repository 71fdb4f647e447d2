import { z } from "zod";
import { readMaintenanceWindows } from "../agent/kept-state.ts";
import { compareOnce } from "../change/compare.ts";
import { errorMessage } from "../lib/log.ts";
import { parseUrl } from "../lib/host-port.ts";
import { nameMatcher } from "../lib/glob.ts";
import { formatProblem } from "../config/problems.ts";
import { printableLine } from "../lib/printable.ts";
import { barePortSentence } from "../model/observation.ts";
import { QUIET_AFTER_MS } from "../verdict/flapping.ts";
import { gapSentence } from "../model/adc-state.ts";
import { exitStatus, isMismatch, pluginWord, type ExitStatus } from "../model/verdicts.ts";
import {
  compareJson,
  verdictCounts,
  type CompareJson,
  type MemberRow,
  type VserverRow,
} from "../web/api/verdicts.ts";
import { askAgentFor, readAccess, type AgentAddress } from "./agent-client.ts";
import { columns, pluginJson, type Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";
import { withPort } from "../lib/ip.ts";

export interface CompareCommand {
  readonly config: string;
  readonly server: string | null;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly strict: boolean;
  readonly json: boolean;
  /** Percentage of a vserver's members that must work; below it the command warns, or fails. Null: no limit. */
  readonly warningBelow?: number | null;
  readonly criticalBelow?: number | null;
  /** Agent to ask instead of probing; null or absent: none. */
  readonly agent?: AgentAddress | null;
}

type CompareOutcome =
  | {
      readonly kind: "compared";
      readonly json: CompareJson;
      /** The configuration selects something that does not exist, so it was not compared. */
      readonly hasErrors?: boolean;
    }
  | { readonly kind: "failed"; readonly message: string };

/** `compare`: one round. Exit status 2: a mismatch; 3: an unexpected unknown; 1: something needs attention; 0: all agree. */
export async function runCompare(command: CompareCommand, output: Output): Promise<number> {
  const asked = await compareWith(command, output).catch((error: unknown): CompareOutcome => ({
    kind: "failed",
    message: errorMessage(error),
  }));
  if (asked.kind === "failed") {
    return printFailure(asked.message, command, output);
  }
  const { json, hasErrors = false } = asked;
  const health = json.vservers.flatMap((vserver) => serviceHealth(vserver, json.adcs.length > 1));
  const judged = statusOf(json, health, command);
  const status = hasErrors && judged !== 2 ? 3 : judged;
  if (command.json) {
    output.out(pluginJson(status, null, { ...json }));
  } else {
    output.out(`${pluginLine(status, json, health, command)}\n`);
    output.out(json.rows.length + json.vservers.length === 0 ? "" : `${rowsTable(json)}\n`);
    const { agent = null } = command;
    const isSingleLook = agent === null || agent.url === null;
    for (const line of [...adcRemarks(json), ...(isSingleLook ? singleRoundRemarks(json) : [])]) {
      output.out(`${printableLine(line)}\n`);
    }
  }
  return status;
}

function compareWith(command: CompareCommand, output: Output): Promise<CompareOutcome> {
  const { agent = null } = command;
  return agent === null || agent.url === null
    ? compareNow(command, output)
    : compareByAgent(agent, agent.url, command.server, output);
}

async function compareNow(command: CompareCommand, output: Output): Promise<CompareOutcome> {
  const config = await readConfig(command.config, output);
  if (config === null) {
    return { kind: "failed", message: "invalid configuration" };
  }
  const { declarations, warning } = await readMaintenanceWindows(config);
  if (warning !== null) {
    output.err(`warning: ${warning}\n`);
  }
  const compared = await untilInterrupted((interrupted) =>
    compareOnce({ ...command, config, declarations, interrupted }),
  );
  if (compared.kind === "failed") {
    return compared;
  }
  for (const problem of compared.idle) {
    output.err(`${printableLine(`error: ${formatProblem(problem)}`)}\n`);
  }
  const hasErrors = compared.idle.length > 0;
  return { kind: "compared", json: compareJson(compared.state), hasErrors };
}

const anyText = z.string().nullable();
const port = z.union([z.number(), z.string()]).nullable();
const byConfiguration = z.boolean().default(false);
/** The part of an agent's answer that is printed; other versions may send more or less. */
const agentAnswer = z.looseObject({
  rows: z.array(
    z.looseObject({
      adc: z.string(),
      vserver: anyText,
      vservers: z.array(z.string()),
      adc_service: z.string(),
      server: z.string(),
      port,
      monitor: anyText,
      monitors: z.array(z.looseObject({ held_back: anyText.default(null) })).default([]),
      opinions: z.looseObject({ adc: z.string(), replica: z.string(), service: z.string() }),
      depth: z.looseObject({ adc: anyText }).default({ adc: null }),
      verdict: z.string(),
      step: anyText,
      reason: anyText,
      unknown_by_configuration: byConfiguration,
    }),
  ),
  vservers: z.array(
    z.looseObject({
      adc: z.string(),
      vserver: z.string(),
      address: anyText,
      port,
      adc_state: z.string(),
      vip: z.string(),
      members_up: z.number(),
      members_total: z.number(),
      verdict: z.string(),
      reason: anyText,
      unknown_by_configuration: byConfiguration,
    }),
  ),
  adcs: z
    .array(z.looseObject({ adc: z.string(), up: z.boolean().nullable(), error: anyText }))
    .default([]),
  gaps: z
    .array(
      z.looseObject({
        adc: z.string(),
        node: z.string(),
        resource: z.string(),
        code: z.string(),
        words: z.string(),
        unwatched: z.string(),
        blinds: z.boolean(),
      }),
    )
    .default([]),
  findings: z.array(z.looseObject({ adc: z.string(), message: z.string() })).default([]),
});

/** Asks a running agent, without probes or logins. */
async function compareByAgent(
  agent: AgentAddress,
  url: string,
  server: string | null,
  output: Output,
): Promise<CompareOutcome> {
  if (parseUrl(url) === null) {
    return { kind: "failed", message: `--url is not a valid URL: ${url}` };
  }
  const config = agent.config === null ? null : await readConfig(agent.config, output);
  const access = await readAccess(agent, config);
  if (access.kind === "failed") {
    return access;
  }
  const path = "/api/v1/verdicts";
  const answer = await askAgentFor(url, access.access, agentAnswer, "GET", path, {}, null);
  if (answer.kind !== "answer") {
    return { kind: "failed", message: answer.message };
  }
  // The fields used here were just validated; the rest is only passed on.
  const json = answer.value as unknown as CompareJson;
  return { kind: "compared", json: server === null ? json : selectServer(json, server) };
}

function selectServer(json: CompareJson, server: string): CompareJson {
  const isMeant = nameMatcher([server]);
  const rows = json.rows.filter((row) => isMeant(row.server));
  const served = new Set(
    rows.flatMap((row) => row.vservers.map((name) => `${row.adc}\u0000${name}`)),
  );
  const vservers = json.vservers.filter(({ adc, vserver }) => served.has(`${adc}\u0000${vserver}`));
  return { ...json, rows, vservers, summary: verdictCounts([...rows, ...vservers]) };
}

/** A detected mismatch is worse than anything unknown. */
function statusOf(
  json: CompareJson,
  health: readonly Health[],
  { strict, warningBelow = null, criticalBelow = null }: CompareCommand,
): ExitStatus {
  const all = [...json.rows, ...json.vservers];
  const judged = exitStatus(
    all.map(({ verdict, unknown_by_configuration }) => ({
      verdict,
      unknownByConfiguration: unknown_by_configuration,
    })),
    strict,
  );
  if (judged === 2 || health.some((each) => isBelow(each, criticalBelow))) {
    return 2;
  }
  // A kind of vserver that is missing, or an ADC that does not answer, may hide a mismatch.
  const isBlind =
    json.gaps.some(({ blinds }) => blinds) || json.adcs.some(({ up }) => up === false);
  // Without the ADC's state nothing was compared.
  const isHeard =
    json.rows.some(({ opinions }) => opinions.adc !== "unknown") ||
    json.vservers.some(({ adc_state }) => adc_state !== "unknown");
  if (judged === 3 || isBlind || !isHeard) {
    return 3;
  }
  return judged === 1 || health.some((each) => isBelow(each, warningBelow)) ? 1 : 0;
}

/** How much of a vserver works. */
interface Health {
  readonly name: string;
  readonly percent: number;
}

function serviceHealth(vserver: VserverRow, namesAdc: boolean): readonly Health[] {
  const { adc, members_up, members_total } = vserver;
  const name = namesAdc ? `${adc}/${vserver.vserver}` : vserver.vserver;
  return members_total === 0 ? [] : [{ name, percent: (100 * members_up) / members_total }];
}

function isBelow({ percent }: Health, limit: number | null): boolean {
  return limit !== null && percent < limit;
}

/** The JSON output on failure. */
function printFailure(reason: string, command: CompareCommand, output: Output): number {
  const message = printableLine(reason);
  output.err(`${message}\n`);
  output.out(
    command.json
      ? pluginJson(3, message, { ...NO_ROWS })
      : `WITNESS UNKNOWN - ${withoutBar(message)}\n`,
  );
  return 3;
}

const NO_ROWS: CompareJson = {
  rows: [],
  vservers: [],
  summary: {},
  adcs: [],
  gaps: [],
  findings: [],
};

function pluginLine(
  status: ExitStatus,
  json: CompareJson,
  health: readonly Health[],
  command: CompareCommand,
): string {
  const rows = [
    ...json.rows.map((row) => ({
      ...row,
      name: `${row.adc_service}/${withPort(row.server, row.port)}`,
    })),
    ...json.vservers.map((row) => ({ ...row, name: row.vserver })),
  ];
  const wrong = rows.filter(({ verdict }) => isMismatch(verdict));
  const unknown = rows.filter(({ verdict }) => verdict === "unknown");
  const named = wrong.slice(0, 3).map(({ verdict, name }) => `${name} ${verdict}`);
  const more = wrong.length > 3 ? ", …" : "";
  const list = named.length === 0 ? "" : `: ${named.join(", ")}${more}`;
  const silent = json.adcs.filter(({ up }) => up === false);
  const said = [
    ...silent.map(({ adc, error }) => `${adc}: ${error ?? "no answer"}`),
    ...(rows.length === 0
      ? []
      : [`${String(wrong.length)} of ${String(rows.length)} disagree${list}`]),
    ...thresholdWords(health, command),
  ];
  const data = [
    `mismatches=${String(wrong.length)}`,
    `unknown=${String(unknown.length)}`,
    ...health.map((each) => performanceData(each, command)),
  ];
  const words = withoutBar(said.length === 0 ? "nothing to compare" : said.join("; "));
  return printableLine(`WITNESS ${pluginWord(status)} - ${words} | ${data.join(" ")}`);
}

function thresholdWords(
  health: readonly Health[],
  { warningBelow = null, criticalBelow = null }: CompareCommand,
): readonly string[] {
  return health.flatMap((each) => {
    const { name, percent } = each;
    const limit = isBelow(each, criticalBelow)
      ? criticalBelow
      : isBelow(each, warningBelow)
        ? warningBelow
        : null;
    return limit === null
      ? []
      : [`${String(Math.round(percent))} % of ${name} work, below ${String(limit)} %`];
  });
}

/** Performance data of monitoring plug-ins: quotes doubled, no equals sign, ranges that alert below the limit. */
function performanceData(
  { name, percent }: Health,
  { warningBelow = null, criticalBelow = null }: CompareCommand,
): string {
  const label = name.replaceAll("=", "_").replaceAll("|", "_").replaceAll("'", "''");
  const range = (limit: number | null): string => (limit === null ? "" : `${String(limit)}:`);
  const value = String(Math.round(percent * 10) / 10);
  return `'${label}'=${value}%;${range(warningBelow)};${range(criticalBelow)};0;100`;
}

/** A vertical bar starts the performance data, so it is replaced. */
function withoutBar(text: string): string {
  return text.replaceAll("|", "/");
}

function* adcRemarks(json: CompareJson): Iterable<string> {
  const rows = [...json.rows, ...json.vservers];
  if (rows.length > 0) {
    for (const { adc, up, error } of json.adcs) {
      if (up === false) {
        yield `${adc}: ${error ?? "no answer"}`;
      }
    }
  }
  for (const { adc, ...gap } of json.gaps) {
    yield gapSentence(adc, gap);
  }
  const bare = barePortSentence(json.rows.map(({ depth }) => depth.adc));
  if (bare !== null) {
    yield bare;
  }
  const heldBack = json.rows.flatMap(({ monitors }) =>
    monitors.flatMap(({ held_back }) => held_back ?? []),
  );
  if (heldBack.length > 0) {
    yield `${String(heldBack.length)} logins were held back (${[...new Set(heldBack)].join(", ")}): what only those logins check was not compared.`;
  }
  const settling = rows.filter(({ verdict }) => verdict === "settling").length;
  if (settling > 0) {
    yield `${String(settling)} of ${String(rows.length)} are settling: only a later look can tell (--wait, or a running agent).`;
  }
  for (const { message } of json.findings) {
    yield message;
  }
}

/** Members that may be flapping, which only a running agent can confirm. */
function* singleRoundRemarks({ rows }: CompareJson): Iterable<string> {
  const now = Date.now();
  const changed = rows.filter(
    ({ adc_since, opinions }) =>
      (opinions.adc === "up" || opinions.adc === "down") &&
      adc_since !== null &&
      now - Date.parse(adc_since) <= QUIET_AFTER_MS,
  );
  if (changed.length > 0) {
    const named = changed.slice(0, 3).map((row) => `${row.adc_service}/${row.server}`);
    const more = changed.length > 3 ? ", …" : "";
    const minutes = String(QUIET_AFTER_MS / 60_000);
    yield `${String(changed.length)} of ${String(rows.length)} members changed at the ADC within the last ${minutes} minutes (${named.join(", ")}${more}): only an agent that runs for a while can tell whether one flaps.`;
  }
}

function rowsTable({ rows, vservers }: Pick<CompareJson, "rows" | "vservers">): string {
  const worstFirst = (a: { verdict: string }, b: { verdict: string }): number =>
    Number(isMismatch(b.verdict)) - Number(isMismatch(a.verdict));
  const memberRows = rows
    .toSorted(worstFirst)
    .map((row) => [
      row.vserver ?? "-",
      row.adc_service,
      withPort(row.server, row.port),
      row.opinions.adc,
      row.opinions.replica,
      row.opinions.service,
      row.verdict,
      reasonText(row),
    ]);
  const vserverRows = vservers
    .toSorted(worstFirst)
    .map((row) => [
      row.vserver,
      "(vserver)",
      withPort(row.address ?? "-", row.port ?? "-"),
      row.adc_state,
      `${String(row.members_up)}/${String(row.members_total)}`,
      row.vip,
      row.verdict,
      row.reason === null || row.reason === "ok" ? "" : row.reason,
    ]);
  return columns([
    ["VSERVER", "SERVICE", "MEMBER", "ADC", "REPLICA", "SERVICE", "VERDICT", "WHY"],
    ...memberRows,
    ...vserverRows,
  ]);
}

function reasonText(row: MemberRow): string {
  if (row.reason === null || row.reason === "ok") {
    return "";
  }
  const step = row.step === null ? "" : `${row.step}: `;
  return `${step}${row.reason}${row.monitor === null ? "" : ` (${row.monitor})`}`;
}
