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
 * What the web may ask the agent to do; the agent implements it. Expected failures are data: no method rejects.
 * The web has checked token, host and body before it calls; the agent need not look at HTTP again.
 */
export interface WebActions {
  /** Reads the configuration again. A bad file keeps the old configuration and says why. */
  readonly reload: () => Promise<ActionResult>;
  /**
   * Runs one scheduled probe now, by `LiveProbe.id`, beside its schedule: neither joins the other, and the observation
   * moves no state machine. Ends by `timeoutMs`, the probe's own time-out or `signal`. The web has seen to it that a
   * target is asked at most once in ten seconds.
   */
  readonly probeNow: (
    probeId: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<ProbeNowResult>;
  /** Per vserver, for how long the ADC was wrong between two moments, milliseconds since the epoch. */
  readonly slo: (from: number, to: number) => Promise<Slo>;
  /** Declared maintenance; null when this agent keeps no store. */
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
  /** Windows that are open, or will be, and those that ended in the last day, by start. */
  readonly list: () => readonly WindowView[];
  /**
   * Idempotent by name: the same request again changes nothing, another one replaces the window of that name. A server that no
   * ADC has is refused, unless `force`.
   */
  readonly start: (request: MaintenanceWindow, force: boolean) => Promise<DeclareResult>;
  /** Ends a window now. `not_found` when no open or coming window has that name. */
  readonly end: (name: string, author: string | null) => Promise<DeclareResult>;
  /** Lets a declared window end later. `not_found` as above. */
  readonly extend: (name: string, extension: Extension) => Promise<DeclareResult>;
  /** How the window of a name went; null where none has begun in the last 90 days. */
  readonly report: (name: string) => Promise<WindowReport | null>;
  /** May this server go? */
  readonly preflight: (server: string, limits: PreflightLimits) => Promise<MaintenanceReport>;
  /** Is it really drained, or really back? One look, without waiting. */
  readonly verify: (server: string, want: "drained" | "returned") => Promise<MaintenanceReport>;
}

/** What a server's going is measured by; null: the agent's own default. */
export interface PreflightLimits {
  /** Number of working servers that each vserver must keep. */
  readonly minCapacity: number | null;
  /** How far ahead another server's window matters. */
  readonly horizonMs: number | null;
}

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
