import { randomBytes } from "node:crypto";
import { readFile, writeFile, mkdtemp, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { tmpdir } from "node:os";
import { stringify } from "yaml";
import { styleText } from "node:util";
import { pino } from "pino";
import { type Lab, startLab } from "../../lab/lab.ts";
import { PARTITION } from "../../lab/management.ts";
import { recordedAdcs, recordedPast, type RecordedAdc } from "../../lab/recorded-lab.ts";
import { readBundle, type Bundle } from "../bundle/format.ts";
import { printableLine } from "../lib/printable.ts";
import type { Declare } from "../../lab/scenario.ts";
import { formatDuration, pause } from "../lib/timers.ts";
import { parseConfig } from "../config/load.ts";
import { formatProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import type { LiveFinding, LiveMember, LiveState, LiveVserver } from "../model/live.ts";
import { WARNING_VERDICTS, type Verdict, memberWords } from "../model/verdicts.ts";
import { comparisonTable } from "./compare.ts";
import { isScenarioName, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import type { Output } from "./output.ts";
import { startService } from "./service.ts";
import { listenForSignals } from "./run.ts";

/** The configuration an operator would write for a lab, as YAML, with the environment its secrets come from. */
export interface LabConfig {
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where `labConfig` puts the bearer token for writes, made each time and readable only by this user. */
export function tokenFileOf(directory: string): string {
  return join(directory, "maintenance-token");
}

/**
 * Writes the lab's authority and a token into `directory`, which is also the state directory, and makes the
 * configuration.
 */
export async function labConfig(lab: Lab, directory: string): Promise<LabConfig> {
  await writeFile(join(directory, "lab-ca.pem"), lab.ca);
  await writeFile(tokenFileOf(directory), `${randomBytes(24).toString("base64url")}\n`, {
    mode: 0o600,
  });
  const { username, password } = lab.nitroCredentials;
  const { management } = lab.scenario;
  const isUnreadable = management === "redirect" || management === "factory_certificate";
  if (isUnreadable) {
    await writeFile(join(directory, "ns.conf"), lab.confText);
  }
  const written = {
    agent: "demo",
    state_dir: directory,
    // Nothing but the lab is ever dialled.
    unmapped: "refuse",
    adcs: adcsOf(lab).map(([name, urls]) => ({
      name,
      nitro: {
        urls,
        username,
        password: "${LAB_NITRO_PASSWORD}",
        tls: { ca_file: join(directory, "lab-ca.pem"), server_name: "ns.example.com" },
        ...(management === "partition" ? { partition: PARTITION } : {}),
        poll_every: "2s",
      },
      // What is watched while nothing can be read over NITRO.
      ...(isUnreadable ? { ns_conf: join(directory, "ns.conf") } : {}),
    })),
    connect_to: { ...lab.connectTo, ...managementOf(lab) },
    monitors: Object.fromEntries(
      Object.entries(lab.monitorCredentials).map(([name, login]) => [
        name,
        { username: login.username, password: `\${${monitorVariable(name)}}` },
      ]),
    ),
    // What the demo's own estate has; of a recorded one nobody knows whose logins were made there.
    ...(lab.recorded.length > 0 ? {} : demoLogins(lab, directory)),
    maintenance: { stability: "10s", token_file: tokenFileOf(directory) },
  };
  return {
    yaml: stringify(written),
    env: {
      LAB_NITRO_PASSWORD: password,
      ...Object.fromEntries(
        Object.entries(lab.monitorCredentials).map(([name, credential]) => [
          monitorVariable(name),
          credential.password,
        ]),
      ),
      ...Object.fromEntries(
        lab.accounts.map((account) => [passwordVariable(account.username), account.password]),
      ),
    },
  };
}

/** Names and management addresses. */
function adcsOf(lab: Lab): readonly (readonly [name: string, urls: readonly string[]])[] {
  return lab.recorded.length > 0
    ? lab.recorded.map(({ adc, nitroUrls }) => [adc, nitroUrls] as const)
    : [
        ["demo", lab.nitroUrls],
        ...(lab.far === null ? [] : [["dc2", [lab.far.nitro.url]] as const]),
      ];
}

/** Names that clients type, and logins of the lab's accounts. */
function demoLogins(lab: Lab, directory: string): Record<string, unknown> {
  return {
    vservers: Object.fromEntries(
      ["v_imaps", "v_imap_offload", "v_pop3_offload", "v_submission", "v_owa"].map((name) => [
        name,
        { host: "mail.example.com", ca_file: join(directory, "lab-ca.pem") },
      ]),
    ),
    transactions: {
      accounts: lab.accounts
        .filter((account) => account !== lab.monitorAccount)
        .map((account) => ({
          name: account.username,
          username: `${account.domain}\\${account.username}`,
          address: account.address,
          password: `\${${passwordVariable(account.username)}}`,
          ca_file: join(directory, "lab-ca.pem"),
        })),
      run: [
        { transaction: "imap_login", account: "probe-a", every: "15s", vantages: ["backend"] },
        // Through a VIP it is unknown which server a login meets: with an account of its own it cannot blur the members' answers.
        { transaction: "imap_login", account: "probe-b", every: "20s", vantages: ["vip"] },
        {
          transaction: "owa_form",
          account: "probe-a",
          every: "20s",
          vantages: ["vip"],
          members: { adc_service: ["sg_owa"] },
        },
        { transaction: "smtp_submission", account: "probe-b", every: "20s", vantages: ["backend"] },
      ],
    },
  };
}

/** Name of the environment variable that holds an account's password. */
function passwordVariable(username: string): string {
  return `LAB_${username.toUpperCase().replaceAll("-", "_")}_PASSWORD`;
}

/** Likewise for what an ADC's login monitor keeps encrypted. */
function monitorVariable(monitor: string): string {
  return `LAB_MONITOR_${monitor.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** The validated configuration of the demo. Rejects only when the lab itself is broken. */
export async function demoConfig(lab: Lab, directory: string): Promise<Config> {
  const { yaml, env } = await labConfig(lab, directory);
  const read = await parseConfig(yaml, { file: "demo", baseDir: directory, env });
  if (read.kind === "invalid") {
    throw new Error(read.problems.map(formatProblem).join("\n"));
  }
  return read.config;
}

/** NITRO is reached through `connect_to` too, for nothing else may be dialled. */
function managementOf(lab: Lab): Record<string, string> {
  return Object.fromEntries(
    adcsOf(lab)
      .flatMap(([, urls]) => urls)
      .map((url) => {
        const { hostname, port } = new URL(url);
        return [`${hostname}:${port}`, `${hostname}:${port}`];
      }),
  );
}

/** What is recorded is not waited for: the lab's own ADC only has to learn which servers answer behind the VIPs. */
const RECORDED_TIME_SCALE = 0.2;

/** How many lines of the story are kept in sight. */
const STORY_LINES = 4;
/** Lines that are neither table nor story: headline, blank lines, column heads, the count. */
const OTHER_LINES = 8;

/**
 * One screen of the demo: the headline, the story so far, and as much of the table as fits, what disagrees first.
 * `rows` and `width` are the terminal's.
 */
export function demoScreen(
  state: LiveState,
  headline: string,
  stories: readonly string[],
  terminal: { readonly rows: number; readonly width: number },
): string {
  const told = stories
    .slice(-STORY_LINES)
    .map((line) => styleText("bold", line.slice(0, terminal.width)));
  const room = Math.max(4, terminal.rows - OTHER_LINES - told.length);
  const ranked = [
    ...state.members.map((member) => ({ rank: rankOf(member), member, vserver: null })),
    ...state.vservers.map((vserver) => ({ rank: rankOf(vserver), member: null, vserver })),
  ].sort((a, b) => a.rank - b.rank);
  const shown = ranked.slice(0, room);
  const table = comparisonTable(
    shown.flatMap(({ member }) => member ?? []),
    shown.flatMap(({ vserver }) => vserver ?? []),
  );
  const hidden = ranked.length - shown.length;
  const agree = ranked.filter(({ rank }) => rank === RANK_AGREES).length;
  const count = `${String(agree)} of ${String(ranked.length)} agree${hidden > 0 ? `, ${String(hidden)} rows not shown` : ""}`;
  const lines = table.split("\n").map((line) => coloured(line.slice(0, terminal.width)));
  return [headline, "", ...told, "", ...lines, "", count].join("\n");
}

const RANK_AGREES = 3;

/** What a reader must see first: the ADC is wrong, something to look at, maintenance and the like, agreement. */
function rankOf(row: Pick<LiveMember | LiveVserver, "verdict" | "mismatch">): number {
  if (row.mismatch) {
    return 0;
  }
  const verdict: Verdict = row.verdict;
  if (WARNING_VERDICTS.has(verdict)) {
    return 1;
  }
  return /agree/.test(verdict) ? RANK_AGREES : 2;
}

/** Colour is never the only sign: the verdict stands in the line. */
function coloured(line: string): string {
  if (
    / (routes_to_maintenance|blind_monitor|false_up|false_down|strict_monitor|return_overdue|vip_(?!agree|protected|backup)\w+)/.test(
      line,
    )
  ) {
    return styleText("red", line);
  }
  if (/ (settling|drained_undeclared|replica_differs)/.test(line)) {
    return styleText("yellow", line);
  }
  return / maintenance_expected| drained| ready_to_return/.test(line)
    ? styleText("cyan", line)
    : line;
}

/** Of `run`, so that what the documentation shows can be opened and scraped. */
const USUAL_PORT = 9743;

export interface DemoCommand {
  /** Null: the usual one, or a free one where that is taken. */
  readonly port: number | null;
  readonly scenario: string;
  /** A bundle to play instead of a scenario; null: none. */
  readonly bundle: string | null;
  readonly exitAfterMs: number | null;
}

/** `demo`: the lab and the agent in one process, on loopback alone. Prints what to open, then a live table. */
export async function runDemo(command: DemoCommand, output: Output): Promise<number> {
  if (!isScenarioName(command.scenario)) {
    output.err(`no scenario ${command.scenario}; one of: ${SCENARIO_NAMES.join(", ")}\n`);
    return 1;
  }
  const recorded = command.bundle === null ? null : await readRecorded(command.bundle, output);
  if (command.bundle !== null && recorded === null) {
    return 1;
  }
  const signals = listenForSignals();
  const lab = await startLab(
    recorded === null
      ? { scenario: command.scenario }
      : { recorded: recorded.adcs, scenario: "healthy", timeScale: RECORDED_TIME_SCALE },
  );
  const stateDir = await mkdtemp(join(tmpdir(), "adc-witness-demo-"));
  try {
    const config = await demoConfig(lab, stateDir);
    const startAt = (port: number): ReturnType<typeof startService> =>
      startService({
        config,
        listen: [`127.0.0.1:${String(port)}`],
        log: pino({ level: "silent" }),
        reread: null,
        ended: signals.ended,
        ...(recorded === null ? {} : { past: recordedPast(recorded.bundle, Date.now()) }),
        // A demo begins with nothing, and its accounts are the lab's.
        firstLoginDelayMs: 0,
      });
    let service = await startAt(command.port ?? USUAL_PORT);
    if (service.kind === "failed" && command.port === null) {
      output.out(`${service.message}; a free port is used instead.\n`);
      service = await startAt(0);
    }
    if (service.kind === "failed") {
      output.err(`${service.message}\n`);
      return 1;
    }
    const [address = ""] = service.addresses;
    output.out(
      recorded === null
        ? `${lab.scenario.about}\n`
        : `${printableLine(`${recorded.adcs.map(({ adc }) => adc).join(", ")} as a bundle tells it: rows, servers in the condition that probes met, and the history.`)}\n`,
    );
    output.out(
      `Page     ${address}/\nMetrics  ${address}/metrics\nVerdicts ${address}/api/v1/verdicts\n`,
    );
    if (recorded === null) {
      output.out(
        `Try, in another terminal: ${commandLine()} maintenance preflight ex02 --url ${address} --token-file ${tokenFileOf(stateDir)}\n` +
          "and start ex02 --for 1h, list, verify ex02 --drained, end ex02, verify ex02 --returned likewise.\n",
      );
    }
    output.out("Everything runs on loopback. Ctrl-C ends it.\n\n");
    const ending = new AbortController();
    const screen = showState(service.agent.state, `Page ${address}/`, output, ending.signal);
    const run = lab.play(
      (step) => {
        if (recorded === null) {
          screen.tell(step.text);
        }
      },
      declareAt(address, tokenFileOf(stateDir)),
    );
    const how = await Promise.race([
      signals.ended,
      command.exitAfterMs === null
        ? new Promise<never>(() => undefined)
        : pause(command.exitAfterMs, ending.signal),
    ]);
    run.stop();
    ending.abort();
    await atMost(END_WITHIN_MS, service.stop());
    if (how?.kind === "broken") {
      output.err(`${how.error instanceof Error ? (how.error.stack ?? "") : String(how.error)}\n`);
      return 1;
    }
    return 0;
  } finally {
    signals.close();
    await atMost(END_WITHIN_MS, lab.close());
    await rm(stateDir, { recursive: true, force: true });
  }
}

interface Recorded {
  readonly bundle: Bundle;
  readonly adcs: readonly [RecordedAdc, ...RecordedAdc[]];
}

async function readRecorded(file: string, output: Output): Promise<Recorded | null> {
  const read = await readBundle(file);
  if (read.kind === "failed") {
    output.err(`${printableLine(read.message)}\n`);
    return null;
  }
  const { bundle } = read;
  const [first, ...others] = await recordedAdcs(bundle);
  if (first === undefined) {
    output.err(`${printableLine(`${file}: no ADC in it has told its vservers`)}\n`);
    return null;
  }
  return { bundle, adcs: [first, ...others] };
}

/** A demo ends when it is to end: what does not close in time goes with the process. */
const END_WITHIN_MS = 4_000;

async function atMost(limitMs: number, closing: Promise<void>): Promise<void> {
  const late = new AbortController();
  await Promise.race([closing, pause(limitMs, late.signal)]);
  late.abort();
}

/** How a story declares maintenance: as an administrator does, over the API. */
export function declareAt(url: string, tokenFile: string): Declare {
  return async (server, forMs) => {
    const token = (await readFile(tokenFile, "utf8")).trim();
    const answer = await fetch(`${url}/api/v1/maintenance`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ servers: [server], for: formatDuration(forMs) }),
    });
    if (!answer.ok) {
      throw new Error(`the agent refused to declare maintenance: ${await answer.text()}`);
    }
  };
}

/** How this very command was started, for a person to type it again. */
function commandLine(): string {
  const [, script = "adc-witness"] = process.argv;
  return script.endsWith(".js") ? `node ${relative(process.cwd(), script)}` : "adc-witness";
}

/** A live table on a terminal; elsewhere a line for each change. */
function showState(
  state: LiveState,
  headline: string,
  output: Output,
  signal: AbortSignal,
): { readonly tell: (text: string) => void } {
  const stories: string[] = [];
  const shown = new Map<string, string>();
  const terminal = process.stdout.isTTY;
  const startedAt = Date.now();
  const draw = (): void => {
    if (terminal) {
      const { rows = 24, columns: width = 80 } = process.stdout;
      const screen = demoScreen(state, headline, stories, { rows, width });
      output.out(`\u001b[2J\u001b[H${screen}\n`);
      return;
    }
    for (const line of changes(state, shown, startedAt)) {
      output.out(`${line}\n`);
    }
  };
  const timer = setInterval(draw, 500);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    draw();
  });
  return {
    tell: (text) => {
      const line = `${clock(startedAt)} ${text}`;
      stories.push(line);
      if (!terminal) {
        output.out(`${line}\n`);
      }
    },
  };
}

/** Verdicts that are new since the last call, one line each, in words. */
function* changes(
  state: LiveState,
  shown: Map<string, string>,
  startedAt: number,
): Iterable<string> {
  const rows = [...state.members, ...state.vservers];
  if (!shown.has("all agree") && rows.every(({ verdict }) => /agree_up$/.test(verdict))) {
    shown.set("all agree", "yes");
    yield `${clock(startedAt)} All ${String(rows.length)} rows agree: ADC, replica and service say the same.`;
  }
  for (const member of state.members) {
    const name = `${member.adcService} ${member.server}:${String(member.port)}`;
    // That all is well at first is printed in one line, not in fifty.
    if ((shown.get(name) ?? "agree_up") !== member.verdict && member.verdict !== "unknown") {
      shown.set(name, member.verdict);
      yield `${clock(startedAt)} ${name}: ${verdictLine(member)}`;
    }
  }
  for (const finding of state.findings ?? []) {
    const name = `finding ${findingKey(finding)}`;
    // How often it has flapped by now is no news.
    const news = finding.kind === "adc_flapping" ? finding.kind : finding.message;
    if (shown.get(name) !== news) {
      shown.set(name, news);
      yield `${clock(startedAt)} ${finding.message}`;
    }
  }
  for (const vserver of state.vservers) {
    if (
      (shown.get(vserver.vserver) ?? "vip_agree_up") !== vserver.verdict &&
      vserver.verdict !== "unknown"
    ) {
      shown.set(vserver.vserver, vserver.verdict);
      yield `${clock(startedAt)} ${vserver.vserver}: ${vserver.verdict} (ADC ${vserver.adcOpinion}, VIP ${vserver.vip})`;
    }
  }
}

function findingKey(finding: LiveFinding): string {
  return finding.kind === "mailbox_side"
    ? finding.account
    : `${finding.adcService} ${finding.server}:${String(finding.port)}`;
}

function verdictLine(member: LiveMember): string {
  const opinions = `ADC ${member.adcOpinion}, replica ${member.replica}, service ${member.service}`;
  const why = member.reason === null || member.reason === "ok" ? "" : `, ${member.reason}`;
  return `${member.verdict} (${opinions}${why}): ${memberWords(member).label}`;
}

function clock(startedAt: number): string {
  return `+${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)}s`;
}
