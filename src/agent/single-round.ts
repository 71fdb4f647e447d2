import type { Network } from "../probes/probe.ts";
import type { Config } from "../config/schema.ts";
import type { AccountKeeper } from "./accounts/account-keeper.ts";
import { keeperOf } from "./accounts/open-keeper.ts";
import { ProbeRunner } from "./probe-runner.ts";

/** A command is run by somebody, once: nothing starts it again and again, and its first login waits for nothing. */
export function commandKeeper(config: Config): Promise<AccountKeeper> {
  return keeperOf(config, 0);
}

/** Runs probes for a command, outside any agent, and yet with the leave of every account: gates are shared by state_dir. */
export function singleRoundRunner(
  config: Config,
  network: Network,
  signal: AbortSignal,
  keeper: AccountKeeper,
): ProbeRunner {
  return new ProbeRunner({
    network,
    signal,
    sourceAddresses: config.sourceAddresses,
    events: { probeFinished: () => undefined, loginEnded: () => undefined },
    keeper,
    now: Date.now,
    monotonic: () => performance.now(),
  });
}
