import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ALERT_GROUPS } from "../../alerts/build.ts";
import { program } from "../../src/cli/program.ts";
import { debianProgram } from "../support/debian-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);
const alerts = ALERT_GROUPS.flatMap((group) => group.alerts);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly expr: string;
      readonly annotations?: Readonly<Record<string, string>>;
    }[];
  }[];
}
type Told = ReadonlyMap<
  string,
  { readonly expr: string; readonly annotations: Readonly<Record<string, string>> }
>;

function told(files: readonly Rules[]): Told {
  return new Map(
    files
      .flatMap(({ groups }) => groups.flatMap(({ rules }) => rules))
      .flatMap(({ alert, expr, annotations = {} }) =>
        alert === undefined ? [] : [[alert, { expr, annotations }] as const],
      ),
  );
}

async function written(...options: readonly string[]): Promise<Told> {
  const out = join(await temporaryFolder(), "rules");
  let words = "";
  const say = (text: string): void => {
    words += text;
  };
  await program({ out: say, err: say }).parseAsync(["alerts", "--out", out, ...options], {
    from: "user",
  });
  expect(words).toBe(`4 files of rules in ${out}\n`);
  return told(
    await Promise.all(
      ["members", "vservers", "agent", "recording"].map(
        async (name) => parse(await readFile(join(out, `${name}.rules.yml`), "utf8")) as Rules,
      ),
    ),
  );
}

const GIVEN = ["--url", "https://witness.example.com/", "--grafana", "https://grafana.example.com"];

describe("alerts --out", () => {
  test("makes every link absolute and uses the site's job", async () => {
    const rules = await written(...GIVEN, "--job", "witness");
    expect([...rules.keys()].sort()).toEqual(alerts.map(({ name }) => name).sort());
    for (const [name, { annotations }] of rules) {
      expect(annotations["runbook_url"]).toBe(`https://witness.example.com/docs/alerts#${name}`);
      expect(annotations["page_url"]).toMatch(/^https:\/\/witness\.example\.com\//);
      expect(annotations["dashboard_url"]).toMatch(
        /^https:\/\/grafana\.example\.com\/d\/adc-witness-/,
      );
    }
    expect(rules.get("AdcWitnessAgentMissing")?.expr).toBe(
      'up{job="witness"} == 0 or absent(up{job="witness"})',
    );
  });

  test("writes no address when none is given", async () => {
    for (const { annotations } of (await written()).values()) {
      expect(Object.keys(annotations)).toEqual(["summary", "description"]);
    }
  });
});

const jsonnet = debianProgram("jsonnet", "jsonnet");

describe.skipIf(jsonnet === null)("mixin", () => {
  test("makes the same rules as the command and has every dashboard", async () => {
    const config = `{ _config+:: { job: "witness", url: "${GIVEN[1] ?? ""}", grafana: "${GIVEN[3] ?? ""}" } }`;
    const source = `local mixin = (import 'mixin/mixin.libsonnet') + ${config};
      { rules: [mixin.prometheusAlerts, mixin.prometheusRules],
        uids: [mixin.grafanaDashboards[name].uid for name in std.objectFields(mixin.grafanaDashboards)] }`;
    const { stdout } = await run(jsonnet ?? "", ["-e", source], {
      cwd: ROOT,
      maxBuffer: 16 * 1024 * 1024,
    });
    const made = JSON.parse(stdout) as { rules: readonly Rules[]; uids: readonly string[] };
    expect(told(made.rules)).toEqual(await written(...GIVEN, "--job", "witness"));
    expect(made.uids).toEqual(
      ["agent", "estate", "maintenance", "vserver"].map((name) => `adc-witness-${name}`),
    );
  });
});
