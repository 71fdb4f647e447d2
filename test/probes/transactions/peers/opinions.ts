import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Observation } from "../../../../src/model/observation.ts";
import { runTransaction } from "../../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../../src/model/transactions.ts";
import { missing } from "../../../support/real-servers.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { transactionSpec } from "../transaction-spec.ts";

/** The result of a check, ours or a peer's. `unknown`: the checker blames its own side. */
export type Opinion = "up" | "warning" | "down" | "unknown";

/** Time that each side is given, in seconds. */
export const TIMEOUT_S = 3;

export interface OurOpinion {
  readonly opinion: Opinion;
  readonly observation: Observation;
}

export async function ours(
  transaction: TransactionName,
  port: number,
  change: Partial<TransactionSpec> = {},
  now: () => number = Date.now,
  host = "127.0.0.1",
): Promise<OurOpinion> {
  const observation = await runTransaction(
    transactionSpec(transaction, change),
    { host, port, server: null },
    probeContext(TIMEOUT_S * 1000, { now }),
  );
  const { outcome } = observation;
  const opinion = outcome === "match" ? "up" : outcome === "fault" ? "unknown" : "down";
  return { opinion, observation };
}

const DIRECTORY = "/usr/lib/nagios/plugins";
const BY_STATUS: readonly Opinion[] = ["up", "warning", "down", "unknown"];

/** Why this plug-in cannot be asked here, or null. */
export function lacksPlugin(name: string): string | null {
  return missing(`${DIRECTORY}/${name}`, "monitoring-plugins-basic monitoring-plugins-standard");
}

/** One of the monitoring plug-ins: its exit status is its opinion. */
export async function plugin(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly opinion: Opinion; readonly words: string }> {
  try {
    const { stdout } = await promisify(execFile)(
      `${DIRECTORY}/${name}`,
      ["-t", String(TIMEOUT_S), ...args],
      { env: { ...process.env, ...env } },
    );
    return { opinion: "up", words: stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    return { opinion: BY_STATUS[code ?? 3] ?? "unknown", words: stdout ?? "" };
  }
}

/** One case of a table: both opinions, and the reason where they differ. */
export interface Named {
  readonly what: string;
  readonly we: Opinion;
  readonly reason: string;
  readonly peer: Opinion;
  readonly because?: string;
}

/** The name of a case's test. */
export function title(peer: string, { what, we, reason, peer: they, because }: Named): string {
  const theirs = because === undefined ? "agrees" : `reports ${they}: ${because}`;
  return `reports ${we} (${reason}) for "${what}"; ${peer} ${theirs}`;
}
