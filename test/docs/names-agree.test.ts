import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ALERT_GROUPS } from "../../alerts/build.ts";
import { RECORDINGS } from "../../alerts/recordings.ts";
import { BLIND_REASONS } from "../../src/model/adc-state.ts";
import { DEFINITIONS, METRICS } from "../../src/exporters/prometheus/definitions.ts";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import { REASONS, STEPS } from "../../src/model/reasons.ts";
import { ADC_OPINIONS, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../src/model/verdicts.ts";
import { createEventStreams } from "../../src/web/api/events.ts";
import { createHistory } from "../../src/web/history/history.ts";
import { routes } from "../../src/web/routes.ts";
import { maintenanceHour, NOON } from "../support/live-state.ts";
import { IDLE_ACTIONS } from "../web/support.ts";
import { pages, ROOT, type Page } from "./pages.ts";

/** Whatever speaks of the code's names: pages, rules, dashboards. */
const docs = await pages();
const rules = await files("alerts", /\.yml$/);
const dashboards = await files("dashboards", /\.json$/);
const everything = [...docs, ...rules, ...dashboards];

const VERDICTS: readonly string[] = [...new Set([...MEMBER_VERDICTS, ...VSERVER_VERDICTS])];
const ALERTS = ALERT_GROUPS.flatMap((group) => group.alerts.map(({ name }) => name));

async function files(folder: string, form: RegExp): Promise<readonly Page[]> {
  const names = (await readdir(join(ROOT, folder))).filter((name) => form.test(name));
  return Promise.all(
    names.map(async (name) => ({
      path: `${folder}/${name}`,
      text: await readFile(join(ROOT, folder, name), "utf8"),
    })),
  );
}

/** Every match of a pattern's first group, with the file it stands in, that is not known. */
function strangers(
  sources: readonly Page[],
  pattern: RegExp,
  known: (name: string) => boolean,
): readonly string[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)]
      .flatMap(([, found = ""]) => found.split("|"))
      .filter((name) => !known(name))
      .map((name) => `${path}: ${name}`),
  );
}

function page(path: string): string {
  const found = docs.find((one) => one.path === path);
  if (found === undefined) {
    throw new Error(`no ${path}`);
  }
  return found.text;
}

test("metric names › end with a label's name only where the contract says so", () => {
  const repeating = METRICS.flatMap(({ name, labels }) =>
    labels.flatMap((label) => (name.endsWith(`_${label}`) ? [`${name}{${label}}`] : [])),
  );
  expect(repeating).toEqual([
    "adc_witness_adc_vserver_state{state}",
    "adc_witness_adc_member_state{state}",
    "adc_witness_opinion{opinion}",
    "adc_witness_verdict{verdict}",
    "adc_witness_vserver_verdict{verdict}",
  ]);
});

function headings(path: string): readonly string[] {
  return [...page(path).matchAll(/^<a id="(\w+)"><\/a>$/gm)].map(([, id = ""]) => id);
}

describe("metrics", () => {
  test("exist when a page, rule or dashboard names them", () => {
    const isSeries = (name: string): boolean =>
      DEFINITIONS.has(name) ||
      // `adc_witness_probe_*` and the like.
      name.endsWith("_") ||
      DEFINITIONS.get(name.replace(/_(bucket|sum|count)$/, ""))?.type === "histogram" ||
      DEFINITIONS.get(name.replace(/_(sum|count)$/, ""))?.type === "summary";
    // `$adc_witness_url$` and `vars.adc_witness_url` are Icinga's.
    const named = /(?<![$.])\b(adc_witness_[a-z_]+)\b(?!\.)/g;
    expect(strangers(everything, named, isSeries)).toEqual([]);
  });

  test("are all in docs/metrics.md", () => {
    const named = headings("docs/metrics.md");
    expect([...named].sort()).toEqual(METRICS.map(({ name }) => name as string).sort());
  });

  test("recorded by rules exist when they are named, and are all in docs/alerts.md", () => {
    const recorded = new Set(RECORDINGS.map(({ record }) => record));
    const named = /\b(adc(?:_witness)?:[a-z_:0-9]+)/g;
    expect(strangers(everything, named, (name) => recorded.has(name))).toEqual([]);
    for (const record of recorded) {
      expect(page("docs/alerts.md")).toContain(`\`${record}\``);
    }
  });
});

