import { ACCOUNT_TRANSACTIONS } from "../probes/transactions/spec.ts";
import { OPTION_TABLE } from "../probes/transactions/option-table.ts";
import { parseDuration } from "./duration.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { nearest } from "./near.ts";
import { checkSecretPair, checkUniqueNames, type Rule, type RuleReport } from "./rules.ts";
import type { WrittenConfig, WrittenRun } from "./written.ts";

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

/** A login more often than this could look like an attack; a look more often would be a burden. */
const SHORTEST_LOGIN_MS = 30_000;
const SHORTEST_LOOK_MS = 10_000;

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
        "names no account",
        names.length === 0 ? "one of transactions.accounts" : `one of ${names.join(", ")}`,
        "add the account or correct the name",
      );
    } else if (run.account !== undefined && !needsAccount(run)) {
      report.warning(
        [...path, "account"],
        "is not used: this transaction needs no account",
        "a transaction that logs in",
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
    const shortestMs = needsAccount(run) ? SHORTEST_LOGIN_MS : SHORTEST_LOOK_MS;
    const everyMs = run.every === undefined ? shortestMs : (parseDuration(run.every) ?? 0);
    const path = ["transactions", "run", index, "every"];
    if (everyMs < 1000) {
      report.error(path, "is too short", "at least 1s", "60s is usual");
    } else if (everyMs < shortestMs) {
      report.warning(
        path,
        "is a burden to the servers",
        `at least ${String(shortestMs / 1000)}s`,
        "60s is usual",
      );
    }
  });
}

function plaintextIsWarnedOf(config: WrittenConfig, report: RuleReport): void {
  config.transactions.run.forEach((run, index) => {
    if (run.allow_plaintext) {
      report.warning(
        ["transactions", "run", index, "allow_plaintext"],
        "lets a password travel in the clear",
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
        "stands beside fingerprint_sha256",
        "a pinned certificate, or verify: false",
        "remove one",
      );
    } else if (verify === false) {
      report.warning(
        [...path, "verify"],
        "lets a password go to whoever answers",
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
        "does not fit a transaction that logs in",
        "blocked only with one that needs no account",
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
          `is no option of ${run.transaction}`,
          known.length === 0 ? "no options here" : known.join(", "),
          meant === null ? "remove it" : `did you mean ${meant}?`,
        );
      } else if (!kind.allows(value)) {
        report.error(path, "does not fit this option", kind.says, "correct it");
      }
    }
  });
}

function needsAccount(run: WrittenRun): boolean {
  const withAccount: readonly string[] = ACCOUNT_TRANSACTIONS;
  return withAccount.includes(run.transaction);
}
