/** What the rules must assume of the surroundings. */
export interface LintSettings {
  /** How long a drain lasts at most before work on a server begins, in milliseconds. */
  readonly drainMs: number;
  /** For how long Exchange's receive connectors delay answers to anonymous senders (`TarpitInterval`), in milliseconds. */
  readonly tarpitMs: number;
  /** How many connections a receive connector takes from one address (`MaxInboundConnectionPerSource`). */
  readonly connectionsPerSource: number;
  /** Until when a monitor should have noticed a failure, in milliseconds. */
  readonly detectionMs: number;
  /** Known findings that are not reported. */
  readonly ignore: readonly LintIgnore[];
}

/** A rule, `*` for all, that is silent about objects of these names, with `*`. */
export interface LintIgnore {
  readonly rule: string;
  readonly objects: readonly string[];
}

/**
 * Half an hour of drain; the tarpit of five seconds and the 20 connections per source that Exchange sets by default
 * (Microsoft docs, `Set-ReceiveConnector`); ten minutes until a dead server is noticed.
 */
export const DEFAULT_LINT_SETTINGS: LintSettings = {
  drainMs: 1_800_000,
  tarpitMs: 5_000,
  connectionsPerSource: 20,
  detectionMs: 600_000,
  ignore: [],
};
