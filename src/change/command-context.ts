import type { AdcConfig, Config } from "../config/schema.ts";
import { type AccountKeeper, openKeeper } from "../agent/accounts/account-keeper.ts";
import type { ResolvedNames } from "../agent/public-names.ts";
import { ownAddressesTowards } from "../agent/own-addresses.ts";
import { planProbes } from "../agent/plan/plan.ts";
import { planSettings } from "../agent/plan/settings.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import { SecretBindings } from "../agent/secret-bindings.ts";
import type { Estate } from "../model/estate.ts";
import { type LearnedExchange } from "../adc/recognise.ts";
import { ProbeRunner } from "../agent/probe-runner.ts";
import type { Network } from "../net/network.ts";

/** A command is started by a person, so its first login needs no delay against restart loops. */
export function accountKeeperForCommand(config: Config): Promise<AccountKeeper> {
  return openKeeper(config, 0);
}

/** The plan of a command, with its bound secrets; secret bindings are shared through state_dir. */
export async function planForCommand(
  estate: Estate,
  config: Config,
  adc: AdcConfig,
  resolved: ResolvedNames,
  keeper: AccountKeeper,
  network: Network,
  learned: LearnedExchange = new Set(),
): Promise<readonly PlannedProbe[]> {
  const own = await ownAddressesTowards(estate, config, network);
  const plan = planProbes(estate, planSettings(config, adc, resolved, own), learned);
  return (await new SecretBindings().bind(plan, config.monitors, keeper)).plan;
}

/** Runs probes for a command without an agent, but respects the account gates, which are shared through state_dir. */
export function probeRunnerForCommand(
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
