import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { buildAlerts } from "../../alerts/build.ts";
import { packageRoot } from "../../src/cli/package-info.ts";
import { until } from "../support/lab-agent.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");
const WRITTEN = join(packageRoot(), "deploy", "prometheus", "prometheus.yml");

interface PrometheusFile {
  global: object;
  scrape_configs: { static_configs: { targets: string[] }[] }[];
}

/** The repository's own configuration and rules, with their own times; only the target is another one. */
async function startAsDeployed(target: string): Promise<RealServer> {
  const written = parse(await readFile(WRITTEN, "utf8")) as PrometheusFile;
  const rules = [...buildAlerts()].filter(([path]) => path.endsWith(".rules.yml"));
  return startServer({
    program: "prometheus",
    ports: ["http"],
    prepare: ({ directory, ports }) => {
      for (const [path, text] of rules) {
        put(directory, path, text);
      }
      const { scrape_configs: jobs, global } = written;
      const configuration = {
        global,
        rule_files: [join(directory, "alerts", "*.rules.yml")],
        scrape_configs: jobs.map((job) => ({
          ...job,
          static_configs: [{ targets: [target] }],
        })),
      };
      return [
        `--config.file=${put(directory, "prometheus.yml", stringify(configuration))}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
      ];
    },
  });
}

describe.skipIf(missing("prometheus", "prometheus") !== null)("demo watched by Prometheus", () => {
  test(
    "keeps its maintenance open until the committed alert fires",
    { timeout: 400_000 },
    async () => {
      const demo = spawn(process.execPath, [MAIN, "demo", "--port", "0"]);
      let out = "";
      demo.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      const ended = once(demo, "close");
      let prometheus: RealServer | null = null;
      try {
        const address = await until(
          "the page",
          () => /^Page {5}http:\/\/(\S+)\/$/m.exec(out)?.[1] ?? "",
          (found) => found !== "",
          40_000,
        );
        const started = await startAsDeployed(address);
        prometheus = started;
        const url = `http://127.0.0.1:${String(started.ports["http"])}/api/v1/alerts`;
        const fired = await until(
          "clients sent into maintenance are an alert before ex02 is back",
          async () => {
            const isBack = out.includes("ex02 comes back");
            const answer = await fetch(url);
            if (!answer.ok) {
              // It listens before it is ready.
              return { isBack, firing: [] };
            }
            const { data } = (await answer.json()) as {
              data: { alerts: { state: string; labels: Record<string, string> }[] };
            };
            return {
              isBack,
              firing: data.alerts
                .filter(({ state, labels }) => state === "firing" && labels["server"] === "ex02")
                .map(({ labels }) => labels["alertname"] ?? ""),
            };
          },
          ({ isBack, firing }) =>
            isBack || firing.some((name) => name.includes("RoutesToMaintenance")),
          320_000,
        );
        expect(fired.isBack).toBe(false);
      } finally {
        await prometheus?.stop();
        demo.kill("SIGTERM");
        await ended;
      }
    },
  );
});
