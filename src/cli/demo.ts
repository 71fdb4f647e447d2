import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pino } from "pino";
import { startLab } from "../../lab/lab.ts";
import { isScenarioName, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import type { LiveMember, LiveState } from "../agent/live.ts";
import { pause } from "../lib/timers.ts";
import { VERDICT_WORDS } from "../verdict/words.ts";
import { demoConfig, tokenFileOf } from "./demo-config.ts";
import { demoScreen } from "./demo-screen.ts";
import type { Output } from "./output.ts";
import { startService } from "./service.ts";
import { listenForSignals } from "./signals.ts";

export interface DemoCommand {
  readonly port: number;
  readonly scenario: string;
  readonly exitAfterMs: number | null;
}

/** `demo`: the lab and the agent in one process, on loopback alone. Prints what to open, then a live table. */
export async function runDemo(command: DemoCommand, output: Output): Promise<number> {
  if (!isScenarioName(command.scenario)) {
    output.err(`no scenario ${command.scenario}; one of: ${SCENARIO_NAMES.join(", ")}\n`);
    return 1;
  }
  const signals = listenForSignals();
  const lab = await startLab({ scenario: command.scenario });
  const stateDir = await mkdtemp(join(tmpdir(), "adc-witness-demo-"));
  try {
    const config = await demoConfig(lab, stateDir);
    const service = await startService({
      config,
      listen: [`127.0.0.1:${String(command.port)}`],
      log: pino({ level: "silent" }),
      reread: null,
      ended: signals.ended,
    });
    if (service.kind === "failed") {
      output.err(`${service.message}\n`);
      return 1;
    }
    const [address = ""] = service.addresses;
    output.out(`${lab.scenario.about}\n`);
    output.out(
      `Page     ${address}/\nMetrics  ${address}/metrics\nVerdicts ${address}/api/v1/verdicts\n`,
    );
    output.out(
      `Try, in another terminal: ${commandLine()} maintenance preflight ex02 --url ${address} --token-file ${tokenFileOf(stateDir)}\n` +
        "and start ex02 --for 1h, list, verify ex02 --drained, end ex02, verify ex02 --returned likewise.\n",
    );
    output.out("Everything runs on loopback. Ctrl-C ends it.\n\n");
    const ending = new AbortController();
    const screen = showState(service.agent.state, `Page ${address}/`, output, ending.signal);
    const run = lab.play((step) => {
      screen.tell(step.text);
    });
    const how = await Promise.race([
      signals.ended,
      command.exitAfterMs === null
        ? new Promise<never>(() => undefined)
        : pause(command.exitAfterMs, ending.signal),
    ]);
    run.stop();
    ending.abort();
    await service.stop();
    if (how?.kind === "broken") {
      output.err(`${how.error instanceof Error ? (how.error.stack ?? "") : String(how.error)}\n`);
      return 1;
    }
    return 0;
  } finally {
    signals.close();
    await lab.close();
    await rm(stateDir, { recursive: true, force: true });
  }
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
    // That all is well at first is told in one line, not in fifty.
    if ((shown.get(name) ?? "agree_up") !== member.verdict && member.verdict !== "unknown") {
      shown.set(name, member.verdict);
      yield `${clock(startedAt)} ${name}: ${verdictLine(member)}`;
    }
  }
  for (const finding of state.findings ?? []) {
    const name = `finding ${finding.account}`;
    if (shown.get(name) !== finding.message) {
      shown.set(name, finding.message);
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

function verdictLine(member: LiveMember): string {
  const opinions = `ADC ${member.adcOpinion}, replica ${member.replica}, service ${member.service}`;
  const why = member.reason === null || member.reason === "ok" ? "" : `, ${member.reason}`;
  return `${member.verdict} (${opinions}${why}): ${VERDICT_WORDS[member.verdict].label}`;
}

function clock(startedAt: number): string {
  return `+${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)}s`;
}
