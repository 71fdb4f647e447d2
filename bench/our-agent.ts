import type { ChildProcess } from "node:child_process";
import { get } from "node:http";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cpuMsOf, memoryMbOf } from "./cpu-time.ts";
import { writeConfig, type BenchEstate } from "./estate-conf.ts";
import { freePort, spawnQuiet, stopChild, untilAnswered } from "./processes.ts";

export interface AgentOptions extends BenchEstate {
  /** Arguments for Node.js itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** A program that runs Node.js, with its arguments: valgrind. Time limits are then much longer. */
  readonly under?: readonly string[];
}

const PATIENCE_MS = 60_000;

/** What a scrape reports about the agent's own work, with its CPU time directly afterwards. */
export interface AgentReading {
  readonly cpuMs: number;
  readonly probes: number;
  readonly failures: number;
  readonly missed: number;
  readonly series: number;
  readonly text: string;
}

/** The agent as users run it: the built command with a configuration file, in its own process. */
export class OurAgent {
  readonly url: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.url = url;
  }

  static async start(directory: string, options: AgentOptions): Promise<OurAgent> {
    await mkdir(directory, { recursive: true });
    const file = await writeConfig(directory, options);
    const port = await freePort();
    const [program = process.execPath, ...before] = [...(options.under ?? []), process.execPath];
    const child = spawnQuiet(program, [
      ...before,
      ...(options.nodeArguments ?? []),
      join(import.meta.dirname, "../src/cli/main.js"),
      "run",
      "--config",
      file,
      "--listen",
      `127.0.0.1:${String(port)}`,
    ]);
    const url = `http://127.0.0.1:${String(port)}`;
    await untilAnswered(`${url}/-/healthy`, PATIENCE_MS * (options.under === undefined ? 1 : 10));
    return new OurAgent(child, url);
  }

  async scrape(): Promise<AgentReading> {
    const text = await textOf(`${this.url}/metrics`);
    return {
      cpuMs: cpuMsOf(this.pid),
      probes: sumOf(text, "adc_witness_probes_total"),
      failures: sumOf(text, "adc_witness_probe_failures_total"),
      missed: sumOf(text, "adc_witness_missed_probes_total"),
      series: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length,
      text,
    };
  }

  memoryMb(): { readonly now: number; readonly peak: number } {
    return memoryMbOf(this.pid);
  }

  async stop(patienceMs?: number): Promise<void> {
    await stopChild(this.#child, patienceMs);
  }
}

/** Sum of a metric's series in an exposition. */
export function sumOf(text: string, metric: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`${metric}{`) || line.startsWith(`${metric} `)) {
      sum += Number(line.slice(line.lastIndexOf(" ") + 1));
    }
  }
  return sum;
}

/** A response body, over a new connection: the server may close a kept-alive one just as it is used again. */
export function textOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data: string) => {
        text += data;
      });
      response.on("end", () => {
        resolve(text);
      });
      response.on("error", reject);
    }).on("error", reject);
  });
}
