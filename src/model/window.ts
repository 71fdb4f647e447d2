export interface WindowConfig {
  readonly name: string;
  /** Server names or patterns with `*`. */
  readonly servers: readonly string[];
  readonly when:
    | {
        readonly kind: "fixed";
        readonly startAt: number;
        /** Infinity for `never`. */
        readonly endAt: number;
      }
    | {
        readonly kind: "cron";
        readonly cron: string;
        readonly timezone: string;
        readonly durationMs: number;
      };
  readonly reason: string | null;
  readonly author: string | null;
  readonly autoEnd: boolean;
  readonly flexible: boolean;
}
