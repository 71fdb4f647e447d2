import { type TransactionName, ACCOUNT_TRANSACTIONS } from "../model/transactions.ts";
import { parseDuration } from "../lib/timers.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { nearest } from "./problems.ts";
import {
  checkDuration,
  checkSecretPair,
  checkUniqueNames,
  type Rule,
  type RuleReport,
} from "./rules.ts";
import type { WrittenConfig, WrittenRun } from "./written.ts";

/** Type of an option: its description for messages, and its check. */
interface OptionKind {
  readonly says: string;
  readonly allows: (value: string | number | boolean) => boolean;
}

const TEXT: OptionKind = { says: "a text", allows: (value) => typeof value === "string" };
const FLAG: OptionKind = { says: "true or false", allows: (value) => typeof value === "boolean" };
const NUMBER: OptionKind = {
  says: "a whole number from 0",
  allows: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
const PORT: OptionKind = { says: "a port from 1 to 65535", allows: isPort };
const PORTS: OptionKind = {
  says: "a port from 1 to 65535, or several separated by commas",
  allows: (value) =>
    typeof value === "string"
      ? value.split(",").every((each) => isPort(Number(each)))
      : isPort(value),
};
const TRANSPORT: OptionKind = {
  says: "udp or tcp",
  allows: (value) => value === "udp" || value === "tcp",
};
const SCHEME: OptionKind = {
  says: "ntlm, negotiate or basic",
  allows: (value) => value === "ntlm" || value === "negotiate" || value === "basic",
};

function isPort(value: string | number | boolean): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

const WEB_LOGIN = { auth: SCHEME, channel_binding: FLAG };

/** The options of each transaction; unlisted ones have none. */
export const OPTION_TABLE: Readonly<
  Partial<Record<TransactionName, Readonly<Record<string, OptionKind>>>>
> = {
  imap_greeting: { greeting_only: FLAG },
  pop3_greeting: { greeting_only: FLAG },
  https_challenge: { auth_schemes: TEXT },
  smtp_mail_from: { outside_address: TEXT },
  rpc_endpoint_map: { mapper_port: PORT, expected_port: PORTS },
  dns_lookup: { query: TEXT, type: TEXT, expected: TEXT, transport: TRANSPORT },
  ntp_time: { max_offset_ms: NUMBER },
  imap_login: { fetch_newest: FLAG },
  mail_round_trip: { imap_host: TEXT, imap_port: PORT, junk_folder: TEXT },
  owa_form: { aaa_login_path: TEXT, aaa_username: TEXT },
  eas_options: WEB_LOGIN,
  ews_folder: { ...WEB_LOGIN, padding_bytes: NUMBER },
  autodiscover: WEB_LOGIN,
  mapi_endpoint: WEB_LOGIN,
  oab: WEB_LOGIN,
  rpc_echo: { ...WEB_LOGIN, rpc_server: TEXT },
  ldap_bind: { base_dn: TEXT, filter: TEXT },
};

/** Rules about accounts and the transactions that use them. */
export const TRANSACTION_RULES: readonly Rule[] = [
  accountNamesAreUnique,
  accountsHaveOnePassword,
  runsNameTheirAccount,
  roundTripsHaveAMailbox,
  runsAreNotTooFrequent,
  plaintextIsWarnedOf,
  loginsAreVerified,
  onlyLooksAreBlocked,
  optionsAreKnown,
];

/** Minimum intervals: more frequent logins could look like an attack, more frequent looks are a burden. */
const MIN_LOGIN_MS = 30_000;
const MIN_LOOK_MS = 10_000;
const MAX_TIMEOUT_MS = 3_600_000;

function accountNamesAreUnique(config: WrittenConfig, report: RuleReport): void {
  checkUniqueNames(config.transactions.accounts, ["transactions", "accounts"], report);
}

function accountsHaveOnePassword(config: WrittenConfig, report: RuleReport): void {
  config.transactions.accounts.forEach((account, index) => {
    const path = ["transactions", "accounts", index];
    checkSecretPair(["password", "password_file"], account, path, "required", report);
  });
}

function runsNameTheirAccount(config: WrittenConfig, report: RuleReport): void {
  const names = config.transactions.accounts.map(({ name }) => name);
  config.transactions.run.forEach((run, index) => {
    const path = ["transactions", "run", index];
    if (run.account === undefined && needsAccount(run)) {
      report.error(path, "has no account", "the name of an account", "add account");
    } else if (run.account !== undefined && !names.includes(run.account)) {
      report.error(
        [...path, "account"],
        "names an unknown account",
        names.length === 0 ? "one of transactions.accounts" : `one of ${names.join(", ")}`,
        "add the account or correct the name",
      );
    } else if (run.account !== undefined && !needsAccount(run)) {
      report.warning(
        [...path, "account"],
        "is not used: this transaction needs no account",
        "only transactions that log in use an account",
        "remove it",
      );
    }
  });
}

function roundTripsHaveAMailbox(config: WrittenConfig, report: RuleReport): void {
  const addresses = new Map(
    config.transactions.accounts.map(({ name, address }) => [name, address]),
  );
  config.transactions.run.forEach((run, index) => {
    const known = run.account !== undefined && addresses.has(run.account);
    if (
      run.transaction === "mail_round_trip" &&
      known &&
      addresses.get(run.account ?? "") === undefined
    ) {
      report.error(
        ["transactions", "run", index, "account"],
        "has no mail address",
        "an account with address",
        "add address to the account",
      );
    }
  });
}

function runsAreNotTooFrequent(config: WrittenConfig, report: RuleReport): void {
  config.transactions.run.forEach((run, index) => {
    const shortestMs = needsAccount(run) ? MIN_LOGIN_MS : MIN_LOOK_MS;
    const everyMs = run.every === undefined ? shortestMs : (parseDuration(run.every) ?? 0);
    const path = ["transactions", "run", index, "every"];
    if (everyMs < 1000) {
      report.error(path, "is too short", "at least 1s", "60s is usual");
    } else if (everyMs < shortestMs) {
      report.warning(
        path,
        "is too short for the servers",
        `at least ${String(shortestMs / 1000)}s`,
        "60s is usual",
      );
    }
    if (run.timeout !== undefined) {
      const at = ["transactions", "run", index, "timeout"];
      checkDuration(run.timeout, [1, MAX_TIMEOUT_MS], at, "30s is usual", report);
    }
  });
}

function plaintextIsWarnedOf(config: WrittenConfig, report: RuleReport): void {
  config.transactions.run.forEach((run, index) => {
    if (run.allow_plaintext) {
      report.warning(
        ["transactions", "run", index, "allow_plaintext"],
        "allows a password to be sent in clear text",
        "false",
        "use TLS or STARTTLS",
      );
    }
  });
}

function loginsAreVerified(config: WrittenConfig, report: RuleReport): void {
  const places: readonly (readonly [ConfigPath, WrittenTrust])[] = [
    ...Object.entries(config.monitors).map(([name, at]) => [["monitors", name], at] as const),
    ...Object.entries(config.vservers).map(([name, at]) => [["vservers", name], at] as const),
    ...config.members.map((at, index) => [["members", index], at] as const),
    ...config.transactions.accounts.map(
      (at, index) => [["transactions", "accounts", index], at] as const,
    ),
  ];
  for (const [path, { verify, fingerprint_sha256 = [] }] of places) {
    if (verify === false && fingerprint_sha256.length > 0) {
      report.error(
        [...path, "verify"],
        "cannot be combined with fingerprint_sha256",
        "a pinned certificate, or verify: false",
        "remove one",
      );
    } else if (verify === false) {
      report.warning(
        [...path, "verify"],
        "sends a password to an unverified server",
        "true, with ca_file, server_name or fingerprint_sha256",
        "write what `plan` and the page propose",
      );
    }
  }
}

interface WrittenTrust {
  readonly verify?: boolean | undefined;
  readonly fingerprint_sha256?: string | readonly string[];
}

function onlyLooksAreBlocked(config: WrittenConfig, report: RuleReport): void {
  config.transactions.run.forEach((run, index) => {
    if (run.expect === "blocked" && needsAccount(run)) {
      report.error(
        ["transactions", "run", index, "expect"],
        "is not allowed for a transaction that logs in",
        "blocked only for transactions without an account",
        "use https_challenge or smtp_mail_from",
      );
    }
  });
}

function optionsAreKnown(config: WrittenConfig, report: RuleReport): void {
  config.transactions.run.forEach((run, index) => {
    const table = OPTION_TABLE[run.transaction] ?? {};
    const known = Object.keys(table);
    for (const [option, value] of Object.entries(run.options)) {
      const path = ["transactions", "run", index, "options", option];
      const kind = Object.hasOwn(table, option) ? table[option] : undefined;
      if (kind === undefined) {
        const meant = nearest(option, known);
        report.error(
          path,
          `is not an option of ${run.transaction}`,
          known.length === 0 ? "no options" : known.join(", "),
          meant === null ? "remove it" : `did you mean ${meant}?`,
        );
      } else if (!kind.allows(value)) {
        report.error(path, "is not valid for this option", kind.says, "correct it");
      }
    }
  });
}

function needsAccount(run: WrittenRun): boolean {
  const withAccount: readonly string[] = ACCOUNT_TRANSACTIONS;
  return withAccount.includes(run.transaction);
}
