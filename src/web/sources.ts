import type { MaintenanceReport } from "../change/report.ts";
import type { Slo, WindowReport } from "../change/window-report.ts";
import type { DeclareResult, Extension } from "../maintenance/declarations.ts";
import type { MaintenanceWindow, WindowView } from "../model/window.ts";
import type { LiveProbe, LiveState } from "../model/live.ts";
import type { Observation } from "../model/observation.ts";
import type { Estate } from "../model/estate.ts";
import type { Metrics } from "../exporters/prometheus/metrics.ts";
import type { History } from "./history/history.ts";
import type { LintIgnore } from "../lint/settings.ts";

/**
 * Actions of the web, implemented by the agent. Expected failures are data: no method rejects. The web has already checked
 * token, host and body.
 */
export interface WebActions {
  /** Reloads the configuration. If the file is invalid, the old one is kept and the error returned. */
  readonly reload: () => Promise<ActionResult>;
  /**
   * Runs a probe now, by `LiveProbe.id`, independent of its schedule; the observation changes no state. Limited by `timeoutMs`,
   * the probe's timeout and `signal`. The web limits it to one run per target in ten seconds.
   */
  readonly probeNow: (
    probeId: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<ProbeNowResult>;
  /** Per vserver, for how long the ADC was wrong between two moments, milliseconds since the epoch. */
  readonly slo: (from: number, to: number) => Promise<Slo>;
  /** Declared maintenance; null if this agent has no store. */
  readonly maintenance: MaintenanceActions | null;
}

export type ActionResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

export type ProbeNowResult =
  | {
      readonly kind: "observed";
      readonly probe: LiveProbe;
      readonly observation: Observation;
      /** After reverse and the type's rules, as `LiveProbe.lastPassed`. */
      readonly passed: boolean | null;
    }
  | { readonly kind: "unavailable"; readonly message: string };

export interface MaintenanceActions {
  /** Open and upcoming windows, and those that ended in the last day, sorted by start. */
  readonly list: () => readonly WindowView[];
  /**
   * Idempotent by name: repeating a request changes nothing; a different request replaces the window. A server that no ADC has
   * is refused, unless `force`.
   */
  readonly start: (request: MaintenanceWindow, force: boolean) => Promise<DeclareResult>;
  /** Ends a window now. `not_found` if no open or upcoming window has that name. */
  readonly end: (name: string, author: string | null) => Promise<DeclareResult>;
  /** Extends a declared window. `not_found` as above. */
  readonly extend: (name: string, extension: Extension) => Promise<DeclareResult>;
  /** Report on a window; null if none of that name has begun in the last 90 days. */
  readonly report: (name: string) => Promise<WindowReport | null>;
  /** Checks whether a server can be taken out of service. */
  readonly preflight: (server: string, limits: PreflightLimits) => Promise<MaintenanceReport>;
  /** Checks once whether a server is drained or back in service. */
  readonly verify: (server: string, want: "drained" | "returned") => Promise<MaintenanceReport>;
}

/** Options of preflight; null: the agent's default. */
export interface PreflightLimits {
  /** Number of working servers that each vserver must keep. */
  readonly minCapacity: number | null;
  /** How far ahead another server's window matters. */
  readonly horizonMs: number | null;
}

/** Data sources of the web, called at every request. */
export interface WebSources {
  readonly live: () => LiveState;
  readonly estates: () => readonly Estate[];
  /** The configured lint.ignore. */
  readonly lintIgnore: () => readonly LintIgnore[];
  readonly metrics: Metrics;
  /** The agent adds runs (`probeFinished`); the server adds samples of the live state. */
  readonly history: History;
  readonly actions: WebActions;
  /** The current configuration as YAML, with secrets masked. */
  readonly configMasked: () => string;
  /** Bearer token of writes, read at every write; null: writes are refused. */
  readonly token: () => string | null;
  readonly version: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}
