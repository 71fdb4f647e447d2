import type { SourceLine } from "./source-line.ts";

export interface PolicyBinding {
  readonly policy: string;
  readonly priority: number | null;
  readonly goto: string | null;
  readonly bindPoint: "REQUEST" | "RESPONSE" | null;
  /** `-invoke policylabel L`; absent: nothing is invoked, or the reader cannot know. */
  readonly invoke?: readonly string[];
  readonly line: SourceLine;
}

/** A policy of any feature, with the literals of its rule that a probe needs to match it. */
export interface Policy {
  readonly name: string;
  /** `cs`, `rewrite`, `responder`, `authorization`, `tm traffic`, `tm session`, `authentication`, `cache`, `feo`, `cmp` … */
  readonly feature: string;
  readonly rule: string;
  readonly action: string | null;
  /** What it writes to the audit log; absent: nothing. */
  readonly logAction?: string;
  readonly literals: RuleLiterals;
  readonly line: SourceLine;
}

/** URL and host literals found in a rule, in order of appearance. */
export interface RuleLiterals {
  readonly urls: readonly RuleLiteral[];
  readonly hosts: readonly RuleLiteral[];
  /** True when the rule holds nothing but these literals joined by OR: a request built from one literal matches. */
  readonly exact: boolean;
}

export interface RuleLiteral {
  readonly operator: "EQ" | "STARTSWITH" | "CONTAINS" | "ENDSWITH" | "PATTERN";
  readonly value: string;
  readonly ignoreCase: boolean;
  readonly negated: boolean;
}

export interface PolicyAction {
  readonly name: string;
  readonly feature: string;
  /** Rewrite: `replace`, `insert_http_header` …; responder: `redirect`, `respondwith` …; cs: `forward`. */
  readonly type: string;
  readonly target: string | null;
  readonly expression: string | null;
  readonly line: SourceLine;
}

/** The kind of a packet filter rule: those with a 6 apply to IPv6, the others to IPv4. */
export type AclKind = "acl" | "simpleacl" | "acl6" | "simpleacl6";

/** A rule of the ADC's packet filter. */
export interface Acl {
  readonly kind: AclKind;
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
