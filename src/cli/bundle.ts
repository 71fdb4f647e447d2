import { createInterface } from "node:readline/promises";
import { lstat, open, unlink } from "node:fs/promises";
import { AdcRecorder, makeBundle, type BundleContents } from "../bundle/collect.ts";
import { compareOnce } from "../change/compare.ts";
import { readMaintenanceWindows } from "../agent/kept-state.ts";
import { readJournal, timelineOf } from "../change/journal-reader.ts";
import { type JournalChange } from "../change/journal.ts";
import { TIMELINE_MS } from "../web/history/timelines.ts";
import { MAX_NS_CONF_BYTES, nsConfSteps } from "../adc/nsconf/import.ts";
import type { Config } from "../config/schema.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { decodedText } from "../lib/text-encoding.ts";
import { errorCode, errorMessage } from "../lib/log.ts";
import { printableLine } from "../lib/printable.ts";
import { runYielding } from "../lib/steps.ts";
import type { Estate } from "../model/estate.ts";
import type { Output } from "./output.ts";
import { packageVersion } from "./package-info.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";

export interface BundleCommand {
  readonly config: string;
  readonly out: string;
  readonly timeoutMs: number;
  /** Asks for confirmation; null: not interactive. */
  readonly ask: ((question: string) => Promise<boolean>) | null;
}

/**
 * `bundle`: writes one round as `compare` makes it, and all answers of the ADCs, without names, addresses and secrets, into a
 * file. Sends nothing. Exit status 0, or 1 if nothing was written.
 */
export async function runBundle(command: BundleCommand, output: Output): Promise<number> {
  const { out } = command;
  const config = await readConfig(command.config, output);
  if (config === null) {
    return 1;
  }
  if (await exists(out)) {
    output.err(`${printableLine(`${out}: exists already; nothing was written`)}\n`);
    return 1;
  }
  const recorder = new AdcRecorder();
  const { declarations } = await readMaintenanceWindows(config);
  const compared = await untilInterrupted((interrupted) =>
    compareOnce({
      config,
      server: null,
      declarations,
      waitMs: 0,
      timeoutMs: command.timeoutMs,
      interrupted,
      listener: recorder,
    }),
  );
  if (compared.kind === "failed") {
    output.err(`${printableLine(compared.message)}\n`);
    return 1;
  }
  for (const { name, lastError } of compared.state.adcs) {
    output.err(lastError === null ? "" : `${printableLine(`${name}: ${lastError}`)}\n`);
  }
  const now = Date.now();
  const { lines, contents } = makeBundle({
    config,
    recorder,
    live: compared.state,
    nsConfs: await readNsConfs(config, output),
    changes: await readChanges(config.stateDir, now),
    madeBy: { version: packageVersion(), node: process.version, platform: process.platform },
    now,
  });
  output.out(contentsText(contents));
  const question = `Write this to ${printableLine(out)}?`;
  if (command.ask !== null && !(await command.ask(question))) {
    output.out("nothing was written\n");
    return 1;
  }
  const trouble = await write(out, lines);
  if (trouble !== null) {
    output.err(`${printableLine(`${out}: ${trouble}`)}\n`);
    return 1;
  }
  output.out(
    `${printableLine(`written to ${out}; nothing was sent. Read it before you send it.`)}\n`,
  );
  return 0;
}

/** Summary of the file's content, one line per kind. */
function contentsText({ kinds, characters, refused, replaced, dropped }: BundleContents): string {
  const lines = [
    ...KIND_WORDS.map(([kind, words]) => [String(kinds.get(kind) ?? 0), words] as const),
    [String(replaced.words), "words replaced by pseudonyms, the same word always by the same one"],
    [String(replaced.addresses), "addresses replaced in the same way"],
    [String(replaced.withheld), "values withheld: passwords, keys, comments, serial numbers"],
    ...(dropped === 0
      ? []
      : [
          [
            String(dropped),
            "lines left out because they contained a password of the configuration",
          ] as const,
        ]),
  ].map(([count, words]) => `${(count ?? "").padStart(8)}  ${words ?? ""}`);
  const notTold =
    refused.length === 0 ? [] : [printableLine(`not returned by the ADC: ${refused.join(", ")}`)];
  return [
    `The file will contain (${(characters / 1024).toFixed(0)} KiB):`,
    ...lines,
    ...notTold,
    "",
  ].join("\n");
}

const KIND_WORDS: readonly (readonly [kind: string, words: string])[] = [
  ["answer", "answers of NITRO, one for each resource and node"],
  ["row", "rows of NITRO, with every field"],
  ["text", "texts of the ADC that were not recognised"],
  ["statement", "kinds of ns.conf statements that are not read"],
  ["finding", "findings of the import"],
  ["verdict", "verdicts, with their start times"],
  ["probe", "last runs of probes, with transcripts"],
  ["change", "changes of verdicts in the last 24 hours, as the agent saw them"],
];

/** Recent history of the agent that uses this state directory, oldest first. */
async function readChanges(stateDir: string, now: number): Promise<readonly JournalChange[]> {
  const { tracks } = await readJournal(stateDir, now - TIMELINE_MS, null);
  return tracks
    .flatMap((track) => timelineOf(track).map((entry) => ({ owner: track.owner, entry })))
    .sort((one, other) => one.entry.at - other.entry.at);
}

async function readNsConfs(config: Config, output: Output): Promise<Map<string, Estate>> {
  const read = new Map<string, Estate>();
  for (const { name, nsConf } of config.adcs) {
    if (nsConf === null) {
      continue;
    }
    try {
      const text = await readTextUpTo(nsConf, MAX_NS_CONF_BYTES, decodedText);
      read.set(name, await runYielding(nsConfSteps(text, { adc: name })));
    } catch (error) {
      output.err(`${printableLine(`${nsConf}: ${errorMessage(error)}`)}\n`);
    }
  }
  return read;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Writes a new file, readable only by this user; removes it if the write fails. Returns an error or null. */
async function write(path: string, lines: readonly string[]): Promise<string | null> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
        await file.write(`${lines.slice(at, at + LINES_AT_ONCE).join("\n")}\n`);
      }
      await file.sync();
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    return null;
  } catch (error) {
    return errorCode(error) === "EEXIST" ? "exists already" : errorMessage(error);
  }
}

const LINES_AT_ONCE = 1_000;

/** Asks at a terminal; any answer but yes means no. */
export async function askAtTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
