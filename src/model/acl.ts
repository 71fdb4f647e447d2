import type { SourceLine } from "./source-line.ts";

/** A rule of the ADC's packet filter: what of a connection it looks at, and what it does with what fits. */
export interface Acl {
  readonly name: string;
  readonly action: "ALLOW" | "DENY" | "BRIDGE";
  readonly enabled: boolean;
  /** The lower comes first; null: where none is given. */
  readonly priority: number | null;
  /** Null: any. */
  readonly protocol: string | null;
  readonly source: AclRange | null;
  readonly destination: AclRange | null;
  readonly destinationPort: AclRange | null;
  readonly line: SourceLine;
}

/** Addresses or ports from one to another, both included; `negated`: all others. */
export interface AclRange {
  readonly from: string;
  readonly to: string;
  readonly negated: boolean;
}
