import type { Panel, Row } from "./panel.ts";

/** One dashboard as code. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Variables beside datasource, job, instance and adc. */
  readonly variables: readonly ("vserver" | "server" | "server in maintenance")[];
  readonly rows: readonly Row[];
  readonly from: string;
  readonly refresh: string;
}

const DATASOURCE = { type: "prometheus", uid: "${datasource}" } as const;
const SCOPE = 'job=~"$job",instance=~"$instance"';
const INFO = "adc_witness_vserver_member_info";

/** Grafana's classic JSON, with panels at the top level. */
export function renderDashboard(dashboard: Dashboard): Record<string, unknown> {
  return {
    // What grafana.com asks who imports it.
    __inputs: [
      {
        name: "DS_PROMETHEUS",
        label: "Prometheus",
        description: "Prometheus that scrapes adc-witness",
        type: "datasource",
        pluginId: "prometheus",
        pluginName: "Prometheus",
      },
    ],
    __requires: [
      { type: "grafana", id: "grafana", name: "Grafana", version: "10.0.0" },
      { type: "datasource", id: "prometheus", name: "Prometheus", version: "1.0.0" },
      ...[...new Set(dashboard.rows.flatMap(({ panels }) => panels.map(({ kind }) => kind)))]
        .sort()
        .map((id) => ({ type: "panel", id, name: id, version: "" })),
    ],
    uid: dashboard.uid,
    title: dashboard.title,
    description: dashboard.description,
    tags: ["adc-witness"],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: "browser",
    time: { from: dashboard.from, to: "now" },
    refresh: dashboard.refresh,
    links: [
      {
        title: "adc-witness",
        type: "dashboards",
        tags: ["adc-witness"],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: "external link",
        tooltip: "",
        url: "",
      },
    ],
    templating: {
      list: [
        datasourceVariable(),
        queryVariable("job", "Job", "label_values(adc_witness_build_info, job)"),
        queryVariable(
          "instance",
          "Instance",
          'label_values(adc_witness_build_info{job=~"$job"}, instance)',
        ),
        queryVariable("adc", "ADC", `label_values(${INFO}{${SCOPE}}, adc)`),
        ...dashboard.variables.map(ownVariable),
        ...(hasLinks(dashboard) ? [pageVariable()] : []),
      ],
    },
    annotations: { list: ANNOTATIONS.map(renderAnnotation) },
    panels: layOut(dashboard.rows),
  };
}

function ownVariable(name: Dashboard["variables"][number]): Record<string, unknown> {
  const scope = `${SCOPE},adc=~"$adc"`;
  switch (name) {
    case "vserver":
      return queryVariable("vserver", "Vserver", `label_values(${INFO}{${scope}}, vserver)`);
    case "server":
      return queryVariable(
        "server",
        "Server",
        `label_values(adc_witness_verdict{${scope}}, server)`,
      );
    case "server in maintenance":
      return {
        ...queryVariable("server", "Server", SERVERS_IN_MAINTENANCE_FIRST),
        regex: '/server="([^"]+)"/',
        // As Prometheus has sorted them: the first is chosen.
        sort: 0,
        includeAll: false,
        allValue: null,
        multi: false,
        current: {},
      };
  }
}

const SERVERS_IN_MAINTENANCE_FIRST = `query_result(sort_desc(max by (server) (adc_witness_maintenance{${SCOPE},adc=~"$adc"}) or 0 * max by (server) (adc_witness_verdict{${SCOPE},adc=~"$adc"})))`;

function hasLinks({ rows }: Dashboard): boolean {
  return rows.some(({ panels }) => panels.some(({ links = [] }) => links.length > 0));
}

/** Where links to the agent's page lead: Prometheus knows where it scrapes, not where people look. */
function pageVariable(): Record<string, unknown> {
  const address = "http://127.0.0.1:9743";
  return {
    name: "page",
    label: "Address of the agent's page",
    type: "textbox",
    query: address,
    hide: 0,
    current: { selected: true, text: address, value: address },
    options: [{ selected: true, text: address, value: address }],
  };
}

/** What is drawn over every panel of time. */
interface Annotation {
  readonly name: string;
  readonly color: string;
  readonly expr: string;
  readonly title: string;
  readonly text: string;
  /** The value is the moment, in milliseconds. */
  readonly valueIsTime?: boolean;
}

const MEMBER_SCOPE = `{${SCOPE},adc=~"$adc"}`;
export const ANNOTATIONS: readonly Annotation[] = [
  {
    name: "Maintenance windows",
    color: "blue",
    expr: `max by (adc, server) (adc_witness_maintenance{${SCOPE},adc=~"$adc",source="declared"}) == 1`,
    title: "{{server}} in declared maintenance",
    text: "on {{adc}}",
  },
  {
    name: "Verdict changes",
    color: "orange",
    expr: `1000 * max by (adc, adc_service, server, port, verdict) (adc_witness_verdict_since_timestamp_seconds${MEMBER_SCOPE} * on (job, instance, adc, adc_service, server, port) group_right () (adc_witness_verdict${MEMBER_SCOPE} == 1))`,
    title: "{{server}}:{{port}} is {{verdict}}",
    text: "{{adc_service}} on {{adc}}",
    valueIsTime: true,
  },
  {
    name: "Alerts",
    color: "red",
    expr: 'max by (alertname, adc, server, vserver) (ALERTS{alertname=~"AdcWitness.+",alertstate="firing",severity=~"critical|warning"})',
    title: "{{alertname}}",
    text: "{{server}}{{vserver}} on {{adc}}",
  },
];

function renderAnnotation({ name, color, expr, title, text, valueIsTime }: Annotation) {
  return {
    name,
    datasource: DATASOURCE,
    enable: true,
    hide: false,
    iconColor: color,
    expr,
    titleFormat: title,
    textFormat: text,
    step: "60s",
    useValueForTime: valueIsTime === true,
  };
}

