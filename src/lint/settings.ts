/** What the rules assume about the environment. */
export interface LintSettings {
  /** Maximum duration of a drain before work on a server begins, in milliseconds. */
  readonly drainMs: number;
  /**
   * How long Exchange's receive connectors delay responses to anonymous senders (`TarpitInterval`), in milliseconds.
   */
  readonly tarpitMs: number;
  /** How many connections a receive connector accepts from one address (`MaxInboundConnectionPerSource`). */
  readonly connectionsPerSource: number;
  /** The time within which a monitor should notice a failure, in milliseconds. */
  readonly detectionMs: number;
  /** Known findings that are not reported. */
  readonly ignore: readonly LintIgnore[];
}

/** A rule (`*` for all) that is not applied to objects with these names, which may contain `*`. */
export interface LintIgnore {
  readonly rule: string;
  readonly objects: readonly string[];
}

/**
 * Half an hour of drain; the defaults of Exchange, a tarpit of five seconds and 20 connections per source (Microsoft
 * docs, `Set-ReceiveConnector`); ten minutes until a dead server is noticed.
 */
export const DEFAULT_LINT_SETTINGS: LintSettings = {
  drainMs: 1_800_000,
  tarpitMs: 5_000,
  connectionsPerSource: 20,
  detectionMs: 600_000,
  ignore: [],
};
