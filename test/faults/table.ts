import { DIFFERENCES, PEERS, type FaultCase, type Peer } from "./cases.ts";

/** A case as a run found it. */
export interface Row {
  readonly case: FaultCase;
  readonly peers: Readonly<Record<Peer, "up" | "down" | null>>;
}

/** The table of faults × monitors as Markdown. An opinion that is another than ours is named below the table. */
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
        const cases = rows.filter((row) => row.case[6]?.[peer] === difference);
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

function nameOf({ case: [fault, check] }: Row): string {
  return `${fault} at ${check}`;
}

function rowText({ case: each, peers }: Row): string {
  const [fault, check, opinion, outcome, step, reason, differences] = each;
  const words = PEERS.map((peer) => {
    const word = peers[peer] ?? "cannot ask this";
    return differences?.[peer] === undefined ? word : `**${word}**`;
  });
  const cells = [fault, check, opinion, outcome, step, reason.replace("|", " or "), ...words];
  return `| ${cells.join(" | ")} |`;
}
