import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLab, type Lab, type LabOptions } from "../../lab/lab.ts";
import { demoConfig, labConfig } from "../../src/cli/lab-config.ts";
import { startInProcess, urlOf, type Service } from "./in-process-agent.ts";

export interface LabAgent {
  readonly lab: Lab;
  readonly directory: string;
  readonly service: Service;
  readonly url: string;
}

/** A lab and an agent that watches it, gone at the end of `use`. */
export async function withLabAgent(
  options: LabOptions,
  use: (world: LabAgent) => Promise<void>,
): Promise<void> {
  await withLab(options, async ({ lab, directory }) => {
    const service = await startInProcess(await demoConfig(lab, directory));
    try {
      await use({ lab, directory, service, url: urlOf(service) });
    } finally {
      await service.stop();
    }
  });
}

/** A lab alone, with a directory and a configuration file that names it; secrets are set in the environment for `use`. */
export async function withLab(
  options: LabOptions,
  use: (world: {
    readonly lab: Lab;
    readonly directory: string;
    readonly configFile: string;
    /** The configuration's text, and the environment that its secrets come from. */
    readonly yaml: string;
    readonly env: Readonly<Record<string, string>>;
  }) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-lab-"));
  const lab = await startLab(options);
  const { yaml, env } = await labConfig(lab, directory);
  const configFile = join(directory, "adc-witness.yml");
  await writeFile(configFile, yaml);
  Object.assign(process.env, env);
  try {
    await use({ lab, directory, configFile, yaml, env });
  } finally {
    for (const name of Object.keys(env)) {
      Reflect.deleteProperty(process.env, name);
    }
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Waits until a condition holds, looking every 50 ms; rejects with what was seen last when it does not in time. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  deadlineMs: number,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) {
      return seen;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${String(deadlineMs)} ms; last seen: ${describe(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function describe(seen: unknown): string {
  const text = typeof seen === "string" ? seen : (JSON.stringify(seen) ?? String(seen));
  return text.length > 2_000 ? `${text.slice(0, 2_000)} …` : text;
}
