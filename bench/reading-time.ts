import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { largeConf } from "./large-conf.ts";
import { ownOptions } from "./options.ts";
import { endWithUs } from "./processes.ts";

const { lines, runs, write } = ownOptions({
  command: "node dist/bench/reading-time.js",
  about:
    "Wall-clock time and peak memory of `plan` and `lint` of a large ns.conf, start and output included.",
  options: {
    lines: { kind: "number", usual: 100_000, about: "lines of the configuration" },
    runs: { kind: "number", usual: 5, about: "runs of each command" },
    write: {
      kind: "text",
      takes: "FILE",
      usual: null,
      about: "only write the configuration to this file",
    },
  },
});
const COMMANDS = [
  ["plan", "--ns-conf"],
  ["plan", "--json", "--ns-conf"],
  ["lint"],
  ["lint", "--format", "json"],
] as const;
/** Reports the maximum memory of the command in KiB on descriptor 3 when it ends. */
const TELL = `data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,String(process.resourceUsage().maxRSS)))`;

interface Run {
  readonly seconds: number;
  readonly megabytes: number;
}

async function measure(words: readonly string[], file: string): Promise<Run> {
  const began = performance.now();
  const main = join(import.meta.dirname, "../src/cli/main.js");
  const child = spawn(process.execPath, ["--import", TELL, main, ...words, file], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  endWithUs(child);
  let told = "";
  child.stdio[3]?.on("data", (piece) => {
    told += String(piece);
  });
  await once(child, "close");
  return {
    seconds: (performance.now() - began) / 1_000,
    megabytes: (Number(told) * 1_024) / 1_000_000,
  };
}

/** `2.01 (1.98 to 2.10)`: the median and its range. */
function spread(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [least = NaN] = sorted;
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${(sorted.at(-1) ?? NaN).toFixed(digits)})`;
}

const text = largeConf(lines);
if (write === null) {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-reading-"));
  try {
    const file = join(directory, "ns.conf");
    await writeFile(file, text);
    console.log(`${String(lines)} lines, ${(text.length / 1e6).toFixed(1)} MB`);
    for (const words of COMMANDS) {
      const measured: Run[] = [];
      while (measured.length < runs) {
        measured.push(await measure(words, file));
      }
      const seconds = spread(
        measured.map((run) => run.seconds),
        2,
      );
      const megabytes = spread(
        measured.map((run) => run.megabytes),
        0,
      );
      console.log(`${words.join(" ")}: ${seconds} s, ${megabytes} MB at most`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
} else {
  await writeFile(write, text);
}
