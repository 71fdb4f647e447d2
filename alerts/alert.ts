import type { Verdict } from "../src/model/verdicts.ts";

/**
 * An alert as code: the rule, its texts for people, and the proof that it fires exactly when it must. Rules, their
 * tests and docs/alerts.md are all generated from these.
 */
export interface Alert {
  /** In CamelCase, as Prometheus users expect it. */
  readonly name: string;
  /** `none` never notifies: it only holds other alerts back. */
  readonly severity: "critical" | "warning" | "info" | "none";
  readonly expr: string;
  /** How long the condition must hold; the verdicts have their grace inside already. */
  readonly for: string;
  /**
   * Labels that distinguish its alerts, where it goes on while the ADC does not answer: what was wrong may still
   * be. Null: it resolves as soon as its condition does not hold.
   */
  readonly heldBy: readonly string[] | null;
  /** May hold `{{ $labels.x }}`, and so may the description and the queries. */
  readonly summary: string;
  /** What was seen, and what to do; may hold `{{ $labels.x }}`. */
  readonly description: string;
  /** Where its page begins on the agent, and which dashboard shows it; both with `{{ $labels.x }}`. */
  readonly shownAt: Shown;
  /** The verdict it is about, if it is about one. */
  readonly verdict: Verdict | null;
  readonly fires: FiringCase;
  readonly nearMiss: NearMiss;
}

/** Where somebody sees more: a path of the agent's page, and a dashboard with what it should be opened with. */
export interface Shown {
  readonly page: string;
  readonly dashboard: "agent" | "estate" | "maintenance" | "vserver";
  /** Variables of the dashboard, as a query string. */
  readonly variables: string;
}

/** Series in promtool's notation: values 15 s apart. */
export interface TestSeries {
  readonly series: string;
  readonly values: string;
}

export interface FiringCase {
  readonly series: readonly TestSeries[];
  /** Labels of the alert that fires, besides its name and severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** The description as it is sent, if it queries Prometheus for more than labels. */
  readonly expanded?: { readonly summary?: string; readonly description?: string };
}

export interface NearMiss {
  /** Why it must not fire, as the end of a sentence that begins with "does not fire". */
  readonly because: string;
  readonly series: readonly TestSeries[];
}

/** A rule that computes a series for dashboards and for other rules. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
  /** What the series says, for the documentation. */
  readonly meaning: string;
  readonly test: {
    readonly series: readonly TestSeries[];
    readonly samples: readonly { readonly labels: string; readonly value: number }[];
  };
}

/** Rules that are installed together: one rules file and one test file. */
export interface AlertGroup {
  /** Begins the names of the files. */
  readonly file: string;
  readonly title: string;
  readonly alerts: readonly Alert[];
}

/** Labels of the scrape and of one member, as every test uses them. */
export const SCRAPE = { job: "adc-witness", instance: "witness1:9743" } as const;
export const MEMBER = {
  ...SCRAPE,
  adc: "prod",
  adc_service: "svc_imap",
  server: "ex02",
  port: "993",
} as const;
export const SERVER = { ...SCRAPE, adc: "prod", server: "ex02" } as const;
export const VSERVER = { ...SCRAPE, adc: "prod", vserver: "v_imap" } as const;

/** A series in promtool's notation. */
export function series(
  metric: string,
  labels: Readonly<Record<string, string>>,
  values: string,
): TestSeries {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return { series: `${metric}{${pairs.join(",")}}`, values };
}

/** The labels that distinguish members, and vservers, across all agents. */
export const MEMBER_KEY = ["job", "instance", "adc", "adc_service", "server", "port"] as const;
export const VSERVER_KEY = ["job", "instance", "adc", "vserver"] as const;

const OF_MEMBER = [
  "adc={{ $labels.adc | urlquery }}",
  "adc_service={{ $labels.adc_service | urlquery }}",
  "server={{ $labels.server | urlquery }}",
  "port={{ $labels.port | urlquery }}",
].join("&");
const OF_VSERVER = "adc={{ $labels.adc | urlquery }}&vserver={{ $labels.vserver | urlquery }}";

/** Where each kind of thing is shown. */
export const SHOWN_MEMBER: Shown = {
  page: `/member?${OF_MEMBER}`,
  dashboard: "maintenance",
  variables: "var-adc={{ $labels.adc | urlquery }}&var-server={{ $labels.server | urlquery }}",
};
export const SHOWN_VSERVER: Shown = {
  page: `/vserver?${OF_VSERVER}`,
  dashboard: "vserver",
  variables: "var-adc={{ $labels.adc | urlquery }}&var-vserver={{ $labels.vserver | urlquery }}",
};
export const SHOWN_ADC: Shown = {
  page: "/",
  dashboard: "estate",
  variables: "var-adc={{ $labels.adc | urlquery }}",
};
export const SHOWN_AGENT: Shown = { page: "/", dashboard: "agent", variables: "" };
