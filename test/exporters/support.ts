import { spawn, spawnSync } from "node:child_process";
import { createMetrics, type Metrics } from "../../src/exporters/prometheus/metrics.ts";
import type { LiveState } from "../../src/model/live.ts";
import type { Format } from "../../src/exporters/prometheus/text-format.ts";

export function someMetrics(phases = false): Metrics {
  return createMetrics({ version: "0.1.0", revision: "abc123", phases });
}

export async function exposition(
  metrics: Metrics,
  live: LiveState,
  format: Format = "text",
): Promise<string> {
  return Buffer.concat([...(await metrics.render(live, format))]).toString("utf8");
}

/** The sample lines of one family, comments left out. */
export function samples(text: string, name: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

/** Runs a program on the text; its exit status and everything it said. */
export function runOn(
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args);
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output += data.toString()));
    child.on("error", reject);
    child.on("close", (status) => {
      resolve({ status, output });
    });
    child.stdin.end(input);
  });
}
