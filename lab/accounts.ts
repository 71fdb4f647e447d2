import type { LabAccount } from "./exchange/exchange-server.ts";

/** The lab's mailboxes: two for the agent on two databases, and the account of the ADC's POP3 monitor. */
export const LAB_ACCOUNTS: readonly LabAccount[] = [
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
export const MONITOR_ACCOUNT = "itest";
