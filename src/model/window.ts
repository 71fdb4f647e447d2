/** What a window says, whatever its times. */
interface WindowTerms {
  readonly name: string;
  /** Server names or patterns with `*`; at least one. */
  readonly servers: readonly string[];
  readonly reason: string | null;
  readonly author: string | null;
  /** End by itself when everything has been good for the stability time. */
  readonly autoEnd: boolean;
  /** Begin when the server first goes bad inside the window. */
  readonly flexible: boolean;
}

/** A window with its times: what API and commands declare, the store keeps, and an occurrence of a calendar is. */
export interface MaintenanceWindow extends WindowTerms {
  /** Milliseconds since the epoch. */
  readonly startAt: number;
  /** Infinity for `never`. */
  readonly endAt: number;
}

/** A window in a list. */
export interface WindowView extends MaintenanceWindow {
  readonly source: "config" | "api";
  readonly state: "open" | "coming" | "over";
}

/** A window of the configuration: fixed, or by a calendar. */
export interface WindowConfig extends WindowTerms {
  readonly when:
    | { readonly kind: "fixed"; readonly startAt: number; readonly endAt: number }
    | {
        readonly kind: "cron";
        readonly cron: string;
        readonly timezone: string;
        readonly durationMs: number;
      };
}
