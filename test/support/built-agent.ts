import { spawn, type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { Agent as HttpAgent, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { packageRoot } from "../../src/cli/package-info.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { until } from "./lab-agent.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");

export interface BuiltAgentOptions {
  readonly configFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
  /** A program that starts it, with its arguments. */
  readonly through?: readonly string[];
}

/** An answer over the one connection that is kept, or over a fresh one. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The built agent as a process of its own, to be starved, held, killed and asked. */
export class BuiltAgent {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly lines: readonly string[];
  /** One connection, kept: it needs no new descriptor at the other end. */
  readonly #kept = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number, url: string, lines: readonly string[]) {
    this.child = child;
    this.pid = pid;
    this.url = url;
    this.lines = lines;
    this.#exited = child.exitCode !== null ? Promise.resolve() : once(child, "exit");
  }

  /** Starts it and waits until it serves; rejects with what it said when it does not. */
  static async start(options: BuiltAgentOptions): Promise<BuiltAgent> {
    const command = [
      ...(options.through ?? []),
      process.execPath,
      ...(options.nodeOptions ?? []),
      MAIN,
      "run",
      "--config",
      options.configFile,
      "--listen",
      "127.0.0.1:0",
    ];
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => lines.push(line));
    }
    try {
      const serving = await until(
        "the agent serves",
        () => {
          if (child.exitCode !== null || child.signalCode !== null) {
            throw new Error(`the agent ended:\n${lines.join("\n")}`);
          }
          return lines.find((line) => line.includes('"serving"')) ?? lines.join("\n");
        },
        (line) => line.includes('"serving"'),
        60_000,
      );
      const { addresses, pid } = JSON.parse(serving) as { addresses: string[]; pid: number };
      return new BuiltAgent(child, pid, addresses[0] ?? "", lines);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Sends the signal and waits for the end; tells the exit status, null after a kill. */
  async end(name: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#kept.destroy();
    if (!this.ended) {
      this.signal(name);
      await this.#exited;
    }
    return this.child.exitCode;
  }

  /** Asks over the connection that is kept. */
  ask(path: string, options: { method?: string; body?: string; token?: string } = {}) {
    return new Promise<Answer>((resolve, reject) => {
      const asked = request(
        `${this.url}${path}`,
        {
          agent: this.#kept,
          method: options.method ?? "GET",
          headers: {
            ...(options.body === undefined ? {} : { "content-type": "application/json" }),
            ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            resolve({ status: response.statusCode ?? 0, text });
          });
          response.on("error", reject);
        },
      );
      asked.setTimeout(60_000, () => asked.destroy(new Error(`no answer to ${path} within 60 s`)));
      asked.on("error", reject);
      asked.end(options.body);
    });
  }

  async verdicts(): Promise<CompareJson> {
    return JSON.parse((await this.ask("/api/v1/verdicts")).text) as CompareJson;
  }

  async metrics(): Promise<string> {
    const { status, text } = await this.ask("/metrics");
    if (status !== 200) {
      throw new Error(`/metrics answered ${String(status)}: ${text}`);
    }
    return text;
  }

  /** Descriptors that the process has open. */
  async descriptors(): Promise<number> {
    return (await readdir(`/proc/${String(this.pid)}/fd`)).length;
  }

  /** Processor time it has used so far, in milliseconds. */
  async processorMs(): Promise<number> {
    const status = await readFile(`/proc/${String(this.pid)}/stat`, "utf8");
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    // User and system time, in ticks of a hundredth of a second: fields 14 and 15 of the whole line.
    return 10 * (Number(fields[11]) + Number(fields[12]));
  }

  /** Changes a limit of the running process (util-linux's prlimit): only the soft one, so that it can be given back. */
  async limit(what: "nofile" | "fsize", soft: number | "unlimited"): Promise<void> {
    const args = ["--pid", String(this.pid), `--${what}=${String(soft)}:`];
    await promisify(execFile)("prlimit", args);
  }
}

/** Everything that ever counted as a mismatch, however short: the counters' series that are not 0. */
export function mismatchesIn(metrics: string): string[] {
  return metrics
    .split("\n")
    .filter((line) => /^adc_witness_(?:vserver_)?mismatch_seconds_total\{/.test(line))
    .filter((line) => Number(line.slice(line.lastIndexOf(" ") + 1)) > 0);
}

/**
 * The counters of probes of members that failed for any reason but one of our own, as lines. (Through the demo's VIPs
 * some monitors never pass.)
 */
export function failuresIn(metrics: string): string[] {
  return metrics
    .split("\n")
    .filter((line) => line.startsWith("adc_witness_probe_failures_total{"))
    .filter((line) => line.includes('vantage="backend"'))
    .filter((line) => !line.includes('reason="agent_fault"'));
}
