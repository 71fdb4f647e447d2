import { spawn } from "node:child_process";
import { appendFile, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { configOf, startInProcess, urlOf } from "../support/in-process-agent.ts";
import { inParallel } from "../support/in-parallel.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { pages, ROOT, typedLines, withoutBlocks } from "./pages.ts";

const MAIN = join(ROOT, "dist", "src", "cli", "main.js");
const RECORDED = join(ROOT, "test", "fixtures", "bundles", "demo-maintenance.jsonl");
const all = await pages();
/** Most of them wait for their probes. */
const AT_ONCE = 4;

/** Lines that are no command of ours, and why they are not run here. */
const NOT_OURS: readonly (readonly [line: RegExp, why: string])[] = [
  [/^npm (ci|test)\b(?!.*npm run demo)|^npm ci && npm test$/, "this very test runs inside it"],
  [/^curl /, "test/docs/api.test.ts types them"],
  [/^openssl s_client /, "it asks an appliance; the tests of NITRO take what it would print"],
  [/^(sudo|docker|kubectl) /, "no such engine here; docs/deploy.md says so"],
  [
    /^(npm run build:(executable|deb)\b|dist-executable\/|dist-deb\/|source <\()/,
    "test/packages builds both and installs them",
  ],
];

/**
 * What is written in the pages, and what is typed here instead: the lab stands for the ADC, an agent on a free port for
 * the one on 9743, and waits are cut short.
 */
const MAPPING: readonly (readonly [RegExp, string])[] = [
  [/^npm ci && /, ""],
  [/^npm run demo(?: --)?/, "adc-witness demo"],
  [/^npx /, ""],
  [/ --exit-after \S+/, ""],
  [/^(adc-witness demo.*)$/, "$1 --exit-after 1s"],
  [/--wait \S+/, "--wait 1s"],
  // The one that the page writes may not be there yet.
  [/--bundle report\.jsonl/, "--bundle recorded.jsonl"],
  [/^adc-witness run --config adc-witness\.yml$/, "adc-witness run --config run.yml"],
];

/** Exit statuses that are no failure of the command: what the lab happens to be in is not the point. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  lint: [0, 1],
  compare: [0, 1, 2],
  probe: [0, 2],
  "maintenance preflight": [0, 2],
  // 1: the ADC was wrong, or the server is not back; 2: its window is not declared here.
  "maintenance report": [0, 1, 2],
  "maintenance extend": [0, 2],
  slo: [0, 1],
  // 1: what persistence hides from one address is a warning.
  "maintenance verify": [0, 1, 2],
};

interface Typed {
  readonly line: string;
  readonly words: readonly string[];
}

/** The command as it is typed here, in words; null when it is not ours. */
function typed(line: string): Typed | null {
  if (NOT_OURS.some(([form]) => form.test(line))) {
    return null;
  }
  const mapped = MAPPING.reduce((text, [from, to]) => text.replace(from, to), line);
  const [program, ...words] = [...mapped.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? "",
  );
  if (program !== "adc-witness") {
    throw new Error(`nobody runs this line of the documentation: ${line}`);
  }
  return { line, words };
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(words: readonly string[], directory: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: directory });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
      if (words[0] === "run" && err.includes("serving")) {
        child.kill("SIGTERM");
      }
    });
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, out, err });
    });
  });
}

function statusesOf([command = "", kind = ""]: readonly string[]): readonly number[] {
  return STATUSES[command] ?? STATUSES[`${command} ${kind}`] ?? [0];
}

/** A lab, and an agent whose address the configuration names as the pages expect. */
async function withPagesWorld(use: (directory: string) => Promise<void>): Promise<void> {
  await withLab({ scenario: "healthy" }, async ({ lab, directory, configFile }) => {
    const service = await startInProcess(await configOf(loadConfig(configFile, process.env)));
    try {
      const written = await readFile(configFile, "utf8");
      const address = new URL(urlOf(service)).host;
      await appendFile(
        configFile,
        `web: { listen: ["${address}"] }\nnotify: [{ name: pager, command: ["true"] }]\n`,
      );
      // The one that is started for a moment has a state of its own.
      await mkdir(join(directory, "run"));
      await writeFile(
        join(directory, "run.yml"),
        `${written.replace(/^state_dir: .*$/m, "state_dir: run")}web: { listen: ["127.0.0.1:0"] }\n`,
      );
      await writeFile(join(directory, "ns.conf"), lab.confText);
      await copyFile(RECORDED, join(directory, "recorded.jsonl"));
      await until(
        "the agent has opinions",
        () => service.agent.state.members.filter(({ verdict }) => verdict !== "unknown").length,
        (known) => known > 10,
        30_000,
      );
      await use(directory);
    } finally {
      await service.stop();
    }
  });
}

/** Null when it ran as it should, else what it said. */
async function wrongIn(command: Typed, directory: string): Promise<unknown> {
  const ended = await run(command.words, directory);
  // A line that the command does not understand ends with 1 too, but with an error of its parser.
  const misunderstood = /^error: /m.test(ended.err);
  const isAsItShould = !misunderstood && statusesOf(command.words).includes(ended.code ?? -1);
  return isAsItShould ? null : { line: command.line, ...ended };
}

/** Those of maintenance build on each other, page by page; of the rest each is run once, however many pages show it. */
test("docs › show only commands that run", { timeout: 480_000 }, async () => {
  const shown = all.map(({ text }) =>
    typedLines(text)
      .map((line) => typed(line))
      .filter((command) => command !== null),
  );
  const isOfMaintenance = ({ words }: Typed): boolean => words[0] === "maintenance";
  const alone = new Map(
    shown
      .flat()
      .filter((command) => !isOfMaintenance(command))
      .map((command) => [command.words.join(" "), command]),
  );
  expect(alone.size).toBeGreaterThan(8);
  await withPagesWorld(async (directory) => {
    const wrong = [
      ...(await inParallel([...alone.values()], AT_ONCE, (command) => wrongIn(command, directory))),
    ];
    for (const command of shown.flat().filter(isOfMaintenance)) {
      wrong.push(await wrongIn(command, directory));
    }
    expect(wrong.filter((one) => one !== null)).toEqual([]);
  });
});

test("docs › name only commands and options that exist", async () => {
  const named = new Set(
    all.flatMap(({ text }) =>
      [...withoutBlocks(text).matchAll(/`(?:npx )?adc-witness ([a-z][^`]*)`/g)].map(
        ([, words = ""]) => words.replaceAll(/\s+/g, " "),
      ),
    ),
  );
  expect(named.size).toBeGreaterThan(5);
  const commandIn = (words: string): string => {
    const [command = "", kind = ""] = words.split(" ");
    return command === "maintenance" && /^[a-z]+$/.test(kind) ? `${command} ${kind}` : command;
  };
  const commands = [...new Set([...named].map(commandIn))];
  const helps = new Map(
    await inParallel(commands, AT_ONCE, async (command) => {
      const { code, out } = await run([...command.split(" "), "--help"], ROOT);
      expect([command, code]).toEqual([command, 0]);
      return [command, out] as const;
    }),
  );
  for (const words of named) {
    const command = commandIn(words);
    const help = helps.get(command) ?? "";
    expect(help).toContain(`Usage: adc-witness ${command}`);
    for (const [option] of words.matchAll(/--[a-z-]+/g)) {
      expect([words, help.includes(option)]).toEqual([words, true]);
    }
  }
});