describe("verdicts, reasons and steps", () => {
  const matcher = (label: string): RegExp =>
    new RegExp(`\\b${label}\\s*(?:=|=~|!=|!~)\\s*\\\\?["']([a-z_|]+)\\\\?["']`, "g");

  test("exist when queries and rules select them", () => {
    expect(strangers(everything, matcher("verdict"), (name) => VERDICTS.includes(name))).toEqual(
      [],
    );
    const reasons: readonly string[] = [...REASONS, ...BLIND_REASONS];
    expect(strangers(everything, matcher("reason"), (name) => reasons.includes(name))).toEqual([]);
    const steps: readonly string[] = STEPS;
    expect(strangers(everything, matcher("step"), (name) => steps.includes(name))).toEqual([]);
    const states: readonly string[] = ADC_OPINIONS;
    expect(strangers(everything, matcher("state"), (name) => states.includes(name))).toEqual([]);
  });

  test("are all in docs/verdicts.md, and nothing else is", () => {
    const named = headings("docs/verdicts.md");
    const wanted = [...VERDICTS, "steps", "reasons", ...REASONS];
    expect([...named].sort()).toEqual(wanted.sort());
    for (const step of STEPS) {
      expect(page("docs/verdicts.md")).toContain(`| \`${step}\` |`);
    }
  });

  test("exist when the text calls them so", () => {
    const reasons: readonly string[] = [...REASONS, ...BLIND_REASONS];
    const verdict = /\bverdicts? (?:is |turns to |reads )?`([a-z_]+)`/g;
    const reason = /\breasons? (?:is )?`([a-z_]+)`/g;
    expect(strangers(docs, verdict, (name) => VERDICTS.includes(name))).toEqual([]);
    expect(strangers(docs, reason, (name) => reasons.includes(name))).toEqual([]);
    const vip = /`(vip_[a-z_]+)`/g;
    const others = ["vip_served_by_total"];
    expect(
      strangers(docs, vip, (name) => VERDICTS.includes(name) || others.includes(name)),
    ).toEqual([]);
    for (const found of page("README.md").matchAll(/^\| ((?:`[a-z_]+` ?)+)\|/gm)) {
      for (const [, name = ""] of (found[1] ?? "").matchAll(/`([a-z_]+)`/g)) {
        expect(VERDICTS).toContain(name);
      }
    }
  });
});

describe("alerts", () => {
  test("are all in docs/alerts.md and in the rules", () => {
    const former = ALERTS.map((name) => name.replace("AdcWitness", ""));
    expect([...headings("docs/alerts.md")].sort()).toEqual([...ALERTS, ...former].sort());
    const written = rules
      .filter(({ path }) => path.endsWith(".rules.yml"))
      .flatMap(({ text }) => [...text.matchAll(/^\s*-? ?alert: (\w+)$/gm)].map(([, name]) => name));
    expect(written.sort()).toEqual([...ALERTS].sort());
  });

  test("exist when they are named", () => {
    const words = /`(AdcWitness[A-Z]\w+)`/g;
    expect(strangers(docs, words, (name) => ALERTS.includes(name))).toEqual([]);
    expect(strangers(docs, /alerts\.md#(\w+)/g, (name) => ALERTS.includes(name))).toEqual([]);
    const matched = /alertname\s*(?:=|=~)\s*"([\w|]+)"/g;
    expect(strangers(everything, matched, (name) => ALERTS.includes(name))).toEqual([]);
  });
});

describe("endpoints", () => {
  const history = createHistory({ maxBytes: 1_000, now: () => NOON });
  const metrics = createMetrics({ version: "0.1.0", revision: "abc123", phases: false });
  const table = routes(
    {
      live: maintenanceHour,
      estates: () => [],
      metrics,
      history,
      actions: IDLE_ACTIONS,
      lintIgnore: () => [],
      configMasked: () => "",
      token: () => null,
      version: "0.1.0",
      now: () => NOON,
    },
    createEventStreams(history, () => []),
  );
  metrics.close();
  const paths = new Set(table.map(({ path }) => path));

  test("exist when they are named", () => {
    const named = /[`"$L1-9]((?:\/api\/v1|\/sd|\/-)\/[\w./-]*\w)/g;
    expect(strangers(docs, named, (path) => paths.has(path))).toEqual([]);
  });

  test("are all in docs/api.md", () => {
    const text = page("docs/api.md");
    const assets = ["/page.css", "/page.js", "/icon.svg"];
    const missing = table
      .filter(({ path }) => !assets.includes(path) && !path.startsWith("/docs/"))
      .filter(
        ({ method, path }) =>
          !text.includes(`\`${method} ${path}\``) && !text.includes(`\`${path}\``),
      );
    expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  test("have the methods that docs/api.md gives", () => {
    const told = [...page("docs/api.md").matchAll(/^\| `(\w+) (\/[^\s?`]*)\S*`/gm)];
    expect(told.length).toBeGreaterThan(15);
    for (const [, method, path] of told) {
      expect([
        method,
        path,
        table.some((one) => one.method === method && one.path === path),
      ]).toEqual([method, path, true]);
    }
  });
});
