import { pino } from "pino";
import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { startService } from "./service.ts";
import { listenForSignals } from "./signals.ts";
import { startWatchdog } from "./watchdog.ts";

/**
 * `run`: the agent, until SIGTERM or SIGINT. 0 after it logged out of NITRO; 1 when it could not start, or when it logged
 * out because of a mistake of its own.
 */
export async function runAgent(
  file: string,
  listen: readonly string[] | null,
  output: Output,
): Promise<number> {
  const config = await readConfig(file, output);
  if (config === null) {
    return 1;
  }
  const signals = listenForSignals();
  const log = pino({ level: config.log.level });
  // An ADC that hangs may delay the start for longer than systemd waits: until then a turning event loop is enough.
  let idleMs = (): number => 0;
  const endWatchdog = startWatchdog({
    env: process.env,
    pid: process.pid,
    idleMs: () => idleMs(),
    failed: (why) => {
      log.error({ why }, "systemd's watchdog hears nothing of this agent and will start it anew");
    },
  });
  const service = await startService({
    config,
    listen,
    log,
    reread: () => loadConfig(file, process.env),
    ended: signals.ended,
  });
  if (service.kind === "failed") {
    endWatchdog?.();
    signals.close();
    output.err(`${service.message}\n`);
    return 1;
  }
  const { agent } = service;
  idleMs = () => agent.generation.idleMs;
  log.info({ addresses: service.addresses }, "serving");
  signals.onHangup = () => {
    void service.reload();
  };
  const ending = await signals.ended;
  if (ending.kind === "broken") {
    const { error } = ending;
    log.error({ error: error instanceof Error ? error.stack : String(error) }, "broken: ending");
  }
  await service.stop();
  endWatchdog?.();
  signals.close();
  return ending.kind === "asked" ? 0 : 1;
}
