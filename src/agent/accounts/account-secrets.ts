import type { Config } from "../../config/schema.ts";
import { monitorAccount } from "./gated-login.ts";

/** The secrets of everything that logs in, by the account whose gate it passes. */
export function accountSecrets(config: Config): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const account of config.transactions.accounts) {
    secrets.set(account.name, account.password.reveal());
  }
  for (const [name, monitor] of config.monitors) {
    if (monitor.username !== null && monitor.password !== null) {
      secrets.set(monitorAccount(name), monitor.password.reveal());
    }
  }
  return secrets;
}
