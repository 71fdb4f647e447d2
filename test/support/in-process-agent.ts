import { pino } from "pino";
import { startService, type ServiceOptions, type StartedService } from "../../src/cli/service.ts";
import type { LoadResult } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";

export type Service = Extract<StartedService, { kind: "started" }>;

/** The agent in this process, silent and on a free port; throws what it says when it cannot start. Who starts it stops it. */
export async function startInProcess(
  config: Config,
  options: Partial<Pick<ServiceOptions, "log" | "reread">> = {},
): Promise<Service> {
  const service = await startService({
    config,
    listen: ["127.0.0.1:0"],
    log: pino({ level: "silent" }),
    reread: null,
    // Each test has a state directory of its own, and waits for nothing.
    firstLoginDelayMs: 0,
    ...options,
  });
  if (service.kind === "failed") {
    throw new Error(service.message);
  }
  return service;
}

/** A configuration that must be good; throws its problems when it is not. */
export async function configOf(reading: Promise<LoadResult>): Promise<Config> {
  const read = await reading;
  if (read.kind === "invalid") {
    throw new Error(JSON.stringify(read.problems));
  }
  return read.config;
}

export function urlOf({ addresses }: Service): string {
  return addresses[0] ?? "";
}

/** What an agent anywhere answers at `/api/v1/verdicts`. */
export async function verdictsAt(url: string): Promise<CompareJson> {
  return (await (await fetch(`${url}/api/v1/verdicts`)).json()) as CompareJson;
}
