import type { LiveState } from "../model/live.ts";
import type { Estate } from "../model/estate.ts";
import type { Metrics } from "../exporters/prometheus/metrics.ts";
import type { History } from "./history/history.ts";
import type { LintIgnore } from "../lint/settings.ts";
import type { WebActions } from "./actions.ts";

/** Where the web takes everything from; asked anew at every request. */
export interface WebSources {
  readonly live: () => LiveState;
  readonly estates: () => readonly Estate[];
  /** What lint keeps silent about, as configured. */
  readonly lintIgnore: () => readonly LintIgnore[];
  readonly metrics: Metrics;
  /** Fed by the agent (`probeFinished`); the server samples the live state for it. */
  readonly history: History;
  readonly actions: WebActions;
  /** The configuration in force as YAML, secrets masked. */
  readonly configMasked: () => string;
  /** Bearer token of writes, asked for at every write; null refuses them. */
  readonly token: () => string | null;
  readonly version: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}
