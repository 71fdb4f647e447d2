import type { AdcConfig, Config } from "../../config/schema.ts";
import type { NitroAccount } from "./account-keeper.ts";
import { lockoutKey } from "../../lib/lockout-key.ts";

/** What the configuration calls those who log in, by lockout key. A monitor whose user stands in the estate alone is not among them. */
export function namesByLockoutKey(config: Config): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  const add = (username: string, name: string): void => {
    const key = lockoutKey(username);
    names.set(key, [...(names.get(key) ?? []), name]);
  };
  for (const account of config.transactions.accounts) {
    add(account.username, account.name);
  }
  for (const [name, { username, password }] of config.monitors) {
    if (username !== null && password !== null) {
      add(username, `monitor ${name}`);
    }
  }
  return names;
}

/** The account that an ADC is asked with. */
export function nitroAccount(
  adc: string,
  { username, password }: NonNullable<AdcConfig["nitro"]>,
): NitroAccount {
  return { adc, username, password: password.reveal() };
}
