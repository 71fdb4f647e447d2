import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { tmpdir } from "node:os";
import { pino } from "pino";
import { type Lab, startLab } from "../../lab/lab.ts";
import { recordedAdcs, recordedPast, type RecordedAdc } from "../../lab/recorded-lab.ts";
import { isScenarioName, SCENARIO_NAMES } from "../../lab/scenarios.ts";
import { readBundle, type Bundle } from "../bundle/format.ts";
import type { Config } from "../config/schema.ts";
import { errorMessage } from "../lib/log.ts";
import { printableLine } from "../lib/printable.ts";
import { atMost, pause } from "../lib/timers.ts";
import type { LiveState } from "../model/live.ts";
import { readConsole } from "./adc-console.ts";
import { clock, demoRows, demoScreen, type DemoView } from "./demo-screen.ts";
import { Story } from "./demo-story.ts";
import { configOfFile, declareAt, demoConfig, tokenFileOf, writeLabConfig } from "./lab-config.ts";
import type { Output } from "./output.ts";
import { listenForSignals, type Ending, type Signals } from "./run.ts";
import { startService, type StartedService } from "./service.ts";
import { openScreen } from "./terminal-screen.ts";

/** A replayed bundle runs faster: the lab's ADC only has to find out which servers answer. */
const RECORDED_TIME_SCALE = 0.2;

/** The default port of `run`, so that examples of the documentation work. */
const USUAL_PORT = 9743;

export interface DemoCommand {
  /** Null: the default port, or a free one if that is in use. */
  readonly port: number | null;
  readonly scenario: string;
  /** Bundle to replay instead of a scenario; null: none. */
  readonly bundle: string | null;
  readonly exitAfterMs: number | null;
  /** Repeat the story. */
  readonly loop: boolean;
  /** Folder for a configuration that other commands can use; null: none. */
  readonly writeConfig: string | null;
  /** Only the ADC and its servers, for a separately started agent. */
  readonly adcOnly: boolean;
}

