import { pino } from "pino";
import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { startService } from "./service.ts";
import { listenForSignals } from "./signals.ts";

/** Service managers kill after ten seconds or less; an ADC forgets a session by itself. */
const END_WITHIN_MS = 4_000;

/**
 * `run`: the agent, until SIGTERM or SIGINT. 0 after it logged out of NITRO, or gave an ADC that hangs its time to take the
 * logout; 1 when it could not start, or when it ended because of a mistake of its own.
 */
export async function runAgent(
  file: string,
  listen: readonly string[] | null,
  output: Output,
): Promise<number> {
  const config = await readConfig(file, output, { ofPermissions: true });
  if (config === null) {
    return 1;
  }
  const signals = listenForSignals();
  const log = pino({ level: config.log.level });
  const service = await startService({
    config,
    listen,
    log,
    reread: () => loadConfig(file, process.env),
    ended: signals.ended,
  });
  if (service.kind === "failed") {
    signals.close();
    output.err(`${service.message}\n`);
    return 1;
  }
  log.info({ addresses: service.addresses }, "serving");
  signals.onHangup = () => {
    void service.reload();
  };
  const ending = await signals.ended;
  if (ending.kind === "broken") {
    const { error } = ending;
    log.error({ error: error instanceof Error ? error.stack : String(error) }, "broken: ending");
  }
  const status = ending.kind === "asked" ? 0 : 1;
  // Not cleared: sockets and threads that hang after the stop are ended as well.
  setTimeout(() => {
    log.warn({ afterMs: END_WITHIN_MS }, "ended before every ADC has taken the logout");
    process.exit(status);
  }, END_WITHIN_MS).unref();
  await service.stop();
  signals.close();
  return status;
}
