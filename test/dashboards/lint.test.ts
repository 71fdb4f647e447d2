import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildDashboards, DASHBOARDS } from "../../dashboards/build.ts";
import { toneOf } from "../../dashboards/tones.ts";
import { DEFINITIONS } from "../../src/exporters/prometheus/definitions.ts";
import { MEMBER_VERDICTS, MISMATCH_VERDICTS, VSERVER_VERDICTS } from "../../src/model/verdicts.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The parts of Grafana's JSON that the rules look at. */
interface GrafanaDashboard {
  readonly __inputs: readonly unknown[];
  readonly __requires: readonly { readonly type: string; readonly id: string }[];
  readonly annotations: { readonly list: readonly { readonly name: string }[] };
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly tags: readonly string[];
  readonly links: readonly { type: string; tags: readonly string[]; includeVars: boolean }[];
  readonly templating: { readonly list: readonly GrafanaVariable[] };
  readonly panels: readonly GrafanaPanel[];
}
interface GrafanaVariable {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly query: unknown;
  readonly refresh: number;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly allValue?: string;
  readonly datasource?: { readonly uid: string };
}
interface GrafanaPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly {
    readonly expr: string;
    readonly datasource: { readonly uid: string };
  }[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit: string;
      readonly noValue?: string;
      readonly links?: readonly { readonly url: string }[];
    };
  };
}

const built = [...buildDashboards()].map(([path, text]): [string, GrafanaDashboard, string] => [
  path,
  JSON.parse(text) as GrafanaDashboard,
  text,
]);

describe("committed dashboards", () => {
  test.each(built)("%s › equals what the builders make", async (path, _dashboard, text) => {
    await expect(text).toMatchFileSnapshot(join(ROOT, path));
  });
  test("are complete and no others", async () => {
    const found = (await readdir(join(ROOT, "dashboards"))).filter((name) =>
      name.endsWith(".json"),
    );
    expect(found.sort()).toEqual([...DASHBOARDS.keys()].map((name) => `${name}.json`).sort());
  });
});