/** `demo`: runs lab and agent in one process, on loopback only. Prints the URL, then a live table. */
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
      : {
          recorded: recorded.adcs,
          scenario: "healthy",
          timeScale: RECORDED_TIME_SCALE,
          sharedServers: MAX_RECORDED_SERVERS,
        },
  ).catch((error: unknown) => {
    output.err(`${printableLine(`the lab cannot be started: ${errorMessage(error)}`)}\n`);
    return null;
  });
  if (lab === null) {
    signals.close();
    return 1;
  }
  const scratch = await mkdtemp(join(tmpdir(), "adc-witness-demo-"));
  try {
    return command.adcOnly
      ? await serveAdcAlone(command, lab, scratch, signals, output)
      : await showDemo(command, lab, recorded, scratch, signals, output);
  } finally {
    signals.close();
    await atMost(END_WITHIN_MS, lab.close());
    // Pending output may be printed in between.
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function showDemo(
  command: DemoCommand,
  lab: Lab,
  recorded: Recorded | null,
  scratch: string,
  signals: Signals,
  output: Output,
): Promise<number> {
  const written =
    command.writeConfig === null ? null : await writeLabConfig(lab, command.writeConfig);
  if (written?.kind === "refused") {
    output.err(`${printableLine(written.message)}\n`);
    return 1;
  }
  await written?.listensAt(`127.0.0.1:${String(command.port ?? USUAL_PORT)}`);
  const config =
    written === null ? await demoConfig(lab, scratch) : await configOfFile(written.file);
  const service = await startAtUsualPort(command.port, config, recorded, signals, output);
  if (service.kind === "failed") {
    output.err(`${service.message}\n`);
    return 1;
  }
  const [address = ""] = service.addresses;
  await written?.listensAt(new URL(address).host);
  const configFile = written?.file ?? null;
  const tokenFile = tokenFileOf(configFile === null ? scratch : dirname(configFile));
  const demo: RunningDemo = { lab, recorded, address, configFile, tokenFile };
  output.out(introduction(demo));
  const how = await playStory(demo, service.agent.state, command, signals, output);
  await atMost(END_WITHIN_MS, service.stop());
  if (how?.kind === "broken") {
    output.err(`${how.error instanceof Error ? (how.error.stack ?? "") : String(how.error)}\n`);
    return 1;
  }
  return 0;
}

interface RunningDemo {
  readonly lab: Lab;
  readonly recorded: Recorded | null;
  /** URL of the agent. */
  readonly address: string;
  /** The file written by `--write-config`; null: none. */
  readonly configFile: string | null;
  readonly tokenFile: string;
}

/** Starts on the given port, else on the default port, or a free one if that is in use. */
async function startAtUsualPort(
  wanted: number | null,
  config: Config,
  recorded: Recorded | null,
  signals: Signals,
  output: Output,
): Promise<StartedService> {
  const startAt = (port: number): Promise<StartedService> =>
    startService({
      config,
      listen: [`127.0.0.1:${String(port)}`],
      log: pino({ level: "silent" }),
      reread: null,
      ended: signals.ended,
      ...(recorded === null ? {} : { previousHistory: recordedPast(recorded.bundle, Date.now()) }),
      // A demo has no previous state, and its accounts are the lab's.
      firstLoginDelayMs: 0,
    });
  const service = await startAt(wanted ?? USUAL_PORT);
  if (service.kind === "failed" && wanted === null) {
    output.out(`${service.message}; a free port is used instead.\n`);
    return startAt(0);
  }
  return service;
}

/** Introduction: what is shown, its URL, and what to try in a second terminal. */
function introduction(demo: RunningDemo): string {
  const { lab, recorded, address, configFile, tokenFile } = demo;
  const about =
    recorded === null
      ? lab.scenario.about
      : `${recorded.adcs.map(({ adc }) => adc).join(", ")}, replayed from a bundle: rows, servers in the condition that probes found, and the history.`;
  const attempt = (): string => {
    if (configFile !== null) {
      return `${printableLine(hintOf(demo))}; plan, probe and maintenance take the same file.\n`;
    }
    return recorded === null
      ? `Try in another terminal: ${commandLine()} maintenance preflight ex02 --url ${address} --token-file ${tokenFile}\n` +
          "and start ex02 --for 1h, list, verify ex02 --drained, end ex02, verify ex02 --returned likewise.\n"
      : "";
  };
  return (
    `${printableLine(about)}\n` +
    `Page     ${address}/\nMetrics  ${address}/metrics\nVerdicts ${address}/api/v1/verdicts\n` +
    `${attempt()}Everything runs on loopback. Ctrl-C ends it.\n\n`
  );
}

function hintOf({ configFile }: RunningDemo): string {
  return configFile === null
    ? ""
    : `In a second terminal: ${commandLine()} compare --config ${configFile}`;
}

/** Shows the story until a signal, the time limit, or a failing step ends it. */
async function playStory(
  demo: RunningDemo,
  state: LiveState,
  { loop, exitAfterMs }: DemoCommand,
  signals: Signals,
  output: Output,
): Promise<Ending | void> {
  const { lab, recorded, address, tokenFile } = demo;
  const ending = new AbortController();
  const story = new Story(lab, recorded === null && loop, ending.signal);
  const display = process.stdout.isTTY
    ? terminalDisplay(() => ({
        state,
        page: `${address}/`,
        story: recorded === null ? lab.scenario.name : "bundle",
        sinceStartMs: story.sinceStartMs,
        events: recorded === null ? story.events : [],
        next: story.next(state),
        hint: hintOf(demo),
      }))
    : lineDisplay(state, story, output);
  const telling = story.run(state, declareAt(address, tokenFile)).then(
    () => new Promise<never>(() => undefined),
    (error: unknown): Ending => ({ kind: "broken", error }),
  );
  const how = await Promise.race([
    signals.ended,
    telling,
    exitAfterMs === null ? new Promise<never>(() => undefined) : pause(exitAfterMs, ending.signal),
  ]);
  // A second signal ends the process at once, so the terminal is restored first.
  ending.abort();
  display.end();
  return how;
}

/** `demo --adc-only`: runs until `quit`, a signal, or the time limit. */
async function serveAdcAlone(
  command: DemoCommand,
  lab: Lab,
  scratch: string,
  signals: Signals,
  output: Output,
): Promise<number> {
  const written = await writeLabConfig(lab, command.writeConfig ?? scratch);
  if (written.kind === "refused") {
    output.err(`${printableLine(written.message)}\n`);
    return 1;
  }
  await written.listensAt(`127.0.0.1:${String(command.port ?? USUAL_PORT)}`);
  output.out(
    `An ADC and its servers, on loopback alone, until \`quit\`. NITRO: ${lab.nitroUrls.join(", ")}\n` +
      `${printableLine(`In a second terminal: ${commandLine()} run --config ${written.file}`)}\n` +
      "compare, plan, probe and maintenance take the same file.\n\n",
  );
  const ending = new AbortController();
  await Promise.race([
    signals.ended,
    readConsole(lab, process.stdin, output, ending.signal),
    command.exitAfterMs === null
      ? new Promise<never>(() => undefined)
      : pause(command.exitAfterMs, ending.signal),
  ]);
  ending.abort();
  return 0;
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
    output.err(`${printableLine(`${file}: none of its ADCs returned its vservers`)}\n`);
    return null;
  }
  return { bundle, adcs: [first, ...others] };
}

