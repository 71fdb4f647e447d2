import { join } from "node:path";
import { stringify } from "yaml";
import { buildAlerts } from "../../../alerts/build.ts";
import { put, startServer, type RealServer } from "../real-servers.ts";

/** One agent to scrape, by its address, with labels of its own. */
export interface ScrapedAgent {
  readonly url: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A Prometheus that scrapes agents and evaluates our rules as they are, but for the minutes they wait. */
export function startPrometheus(options: {
  readonly agents: readonly ScrapedAgent[];
  /** How often it scrapes and evaluates: `1s`. */
  readonly every: string;
  /** Port of an Alertmanager on this machine. */
  readonly alertmanagerPort?: number;
}): Promise<RealServer> {
  const { agents, every, alertmanagerPort } = options;
  const rules = [...buildAlerts()].filter(([path]) => path.endsWith(".rules.yml"));
  return startServer({
    program: "prometheus",
    ports: ["http"],
    // The port is open before queries are answered.
    answers: async ({ http = 0 }) => {
      const ready = await fetch(`http://127.0.0.1:${String(http)}/-/ready`).catch(() => null);
      return ready?.ok === true;
    },
    prepare: ({ directory, ports }) => {
      for (const [path, text] of rules) {
        put(directory, path, text.replaceAll(/for: [12]m$/gm, "for: 2s"));
      }
      const alertmanager = `127.0.0.1:${String(alertmanagerPort)}`;
      const configuration = {
        global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
        rule_files: [join(directory, "alerts", "*.rules.yml")],
        ...(alertmanagerPort === undefined
          ? {}
          : { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
        scrape_configs: [
          {
            job_name: "adc-witness",
            static_configs: agents.map(({ url, labels = {} }) => ({
              targets: [new URL(url).host],
              labels,
            })),
          },
        ],
      };
      return [
        `--config.file=${put(directory, "prometheus.yml", stringify(configuration))}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
      ];
    },
  });
}