/** The rules of Grafana's dashboard-linter, so far as they are about classic dashboards on Prometheus. */
describe.each(built)("%s", (_path, dashboard) => {
  const variables = new Map(dashboard.templating.list.map((each) => [each.name, each]));
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  const targets = panels.flatMap(({ title, targets: each = [] }) =>
    each.map((target) => ({ ...target, title })),
  );

  test("has a variable for the data source", () => {
    expect(variables.get("datasource")).toMatchObject({
      type: "datasource",
      query: "prometheus",
      label: "Data source",
    });
  });
  test("has variables for job and instance, which are queried again when the time range changes", () => {
    for (const [name, label] of [
      ["job", "Job"],
      ["instance", "Instance"],
    ] as const) {
      expect(variables.get(name)).toMatchObject({
        label,
        type: "query",
        multi: true,
        includeAll: true,
        allValue: ".+",
        refresh: 2,
        datasource: { uid: "${datasource}" },
      });
    }
    for (const { type, refresh } of variables.values()) {
      expect(type === "query" ? refresh : 2).toBe(2);
    }
  });
  test("has exactly the variables it uses", () => {
    const used = new Set(
      [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)\}?/g)]
        .map(([, name = ""]) => name)
        .filter((name) => !/^(__|DS_)/.test(name)),
    );
    expect([...used].sort()).toEqual([...variables.keys()].sort());
  });
  test("declares its data source and panel types for grafana.com", () => {
    expect(dashboard.__inputs).toMatchObject([
      { name: "DS_PROMETHEUS", type: "datasource", pluginId: "prometheus" },
    ]);
    const kinds = new Set(panels.map(({ type }) => type));
    const required = dashboard.__requires.filter(({ type }) => type === "panel");
    expect(new Set(required.map(({ id }) => id))).toEqual(kinds);
  });
  test("draws maintenance windows, verdict changes and alerts over its panels", () => {
    expect(dashboard.annotations.list.map(({ name }) => name)).toEqual([
      "Maintenance windows",
      "Verdict changes",
      "Alerts",
    ]);
  });
  test("has a text for panels without data, and links from whatever is red of a member", () => {
    for (const { title, fieldConfig } of panels) {
      expect([title, fieldConfig?.defaults.noValue]).toEqual([title, expect.stringMatching(/./)]);
    }
    for (const { title, targets: each = [], fieldConfig } of panels) {
      const tones = each.some(({ expr }) => expr.includes("* 4)") || expr.includes("} * 4"));
      if (tones) {
        const urls = (fieldConfig?.defaults.links ?? []).map(({ url }) => url).join(" ");
        expect([title, urls]).toEqual([
          title,
          expect.stringMatching(/\$\{page\}\/(member|vserver)\?/) as string,
        ]);
        expect(urls).toContain("/d/adc-witness-vserver?");
      }
    }
  });
  test("counts nothing twice when two agents watch", () => {
    for (const { title, expr } of targets) {
      const summed =
        /\b(?:sum|count)(?: by \([^)]*\))? \(adc_witness_(?!build_info)\w+\{|\b(?:sum|count)\(adc_witness_/;
      expect(summed.test(expr) ? `${title}: ${expr}` : "").toBe("");
    }
  });
  test("is not editable and links to the other dashboards", () => {
    expect(dashboard.editable).toBe(false);
    expect(dashboard.uid).toMatch(/^adc-witness-/);
    expect(dashboard.tags).toContain("adc-witness");
    expect(dashboard.links).toMatchObject([
      { type: "dashboards", tags: ["adc-witness"], includeVars: true },
    ]);
  });
  test("gives every panel a title, a description, a unit, a query and the chosen data source", () => {
    for (const panel of panels) {
      expect(panel.title).not.toBe("");
      expect(panel.description).toMatch(/\.$/);
      expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/);
      expect(panel.targets).not.toEqual([]);
      expect(panel.datasource).toEqual({ type: "prometheus", uid: "${datasource}" });
      for (const target of panel.targets ?? []) {
        expect(target.datasource.uid).toBe("${datasource}");
      }
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });
  test("has no panels that overlap or exceed the width", () => {
    const cells = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${String(x)} ${String(y)}`)).toBe(false);
          cells.add(`${String(x)} ${String(y)}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
  test("selects only our metrics and labels, for the chosen job and instance", () => {
    const wrong: string[] = [];
    for (const { title, expr } of targets) {
      for (const [, metric = "", matchers = ""] of expr.matchAll(/\b(\w+)\{([^}]*)\}/g)) {
        const base = metric.replace(/_(bucket|sum|count)$/, "");
        const known = DEFINITIONS.get(metric) ?? DEFINITIONS.get(base);
        const labels = [...matchers.matchAll(/(\w+)[=!]~?"/g)].map(([, label = ""]) => label);
        const allowed = [...(known?.labels ?? []), "job", "instance"];
        const complete = labels.includes("job") && labels.includes("instance");
        if (known === undefined || !complete || labels.some((label) => !allowed.includes(label))) {
          wrong.push(`${title}: ${metric}{${matchers}}`);
        }
      }
      const bare = [...expr.matchAll(/\b(adc_witness_\w+|process_\w+)\b(?!\{)/g)];
      wrong.push(...bare.map(([name]) => `${title}: ${name} without matchers`));
    }
    expect(wrong).toEqual([]);
  });
  test("reads counters as rates over Grafana's interval", () => {
    for (const { title, expr } of targets) {
      for (const [metric] of expr.matchAll(/\b\w+(?=\{)/g)) {
        const counter =
          DEFINITIONS.get(metric)?.type === "counter" || /_(bucket|sum|count)$/.test(metric);
        const rated = expr.includes(`rate(${metric}{`);
        expect(`${title} ${metric} ${String(rated)}`).toBe(`${title} ${metric} ${String(counter)}`);
      }
      expect(expr.match(/\[(?!\$__rate_interval\])/)).toBeNull();
    }
  });
});

test("tone › is wrong for exactly the mismatches, and exists for every verdict", () => {
  const all = [...new Set([...MEMBER_VERDICTS, ...VSERVER_VERDICTS])];
  expect(new Set(all.filter((verdict) => toneOf(verdict) === "wrong"))).toEqual(MISMATCH_VERDICTS);
  expect(all.filter((verdict) => toneOf(verdict) === "agree").sort()).toEqual([
    "agree_down",
    "agree_up",
    "vip_agree_down",
    "vip_agree_up",
  ]);
});
