import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { errorMessage } from "../lib/log.ts";
import { alertFiles } from "./alert-files.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";

export interface AlertsOptions {
  /** Folder for the rule files; created if missing. */
  readonly out: string;
  /** The agent's URL; null: `web.external_url` of the configuration, else no links. */
  readonly url: string | null;
  /** Configuration file with the agent's URL; null: none. */
  readonly config: string | null;
  /** Grafana's address; null: no links to dashboards. */
  readonly grafana: string | null;
  /** The scrape job's name. */
  readonly job: string;
}

/** `alerts --out DIR`: the alerting rules with a site's own addresses and job. 0 written, 1 not. */
export async function runAlerts(options: AlertsOptions, output: Output): Promise<number> {
  const { out, config, grafana, job } = options;
  let url = options.url;
  if (url === null && config !== null) {
    const read = await readConfig(config, output);
    if (read === null) {
      return 1;
    }
    url = read.web.externalUrl;
  }
  const files = alertFiles();
  try {
    await mkdir(out, { recursive: true });
    for (const [name, text] of files) {
      await writeFile(join(out, name), withAddresses(text, { url, grafana, job }));
    }
  } catch (error) {
    output.err(`${errorMessage(error)}\n`);
    return 1;
  }
  output.out(`${String(files.size)} files of rules in ${out}\n`);
  return 0;
}

/** The job in the committed rules. */
const BUNDLED_JOB = "adc-witness";

interface Addresses {
  readonly url: string | null;
  readonly grafana: string | null;
  readonly job: string;
}

interface RulesFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

interface Rule {
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Paths become URLs if an address is given, else the link is left out. */
function withAddresses(text: string, { url, grafana, job }: Addresses): string {
  const bases = new Map([
    ["runbook_path", url],
    ["page_path", url],
    ["dashboard_path", grafana],
  ]);
  const annotation = ([name, value]: [string, string]): [string, string][] => {
    const base = bases.get(name);
    if (base === undefined) {
      return [[name, value]];
    }
    return base === null ? [] : [[name.replace("_path", "_url"), base.replace(/\/$/, "") + value]];
  };
  const rule = ({ expr, annotations, ...rest }: Rule): Rule => ({
    ...rest,
    expr: expr.replaceAll(`job="${BUNDLED_JOB}"`, () => `job=${JSON.stringify(job)}`),
    ...(annotations === undefined
      ? {}
      : { annotations: Object.fromEntries(Object.entries(annotations).flatMap(annotation)) }),
  });
  const { groups } = parse(text) as RulesFile;
  return stringify(
    { groups: groups.map((group) => ({ ...group, rules: group.rules.map(rule) })) },
    { lineWidth: 0 },
  );
}
