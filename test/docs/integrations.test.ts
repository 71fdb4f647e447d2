import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { configOf, startInProcess, urlOf } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { blocks, ROOT } from "./pages.ts";

const MAIN = join(ROOT, "dist", "src", "cli", "main.js");
const page = await readFile(join(ROOT, "docs", "integrations.md"), "utf8");

function example(language: string): string {
  const [block] = blocks(page, language);
  if (block === undefined) {
    throw new Error(`docs/integrations.md has no block ${language}`);
  }
  return block;
}

/** The one value of that name in a block, as its system reads it. */
function value(block: string, form: RegExp): string {
  const found = form.exec(block)?.[1];
  if (found === undefined) {
    throw new Error(`${String(form)} is not in:\n${block}`);
  }
  return found;
}

/** Icinga 2 puts an argument's name and value side by side, and leaves out one whose macro is not set. */
function ofIcinga(block: string): readonly string[] {
  const command = [...value(block, /command = \[ (.*) \]/).matchAll(/"([^"]*)"/g)].map(
    ([, word = ""]) => word,
  );
  const args = [...block.matchAll(/"(--[a-z]+)" = "\$(\w+)\$"/g)].flatMap(
    ([, name = "", macro = ""]) => {
      const set = new RegExp(`vars\\.${macro} = "([^"]*)"`).exec(block)?.[1];
      return set === undefined ? [] : [name, set];
    },
  );
  return [...command, ...args];
}

/** Nagios fills in what stands between exclamation marks. */
function ofNagios(block: string): readonly string[] {
  const [name, ...args] = value(block, /check_command +(\S+)/).split("!");
  expect(block).toContain(`command_name  ${name ?? ""}\n`);
  const line = value(block, /command_line +(.*)/);
  return args
    .reduce((text, arg, index) => text.replace(`$ARG${String(index + 1)}$`, arg), line)
    .split(" ");
}

const SYSTEMS: readonly (readonly [system: string, words: readonly string[]])[] = [
  ["Icinga 2", ofIcinga(example("icinga2"))],
  ["Nagios", ofNagios(example("nagios"))],
  ["Checkmk", value(example("mrpe"), /^\w+ \(interval=60\) (.*)$/m).split(" ")],
  ["Telegraf", value(example("toml"), /commands = \["(.*)"\]/).split(" ")],
];

/** Monitoring Plugins Development Guidelines: text, a bar, then 'label'=value[UOM];[warn];[crit];[min];[max]. */
const PERFORMANCE_DATA =
  /^WITNESS (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+ \| ('[^'=]+'|[^' =]+)=[\d.]+%?(;[\d.:]*){0,4}( ('[^'=]+'|[^' =]+)=[\d.]+%?(;[\d.:]*){0,4})*$/;

function run(words: readonly string[]): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...words]);
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, out });
    });
  });
}

test("docs/integrations.md › shows commands that answer as plug-ins when all is well and when it is not", async () => {
  const options = { scenario: "healthy", confText: partOfDemo({ groups: ["sg_imaps"] }) } as const;
  await withLab(options, async ({ lab, configFile }) => {
    const service = await startInProcess(await configOf(loadConfig(configFile, process.env)));
    const verdicts = (): string =>
      [...service.agent.state.members, ...service.agent.state.vservers]
        .map(({ verdict }) => verdict)
        .join(" ");
    const typed = SYSTEMS.map(([system, [program, ...words]]) => {
      expect([system, program]).toEqual([system, "adc-witness"]);
      return {
        system,
        words: words.map((word) => word.replace("http://127.0.0.1:9743", urlOf(service))),
      };
    });
    const ask = async (expected: number): Promise<void> => {
      for (const { system, words } of typed) {
        const { code, out } = await run(words);
        expect([system, code, out.split("\n")[0]]).toEqual([
          system,
          expected,
          expect.stringMatching(PERFORMANCE_DATA),
        ]);
      }
    };
    try {
      await until("all agree", verdicts, (seen) => /^(?:(?:vip_)?agree_up ?)+$/.test(seen), 60_000);
      await ask(0);
      await lab.servers.get("ex02")?.set("imap", { kind: "maintenance" });
      await until("a leak", verdicts, (seen) => seen.includes("routes_to_maintenance"), 90_000);
      await ask(2);
    } finally {
      await service.stop();
    }
  });
}, 240_000);
