import type { TransactionName, TransactionSpec } from "../../model/transactions.ts";
import type { Probe } from "../probe.ts";

/** One kind of transaction: one file each, listed in registry.ts. */
export interface TransactionType {
  readonly transaction: TransactionName;
  readonly probe: Probe<TransactionSpec>;
  readonly needsAccount: boolean;
  readonly transport: "tcp" | "udp";
}
