import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labAuthority } from "../../lab/certificates/lab-certificate.ts";
import { buildDocs } from "../../docs/build.ts";
import { configKeys } from "../../docs/build-configuration.ts";
import { labelsOf } from "../../docs/build-metrics.ts";
import { OPTION_TABLE } from "../../src/config/rules-transactions.ts";
import { SECTIONS, TRANSACTION_OPTIONS, UNUSED_KEYS } from "../../docs/configuration-words.ts";
import { LABEL_WORDS, METRIC_GROUPS, QUERIES } from "../../docs/metric-words.ts";
import { runCheckConfig } from "../../src/cli/check-config.ts";
import { configJsonSchema } from "../../src/config/normalise.ts";
import { configKeysIn, secretVariables } from "./written-keys.ts";
import { DEFINITIONS, METRICS } from "../../src/exporters/prometheus/definitions.ts";
import { debianProgram } from "../support/debian-program.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const promtool = debianProgram("promtool", "prometheus");

describe("committed references", () => {
  test.each([...buildDocs(ROOT)])("%s › equals what the builders make", async (path, text) => {
    await expect(text).toMatchFileSnapshot(join(ROOT, path));
  });
});

describe("docs/configuration.md", () => {
  const schema = configJsonSchema();
  const keys = Object.entries(schema.properties ?? {}).flatMap(([name, section]) =>
    configKeys(name, section, false).map(({ path }) => path),
  );

  test("describes every section and no other", () => {
    expect(Object.keys(SECTIONS)).toEqual(Object.keys(schema.properties ?? {}));
  });

  test("names the options that the transactions read, and no others", async () => {
    const folder = join(ROOT, "src", "probes", "transactions");
    const read = new Set<string>();
    for (const name of (await readdir(folder)).filter((one) => one.endsWith(".ts"))) {
      const source = await readFile(join(folder, name), "utf8");
      for (const [, option = ""] of source.matchAll(/\boptions\["(\w+)"\]/g)) {
        read.add(option);
      }
    }
    expect(TRANSACTION_OPTIONS.map(({ option }) => option).sort()).toEqual([...read].sort());
  });

  test("assigns each option to the transactions that accept it in the configuration", () => {
    const taken = Object.entries(OPTION_TABLE).flatMap(([transaction, options]) =>
      Object.keys(options).map((option) => `${transaction} ${option}`),
    );
    const told = TRANSACTION_OPTIONS.flatMap(({ transactions, option }) =>
      transactions.map((transaction) => `${transaction} ${option}`),
    );
    expect(told.sort()).toEqual(taken.sort());
  });

  test("marks as unused the keys that no code reads, and no others", async () => {
    const sources = await sourcesOutsideConfig();
    const acted = [...UNUSED_KEYS].filter(([, use]) => sources.some((text) => use.test(text)));
    expect(acted.map(([key]) => key)).toEqual([]);
    expect([...UNUSED_KEYS.keys()].filter((key) => !keys.includes(key))).toEqual([]);
  });
});

/** What the example's runs, exclusions and looks select. */
const WHAT_IT_SELECTS = `add server ex01 192.0.2.11
add server lab1 192.0.2.12
add server dns01 192.0.2.13
add server legacy1 192.0.2.14
add service lab_smtp lab1 TCP 25
add service dns dns01 DNS 53
add service old legacy1 HTTP 80
add serviceGroup sg_imap TCP
add serviceGroup sg_owa SSL
add lb monitor m_old_ping PING
add lb vserver v_imaps SSL_TCP 192.0.2.1 993
add lb vserver v_owa SSL 192.0.2.1 443
add lb vserver v_parked TCP 192.0.2.1 25
bind serviceGroup sg_imap ex01 993
bind serviceGroup sg_owa ex01 443
bind lb vserver v_imaps sg_imap
bind lb vserver v_owa sg_owa
`;

describe("docs/examples/adc-witness.yml", () => {
  const said = { out: "", err: "" };
  const variables = ["RADIUS_PASSWORD", "PROBE_B_PASSWORD"];
  let directory = "";
  let text = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "adc-witness-docs-"));
    text = await readFile(join(ROOT, "docs", "examples", "adc-witness.yml"), "utf8");
    await writeFile(join(directory, "adc-witness.yml"), text);
    const ca = labAuthority().certificate;
    for (const [, name = ""] of text.matchAll(/_file: ([\w.-]+)/g)) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, name.endsWith(".pem") ? ca : "written for the test\n", { mode: 0o600 });
    }
    await writeFile(join(directory, "ns.conf"), WHAT_IT_SELECTS);
    for (const name of variables) {
      process.env[name] = "written for the test";
    }
  });
  afterAll(async () => {
    for (const name of variables) {
      Reflect.deleteProperty(process.env, name);
    }
    await rm(directory, { recursive: true, force: true });
  });

  test("is accepted by check-config without a warning", async () => {
    const code = await runCheckConfig(
      { file: join(directory, "adc-witness.yml"), json: false },
      {
        out: (line) => (said.out += line),
        err: (line) => (said.err += line),
      },
    );
    expect({ code, err: said.err }).toEqual({ code: 0, err: "" });
    expect(said.out).toContain("valid (prod)");
    expect(secretVariables(text).sort()).toEqual([...variables].sort());
  });

  test("holds every key, except alternatives of a secret and one without effect", () => {
    const schema = configJsonSchema();
    const known = Object.entries(schema.properties ?? {}).flatMap(([name, section]) =>
      configKeys(name, section, false).map(({ path }) => path),
    );
    const written = configKeysIn(text);
    expect(known.filter((path) => !written.has(path))).toEqual([
      "adcs[].nitro.password",
      "monitors.<name>.secret",
      "maintenance.token",
      "notify[].mail.password",
      "notify[].webhook.url_file",
      "workers",
    ]);
  });
});

describe("docs/metrics.md", () => {
  test("has every metric below exactly one heading", () => {
    const places = METRICS.map(({ name }) => [
      name,
      METRIC_GROUPS.filter(({ prefixes }) => prefixes.some((prefix) => name.startsWith(prefix)))
        .length,
    ]);
    expect(places.filter(([, count]) => count !== 1)).toEqual([]);
  });

  test("describes every label and no other", () => {
    expect(Object.keys(LABEL_WORDS).sort()).toEqual(labelsOf(METRICS));
  });

  test("names only existing metrics and labels in its queries", () => {
    for (const { promql } of QUERIES) {
      for (const [name] of promql.matchAll(/\badc_witness_\w+/g)) {
        const base = name.replace(/_bucket$/, "");
        expect([name, DEFINITIONS.has(name) || DEFINITIONS.has(base)]).toEqual([name, true]);
      }
    }
  });

  test.skipIf(promtool === null)("has queries that promtool accepts", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-promql-"));
    const rules = QUERIES.map(({ promql }, index) => ({
      record: `q:${String(index)}`,
      expr: promql,
    }));
    const file = join(directory, "queries.rules.yml");
    await writeFile(file, JSON.stringify({ groups: [{ name: "queries", rules }] }));
    try {
      const { stdout } = await promisify(execFile)(promtool ?? "", ["check", "rules", file]);
      expect(stdout).toContain(`SUCCESS: ${String(QUERIES.length)} rules found`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

async function sourcesOutsideConfig(): Promise<readonly string[]> {
  const names = await readdir(join(ROOT, "src"), { recursive: true });
  const wanted = names.filter((name) => name.endsWith(".ts") && !/^config[\\/]/.test(name));
  return Promise.all(wanted.map((name) => readFile(join(ROOT, "src", name), "utf8")));
}
