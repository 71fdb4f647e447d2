/** The few kinds of Grafana panels we use, as data. `dashboard.ts` makes Grafana's JSON of them. */
export interface Panel {
  readonly kind: "stat" | "timeseries" | "state-timeline" | "table";
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
  /** Said where there is no series; default: `no data`. */
  readonly noValue?: string;
  /** Where a click on a value leads. */
  readonly links?: readonly Link[];
  /** For tables: columns whose cells are coloured by the thresholds; default: all. */
  readonly coloured?: readonly string[];
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
  /** The whole that another number is a part of: shown beside it, without its colour. */
  readonly denominator?: boolean;
}

/** Title and address, with Grafana's variables. */
export interface Link {
  readonly title: string;
  readonly url: string;
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

/** Where a series of a member leads: its page on the agent, and its server's dashboard. */
export const MEMBER_LINKS: readonly Link[] = memberLinks("__field.labels");
/** The same from a row of a table. */
export const MEMBER_ROW_LINKS: readonly Link[] = memberLinks("__data.fields");
export const VSERVER_LINKS: readonly Link[] = [
  { title: "Vserver dashboard", url: vserverDashboard("__field.labels") },
  {
    title: "Page of ${__field.labels.vserver}",
    url: "${page}/vserver?adc=${__field.labels.adc}&vserver=${__field.labels.vserver}",
  },
];

function memberLinks(labels: string): readonly Link[] {
  const label = (name: string): string => `\${${labels}.${name}}`;
  const selection = ["adc", "adc_service", "server", "port"]
    .map((name) => `${name}=${label(name)}`)
    .join("&");
  return [
    { title: `Page of ${label("server")}:${label("port")}`, url: `\${page}/member?${selection}` },
    {
      title: "Vserver dashboard",
      url: `/d/adc-witness-vserver?var-adc=${label("adc")}&var-server=${label("server")}&\${__url_time_range}`,
    },
  ];
}

function vserverDashboard(labels: string): string {
  return `/d/adc-witness-vserver?var-adc=\${${labels}.adc}&var-vserver=\${${labels}.vserver}&\${__url_time_range}`;
}
