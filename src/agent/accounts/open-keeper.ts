import type { Config } from "../../config/schema.ts";
import { machineClock } from "../../lib/persisted-clock.ts";
import { openAccountKeeper, type AccountKeeper, namesByLockoutKey } from "./account-keeper.ts";

/** The keeper over a configuration's state directory, by this machine's clocks. */
export async function keeperOf(config: Config, firstLoginDelayMs: number): Promise<AccountKeeper> {
  const keeper = await openAccountKeeper({
    stateDir: config.stateDir,
    clock: await machineClock(),
    firstLoginDelayMs,
  });
  keeper.renew(namesByLockoutKey(config));
  return keeper;
}
