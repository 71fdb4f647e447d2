import type { Config } from "../config/schema.ts";
import type { Network } from "../probes/probe.ts";
import { openAccountKeeper } from "./accounts/account-keeper.ts";
import { gatedPeople } from "./accounts/account-secrets.ts";
import { ProbeRunner } from "./probe-runner.ts";

/** Runs probes for a command, outside any agent, and yet with the leave of every account: gates are shared by state_dir. */
export async function singleRoundRunner(
  config: Config,
  network: Network,
  signal: AbortSignal,
): Promise<ProbeRunner> {
  return new ProbeRunner({
    network,
    signal,
    sourceAddresses: config.sourceAddresses,
    events: { probeFinished: () => undefined, loginEnded: () => undefined },
    keeper: await openAccountKeeper({
      stateDir: config.stateDir,
      people: gatedPeople(config),
      now: Date.now,
    }),
    now: Date.now,
    monotonic: () => performance.now(),
  });
}
