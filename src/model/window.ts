/** A window without its times. */
interface WindowTerms {
  readonly name: string;
  /** Server names or patterns with `*`; at least one. */
  readonly servers: readonly string[];
  readonly reason: string | null;
  readonly author: string | null;
  /** Ends automatically when every check has passed for the stability time. */
  readonly autoEnd: boolean;
  /** Starts when the server first fails within the window. */
  readonly flexible: boolean;
}

/** A window with its times: declared by API or command, stored, or one occurrence of a calendar. */
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

/** A window in the configuration: with fixed times, or by a calendar. */
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
