import type { Target, ProbeContext } from "../net/probe-context.ts";
import type { Observation, LoginOutcome } from "../model/observation.ts";
import type { Account, TransactionName, TransactionSpec } from "../model/transactions.ts";
import type { ProbeRun } from "../net/probe-run.ts";

/**
 * The contract of every probe: `(spec, target, context) → Observation`. A probe never throws, opens sockets only through
 * `context.network`, closes all of them, and ends at `context.signal` or its own timeout, whichever is first.
 */
export type Probe<Spec> = (
  spec: Spec,
  target: Target,
  context: ProbeContext,
) => Promise<Observation>;

/** One kind of transaction, listed in registry.ts, where `runTransaction` makes a probe of it. */
export type TransactionType = {
  readonly transaction: TransactionName;
  readonly transport: "tcp" | "udp";
} & (
  | {
      readonly needsAccount: false;
      readonly probe: (
        run: ProbeRun,
        spec: TransactionSpec,
        target: Target,
      ) => Promise<Observation>;
    }
  | {
      readonly needsAccount: true;
      /** The account's password is redacted from the observation. */
      readonly probe: (
        run: ProbeRun,
        spec: TransactionSpec,
        target: Target,
        account: Account,
      ) => Promise<Observation>;
    }
);

/** Result of the credential, as reported by the probe; no report means that none was sent. */
export function loginOutcome({ login = "not_tried" }: Observation): LoginOutcome {
  return login;
}
