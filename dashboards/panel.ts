/** The few kinds of Grafana panels we use, as data. `dashboard.ts` makes Grafana's JSON of them. */
export interface Panel {
  readonly kind: "stat" | "timeseries" | "state-timeline" | "table" | "bargauge";
  readonly title: string;
  readonly description: string;
  /** One of Grafana's units: `short`, `s`, `percentunit`, `bytes`, `d`, `ops`, `dateTimeFromNow` … */
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly width: number;
  readonly height: number;
  readonly decimals?: number;
  readonly thresholds?: readonly Threshold[];
  readonly mappings?: readonly Mapping[];
  readonly stacked?: boolean;
  /** For tables: columns to leave out, and new names of those that stay. */
  readonly table?: {
    readonly hide: readonly string[];
    readonly rename: Readonly<Record<string, string>>;
  };
  /** For tables: rows by one label, columns by another. */
  readonly matrix?: { readonly row: string; readonly column: string };
  /** One panel for each chosen value of this variable. */
  readonly repeat?: string;
}

export interface Query {
  readonly expr: string;
  /** Grafana's template, for example `{{server}}`. */
  readonly legend: string;
  /** A table or a single number looks at one instant. */
  readonly instant?: boolean;
}

export interface Threshold {
  /** Null: from the bottom. */
  readonly from: number | null;
  readonly color: string;
}

export interface Mapping {
  readonly value: number;
  readonly text: string;
  readonly color: string;
}

/** A titled row of panels. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const GREEN_IF_NONE: readonly Threshold[] = [
  { from: null, color: "green" },
  { from: 1, color: "red" },
];
export const RED_IF_NONE: readonly Threshold[] = [
  { from: null, color: "red" },
  { from: 1, color: "green" },
];
export const NEUTRAL: readonly Threshold[] = [{ from: null, color: "blue" }];

export const UP_DOWN: readonly Mapping[] = [
  { value: 0, text: "not up", color: "red" },
  { value: 1, text: "up", color: "green" },
];
export const NO_GOOD_YES_BAD: readonly Mapping[] = [
  { value: 0, text: "no", color: "green" },
  { value: 1, text: "yes", color: "red" },
];
export const YES_NO: readonly Mapping[] = [
  { value: 0, text: "no", color: "text" },
  { value: 1, text: "yes", color: "blue" },
];