/** Maximum number of lab servers, which listen on a dozen ports each; beyond it, servers of a bundle share one. */
const MAX_RECORDED_SERVERS = 100;

/** Maximum time for closing; anything left ends with the process. */
const END_WITHIN_MS = 4_000;

/** The command line of this program, for use in hints. */
function commandLine(): string {
  const [, script = "adc-witness"] = process.argv;
  return script.endsWith(".js") ? `node ${relative(process.cwd(), script)}` : "adc-witness";
}

interface Display {
  /** Restores the terminal. Idempotent. */
  readonly end: () => void;
}

const POLL_EVERY_MS = 250;

/** Draws on the alternate screen; afterwards prints the story to the terminal. */
function terminalDisplay(view: () => DemoView): Display {
  const { stdout } = process;
  const screen = openScreen((text) => {
    stdout.write(text);
  });
  const draw = (): void => {
    // Some terminals do not report their size.
    const { rows = 24, columns = 80 } = stdout;
    screen.show(demoScreen(view(), { rows: rows || 24, columns: columns || 80 }));
  };
  const resized = (): void => {
    screen.forget();
    draw();
  };
  const timer = setInterval(draw, POLL_EVERY_MS);
  stdout.on("resize", resized);
  draw();
  return {
    end: () => {
      clearInterval(timer);
      stdout.off("resize", resized);
      screen.close();
      const { events, page } = view();
      const lines = events.map(({ atMs, text }) => `${clock(atMs)} ${printableLine(text)}`);
      stdout.write([...lines, `${page} is closed.`, ""].join("\n"));
    },
  };
}

/** Without a terminal: one line per change. */
function lineDisplay(state: LiveState, story: Story, output: Output): Display {
  const shown = new Map<string, string>();
  let printed = 0;
  const look = (): void => {
    for (const { atMs, text } of story.events.slice(printed)) {
      output.out(`${clock(atMs)} ${printableLine(text)}\n`);
    }
    printed = story.events.length;
    for (const line of changes(state, shown)) {
      output.out(`${clock(story.sinceStartMs)} ${printableLine(line)}\n`);
    }
  };
  const timer = setInterval(look, POLL_EVERY_MS);
  return {
    end: () => {
      clearInterval(timer);
      look();
    },
  };
}

const ALL_AGREE = "all agree";

/** Changes since the last call, one line each. */
function* changes(state: LiveState, shown: Map<string, string>): Iterable<string> {
  const rows = [...state.members, ...state.vservers];
  if (!shown.has(ALL_AGREE) && rows.every(({ verdict }) => verdict.endsWith("agree_up"))) {
    shown.set(ALL_AGREE, "yes");
    yield `All ${String(rows.length)} rows agree: ADC, replica and service agree.`;
  }
  for (const { key, tone, isNews, sentence } of demoRows(state)) {
    // If all agree at first, prints one line instead of one per row; unknown rows print none.
    if (tone !== "unknown" && shown.get(key) !== sentence && (isNews || shown.has(key))) {
      shown.set(key, sentence);
      yield sentence;
    }
  }
}
