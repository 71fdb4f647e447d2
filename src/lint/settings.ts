/** What the rules must assume of the surroundings. */
export interface LintSettings {
  /** How long a drain lasts at most before work on a server begins, in milliseconds. */
  readonly drainMs: number;
  /** For how long Exchange's receive connectors delay answers to anonymous senders (`TarpitInterval`), in milliseconds. */
  readonly tarpitMs: number;
}

/** Half an hour of drain; the tarpit of five seconds that Exchange sets by default (Microsoft docs, `Set-ReceiveConnector`). */
export const DEFAULT_LINT_SETTINGS: LintSettings = { drainMs: 1_800_000, tarpitMs: 5_000 };
