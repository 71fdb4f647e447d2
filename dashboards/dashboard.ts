import type { Panel, Row } from "./panel.ts";

/** One dashboard as code. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Variables beside datasource, job, instance and adc. */
  readonly variables: readonly ("vserver" | "server")[];
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
        ...dashboard.variables.map((name) =>
          name === "vserver"
            ? queryVariable(
                "vserver",
                "Vserver",
                `label_values(${INFO}{${SCOPE},adc=~"$adc"}, vserver)`,
              )
            : queryVariable(
                "server",
                "Server",
                `label_values(adc_witness_verdict{${SCOPE},adc=~"$adc"}, server)`,
              ),
        ),
      ],
    },
    annotations: { list: [] },
    panels: layOut(dashboard.rows),
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
    current: {},
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
      refId: String.fromCharCode(65 + index),
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
        ...(panel.kind === "table"
          ? { custom: { cellOptions: { type: "color-background" } } }
          : {}),
      },
      overrides: [],
    },
    options: renderOptions(panel),
    ...(panel.repeat === undefined ? {} : { repeat: panel.repeat, repeatDirection: "v" }),
    ...renderTransformations(panel),
  };
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
    case "bargauge":
      return {
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
        orientation: "horizontal",
        displayMode: "basic",
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
