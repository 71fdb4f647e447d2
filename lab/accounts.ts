import type { Estate } from "../src/model/estate.ts";
import type { Monitor } from "../src/model/monitor.ts";
import type { LabAccount } from "./exchange/exchange-server.ts";

/** The lab's mailboxes: two for the agent on two databases, and the account of the ADC's POP3 monitor. */
const LAB_ACCOUNTS: readonly LabAccount[] = [
  {
    username: "probe-a",
    domain: "LAB",
    address: "probe-a@lab.example.com",
    password: "Zebra-Kite-41",
    database: "DB01",
  },
  {
    username: "probe-b",
    domain: "LAB",
    address: "probe-b@lab.example.com",
    password: "Otter-Lamp-72",
    database: "DB02",
  },
  {
    username: "itest",
    domain: "LAB",
    address: "itest@lab.example.com",
    password: "Maple-Drum-58",
    database: "DB02",
  },
];

/** Groups of the directory, which the ADC's authorization policies ask for; who is not listed has none. */
export const LAB_GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ["probe-a", ["External-OWA", "External-ActiveSync"]],
]);

/** The account whose password the ADC's login monitors keep encrypted. */
const MONITOR_ACCOUNT = "itest";

/** The lab's accounts and one for each name that a login monitor of the estate logs in with. */
export function accountsFor(estate: Estate): LabAccount[] {
  const accounts = [...LAB_ACCOUNTS];
  for (const monitor of estate.monitors.values()) {
    const name = loginName(monitor);
    if (name !== null && !accounts.some((account) => isCalled(account, name))) {
      const [username = name] = name.split("@");
      accounts.push({
        ...monitorAccount(),
        username,
        address: name.includes("@") ? name : `${name}@lab.example.com`,
      });
    }
  }
  return accounts;
}

/** What each login monitor logs in with; the ns.conf keeps the password encrypted, and only the ADC can read it. */
export function monitorCredentials(
  estate: Estate,
): Readonly<Record<string, { readonly username: string; readonly password: string }>> {
  const accounts = accountsFor(estate);
  return Object.fromEntries(
    [...estate.monitors.values()].flatMap((monitor) => {
      const username = loginName(monitor);
      const account = accounts.find((each) => username !== null && isCalled(each, username));
      return username === null || account === undefined
        ? []
        : [[monitor.name, { username, password: account.password }]];
    }),
  );
}

/** The account of the guides' POP3 monitor. */
export function monitorAccount(): LabAccount {
  const account = LAB_ACCOUNTS.find(({ username }) => username === MONITOR_ACCOUNT);
  if (account === undefined) {
    throw new Error(`The lab has no account ${MONITOR_ACCOUNT}.`);
  }
  return account;
}

function loginName({ parameters }: Monitor): string | null {
  return parameters.userName ?? parameters.bindDn;
}

function isCalled(account: LabAccount, name: string): boolean {
  return [account.username, account.address].some(
    (each) => each.toLowerCase() === name.toLowerCase(),
  );
}
