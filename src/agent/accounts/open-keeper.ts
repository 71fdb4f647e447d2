import type { Config } from "../../config/schema.ts";
import type { StorageWatch } from "../../lib/durable-file.ts";
import { machineClock } from "./login-book.ts";
import { openAccountKeeper, type AccountKeeper, namesByLockoutKey } from "./account-keeper.ts";

/** The keeper over a configuration's state directory, by this machine's clocks. */
export async function keeperOf(
  config: Config,
  firstLoginDelayMs: number,
  storage?: StorageWatch,
): Promise<AccountKeeper> {
  const keeper = await openAccountKeeper({
    stateDir: config.stateDir,
    clock: await machineClock(),
    firstLoginDelayMs,
    ...(storage === undefined ? {} : { storage }),
  });
  keeper.renew(namesByLockoutKey(config));
  return keeper;
}
