import type { FaultCase } from "./cases.ts";
import { DIFFERENCES, EITHER, PEERS, type Peer } from "./cases/peers.ts";
import type { DnsCase } from "./dns-cases.ts";
import type { NitroCase } from "./nitro-cases.ts";

/** A case as a run found it. */
export interface Row {
  readonly case: FaultCase;
  readonly peers: Readonly<Record<Peer, "up" | "down" | null>>;
}

/** The table of faults × monitors as Markdown. An opinion that differs from ours is explained below the table. */
export function faultTable(rows: readonly Row[]): string {
  return [
    "| fault | monitor | opinion | outcome | step | reason | blackbox_exporter | HAProxy | monitoring-plugins |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(rowText),
    "",
    "Where they differ:",
    "",
    ...PEERS.flatMap((peer) =>
      Object.entries(DIFFERENCES).flatMap(([difference, why]) => {
        const cases = rows.filter((row) => row.case.differences?.[peer] === difference);
        return cases.length === 0
          ? []
          : [`- ${NAMES[peer]} ${why}: ${cases.map(nameOf).join(", ")}.`];
      }),
    ),
  ].join("\n");
}

const NAMES: Readonly<Record<Peer, string>> = {
  blackbox: "blackbox_exporter",
  haproxy: "HAProxy",
  plugins: "The plugins' check",
};

function nameOf({ case: { fault, check } }: Row): string {
  return `${fault} at ${check}`;
}

function rowText({ case: each, peers }: Row): string {
  const { fault, check, opinion, outcome, step, reason, differences } = each;
  const words = PEERS.map((peer) => {
    const word = peers[peer] ?? "not supported";
    const difference = differences?.[peer];
    if (difference === EITHER && peers[peer] !== null) {
      return "either";
    }
    return difference === undefined ? word : `**${word}**`;
  });
  const cells = [fault, check, opinion, outcome, step, reason.replace("|", " or "), ...words];
  return `| ${cells.join(" | ")} |`;
}

/** The table of faults of name servers. */
export function dnsTable(
  rows: readonly { readonly case: DnsCase; readonly peers: Row["peers"] }[],
): string {
  const title = ["fault", "check", "opinion", "outcome", "step", "reason"];
  const heads = [...title, "blackbox_exporter (dns)", "check_dig"];
  return [
    `| ${heads.join(" | ")} |`,
    `| ${heads.map(() => "---").join(" | ")} |`,
    ...rows.map(({ case: each, peers }) => {
      const words = [peers.blackbox ?? "not asked", peers.plugins ?? "not asked"];
      return `| ${[...each, ...words].join(" | ")} |`;
    }),
  ].join("\n");
}

/** The table of faults of the ADC's own interface. */
export function nitroTable(cases: readonly NitroCase[]): string {
  return [
    "| fault | poll | counted under | the ADC's opinion | after four polls | when it is over |",
    "| --- | --- | --- | --- | --- | --- |",
    ...cases.map(({ fault, expected }) => {
      const { poll, codes, opinion, later, after } = expected;
      return `| ${[fault, poll, codes === "" ? "–" : codes, opinion, later, after].join(" | ")} |`;
    }),
  ].join("\n");
}
