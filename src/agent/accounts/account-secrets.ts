import type { Config } from "../../config/schema.ts";
import { personOf } from "./gated-login.ts";

/** The people whose credentials this agent has: their secret, and the names they go by in the configuration. */
export interface GatedPerson {
  readonly secret: string;
  /** Configured accounts, and `monitor NAME` for the account of a login monitor. */
  readonly names: readonly string[];
}

/** Everybody that logs in, by the person whose gate counts. */
export function gatedPeople(config: Config): ReadonlyMap<string, GatedPerson> {
  const people = new Map<string, GatedPerson>();
  const add = (username: string, secret: string, name: string): void => {
    const person = personOf(username);
    const known = people.get(person);
    people.set(person, {
      // Two secrets of one person: either change deserves a new trial.
      secret:
        known === undefined || known.secret === secret ? secret : `${known.secret}\n${secret}`,
      names: [...(known?.names ?? []), name],
    });
  };
  for (const account of config.transactions.accounts) {
    add(account.username, account.password.reveal(), account.name);
  }
  for (const [name, monitor] of config.monitors) {
    if (monitor.username !== null && monitor.password !== null) {
      add(monitor.username, monitor.password.reveal(), `monitor ${name}`);
    }
  }
  return people;
}