function datasourceVariable(): Record<string, unknown> {
  return {
    name: "datasource",
    label: "Data source",
    type: "datasource",
    query: "prometheus",
    regex: "",
    hide: 0,
    refresh: 1,
    multi: false,
    includeAll: false,
    // Filled in by an import; provisioned, it is none of the sources, and the first of them is taken.
    current: { selected: true, text: "${DS_PROMETHEUS}", value: "${DS_PROMETHEUS}" },
    options: [],
  };
}

function queryVariable(name: string, label: string, query: string): Record<string, unknown> {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: "StandardVariableQuery" },
    regex: "",
    hide: 0,
    // Asked again whenever the time range changes.
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".+",
    current: { selected: true, text: ["All"], value: ["$__all"] },
    options: [],
  };
}

const GRID_WIDTH = 24;

/** Panels from left to right, a new line when one does not fit any more; each row begins with its title. */
function layOut(rows: readonly Row[]): Record<string, unknown>[] {
  const placed: Record<string, unknown>[] = [];
  let id = 1;
  let y = 0;
  for (const row of rows) {
    placed.push({
      id: id++,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: GRID_WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const panel of row.panels) {
      if (x + panel.width > GRID_WIDTH) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      placed.push({
        id: id++,
        ...renderPanel(panel),
        gridPos: { x, y, w: panel.width, h: panel.height },
      });
      x += panel.width;
      lineHeight = Math.max(lineHeight, panel.height);
    }
    y += lineHeight;
  }
  return placed;
}

function renderPanel(panel: Panel): Record<string, unknown> {
  return {
    type: panel.kind,
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    targets: panel.queries.map((query, index) => ({
      refId: refId(index),
      datasource: DATASOURCE,
      expr: query.expr,
      legendFormat: query.legend,
      instant: query.instant === true,
      range: query.instant !== true,
      format: panel.kind === "table" ? "table" : "time_series",
      editorMode: "code",
    })),
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        noValue: panel.noValue ?? "no data",
        ...(panel.links === undefined ? {} : { links: panel.links }),
        ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
        thresholds: {
          mode: "absolute",
          steps: (panel.thresholds ?? [{ from: null, color: "green" }]).map(({ from, color }) => ({
            value: from,
            color,
          })),
        },
        color: { mode: panel.kind === "timeseries" ? "palette-classic" : "thresholds" },
        mappings: renderMappings(panel),
        ...(panel.kind === "timeseries" ? { custom: timeseriesLook(panel) } : {}),
        ...(panel.kind === "state-timeline" ? { custom: { fillOpacity: 80, lineWidth: 0 } } : {}),
        ...(panel.kind === "table" ? { custom: { cellOptions: { type: cellsOf(panel) } } } : {}),
      },
      overrides: renderOverrides(panel),
    },
    options: renderOptions(panel),
    ...(panel.repeat === undefined ? {} : { repeat: panel.repeat, repeatDirection: "v" }),
    ...renderTransformations(panel),
  };
}

function cellsOf({ coloured }: Panel): string {
  return coloured === undefined ? "color-background" : "auto";
}

function renderOverrides({ queries, coloured = [] }: Panel): unknown[] {
  const plain = { id: "color", value: { mode: "fixed", fixedColor: "text" } };
  return [
    ...queries.flatMap(({ denominator }, index) =>
      denominator === true
        ? [
            {
              matcher: { id: "byFrameRefID", options: refId(index) },
              properties: [plain, { id: "mappings", value: [] }],
            },
          ]
        : [],
    ),
    ...coloured.map((column) => ({
      matcher: { id: "byName", options: column },
      properties: [{ id: "custom.cellOptions", value: { type: "color-background" } }],
    })),
  ];
}

function refId(index: number): string {
  return String.fromCharCode(65 + index);
}

function renderMappings({ mappings = [] }: Panel): unknown[] {
  return mappings.length === 0
    ? []
    : [
        {
          type: "value",
          options: Object.fromEntries(
            mappings.map(({ value, text, color }, index) => [value, { text, color, index }]),
          ),
        },
      ];
}

function timeseriesLook(panel: Panel): Record<string, unknown> {
  const stacked = panel.stacked === true;
  return {
    drawStyle: "line",
    lineWidth: 1,
    fillOpacity: stacked ? 40 : 10,
    showPoints: "never",
    stacking: { mode: stacked ? "normal" : "none", group: "A" },
  };
}

function renderOptions({ kind }: Panel): Record<string, unknown> {
  switch (kind) {
    case "stat":
      return {
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
        colorMode: "background",
        graphMode: "none",
        textMode: "auto",
      };
    case "state-timeline":
      return {
        mergeValues: true,
        showValue: "auto",
        rowHeight: 0.85,
        legend: { showLegend: false },
      };
    case "timeseries":
      return {
        legend: { displayMode: "list", placement: "bottom", showLegend: true },
        tooltip: { mode: "multi", sort: "desc" },
      };
    case "table":
      return { showHeader: true, footer: { show: false } };
  }
}

function renderTransformations({ table, matrix }: Panel): Record<string, unknown> {
  const transformations = [
    ...(matrix === undefined
      ? []
      : [
          {
            id: "groupingToMatrix",
            options: { rowField: matrix.row, columnField: matrix.column, valueField: "Value" },
          },
        ]),
    ...(table === undefined
      ? []
      : [
          {
            id: "organize",
            options: {
              excludeByName: Object.fromEntries(table.hide.map((name) => [name, true])),
              renameByName: table.rename,
              indexByName: {},
            },
          },
        ]),
  ];
  return transformations.length === 0 ? {} : { transformations };
}
