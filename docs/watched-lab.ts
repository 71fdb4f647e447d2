import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { startLab, type Lab } from "../lab/lab.ts";
import type { ScenarioName } from "../lab/scenarios.ts";
import { demoConfig } from "../src/cli/lab-config.ts";
import { startService, type StartedService } from "../src/cli/service.ts";

export interface WatchedLab {
  readonly lab: Lab;
  readonly agent: Extract<StartedService, { readonly kind: "started" }>["agent"];
  /** Of the agent's page. */
  readonly url: string;
  /** Contains the agent's state and token; removed afterwards. */
  readonly directory: string;
}

/** A lab and an agent that watches it as the demo's does, on free ports of loopback, for pictures of them. */
export async function withWatchedLab<Result>(
  scenario: ScenarioName,
  use: (watched: WatchedLab) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-pictures-"));
  const lab = await startLab({ scenario });
  const service = await startService({
    config: await demoConfig(lab, directory),
    listen: ["127.0.0.1:0"],
    log: pino({ level: "silent" }),
    reread: null,
    firstLoginDelayMs: 0,
  });
  try {
    if (service.kind === "failed") {
      throw new Error(service.message);
    }
    const [url = ""] = service.addresses;
    return await use({ lab, agent: service.agent, url, directory });
  } finally {
    if (service.kind === "started") {
      await service.stop();
    }
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}
