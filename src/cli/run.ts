import { destination, pino, type DestinationStream } from "pino";
import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { printable } from "../lib/printable.ts";
import { readConfig } from "./read-config.ts";
import { startService } from "./service.ts";
import { listenForSignals } from "./signals.ts";

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
  const log = pino({ level: config.log.level }, printableLog());
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
  await service.stop();
  signals.close();
  return ending.kind === "asked" ? 0 : 1;
}

/** Log lines are JSON, yet a terminal may show them: what could steer it is escaped, as JSON allows. */
function printableLog(): DestinationStream {
  const stdout = destination(1);
  return {
    write: (line) => {
      stdout.write(printable(line));
    },
  };
}
