import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse, stringify } from "yaml";
import { expect, test } from "vitest";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { packageRoot } from "../../src/cli/package-info.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { configOf, startInProcess, urlOf, verdictsAt } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");
const CONF = partOfDemo({ groups: ["sg_imaps"] });

type Written = Record<string, unknown> & { transactions: Record<string, unknown> };

/** The file as it is first, and with a login that it did not have. */
function filesOf(yaml: string): { readonly without: string; readonly with: string } {
  const written = parse(yaml) as Written;
  const { transactions } = written;
  // Nothing else in this small estate says that it is Exchange.
  const members = [{ match: "ex*", exchange: "2016" }];
  const run = { transaction: "imap_login", account: "probe-a", every: "10s" };
  return {
    without: stringify({ ...written, members, transactions: { ...transactions, run: [] } }),
    with: stringify({ ...written, members, transactions: { ...transactions, run: [run] } }),
  };
}

async function rows(url: string): Promise<CompareJson["rows"]> {
  return (await verdictsAt(url)).rows;
}

/** Verdict and since of ex02, in one word. */
async function ex02(url: string): Promise<string> {
  const row = (await rows(url)).find(({ server }) => server === "ex02");
  return row === undefined ? "not there" : `${row.verdict} since ${String(row.since)}`;
}

async function reloaded(url: string): Promise<string | undefined> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /adc_witness_config_last_reload_successful (\d)\n/.exec(metrics)?.[1];
}

async function transactionsOf(url: string): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/evidence?limit=1000`);
  const { probes } = (await response.json()) as { probes: { transaction: string | null }[] };
  return [...new Set(probes.flatMap(({ transaction }) => transaction ?? []))].sort();
}

test.concurrent(
  "reload › adds probes and keeps state on POST /-/reload, and changes nothing when the file is bad",
  { timeout: 120_000 },
  async () => {
    await withLab({ confText: CONF }, async ({ lab, directory, yaml, env }) => {
      const files = filesOf(yaml);
      const file = join(directory, "reload.yml");
      await writeFile(file, files.without);
      const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
      const reread = () => loadConfig(file, env);
      const service = await startInProcess(await configOf(reread()), { reread });
      const url = urlOf(service);
      const reload = async (): Promise<{ status: number; text: string }> => {
        const headers = { authorization: `Bearer ${token}` };
        const response = await fetch(`${url}/-/reload`, { method: "POST", headers });
        return { status: response.status, text: await response.text() };
      };
      try {
        await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
        const before = await until(
          "ex02 is in maintenance, and still routed to",
          () => ex02(url),
          (seen) => seen.startsWith("routes_to_maintenance"),
          60_000,
        );
        await until(
          "its brothers agree",
          () => rows(url),
          (seen) => seen.filter(({ verdict }) => verdict === "agree_up").length === 2,
          30_000,
        );
        const agreed = (await rows(url)).map(({ server, since }) => [server, since]);
        expect(await transactionsOf(url)).toEqual(["imap_greeting"]);

        await writeFile(file, files.with);
        const meanwhile = new Set<string>();
        let done = false;
        const watching = (async () => {
          while (!done) {
            meanwhile.add(await ex02(url));
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        })();
        expect(await reload()).toMatchObject({ status: 200 });
        expect(await transactionsOf(url)).toEqual(["imap_greeting", "imap_login"]);
        await until(
          "the new login has been tried",
          () =>
            service.agent.state.probes.filter(({ transaction }) => transaction === "imap_login"),
          (probes) => probes.some(({ last }) => last !== null),
          30_000,
        );
        done = true;
        await watching;
        expect([...meanwhile]).toEqual([before]);
        expect((await rows(url)).map(({ server, since }) => [server, since])).toEqual(agreed);
        expect(await reloaded(url)).toBe("1");

        await writeFile(file, `${files.without}\nadcs: nowhere\n  - broken`);
        const refused = await reload();
        expect(refused.status).toBe(500);
        expect(refused.text).toMatch(/reload\.yml:\d+/);
        expect(await reloaded(url)).toBe("0");
        expect(await transactionsOf(url)).toEqual(["imap_greeting", "imap_login"]);
        expect(await ex02(url)).toBe(before);
        const refusedAt = Date.now();
        await until(
          "probing goes on",
          () => service.agent.state.probes.map(({ last }) => last?.startedAt ?? 0),
          (starts) => starts.some((startedAt) => startedAt > refusedAt),
          15_000,
        );

        await writeFile(file, files.without);
        expect(await reload()).toMatchObject({ status: 200 });
        expect(await reloaded(url)).toBe("1");
        expect(await transactionsOf(url)).toEqual(["imap_greeting"]);
        expect(await ex02(url)).toBe(before);
      } finally {
        await service.stop();
      }
      // Every generation has logged out.
      expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
    });
  },
);

test.concurrent(
  "reload › works the same on SIGHUP, and SIGTERM ends the agent in order",
  { timeout: 120_000 },
  async () => {
    await withLab({ confText: CONF }, async ({ lab, directory, yaml, env }) => {
      const files = filesOf(yaml);
      const file = join(directory, "hangup.yml");
      await writeFile(file, files.without);
      const child = spawn(
        process.execPath,
        [MAIN, "run", "--config", file, "--listen", "127.0.0.1:0"],
        { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
      );
      const ended = new Promise<number | null>((resolve) => {
        child.on("exit", resolve);
      });
      const lines: string[] = [];
      for (const stream of [child.stdout, child.stderr]) {
        createInterface(stream).on("line", (line) => lines.push(line));
      }
      try {
        const serving = await until(
          "it serves",
          () => lines.find((line) => line.includes('"serving"')) ?? lines.join("\n"),
          (line) => line.includes('"serving"'),
          60_000,
        );
        const { addresses } = JSON.parse(serving) as { addresses: string[] };
        const [url = ""] = addresses;
        expect(await transactionsOf(url)).toEqual(["imap_greeting"]);

        await writeFile(file, files.with);
        child.kill("SIGHUP");
        await until(
          "the login is planned",
          () => transactionsOf(url),
          (seen) => seen.includes("imap_login"),
          30_000,
        );

        await writeFile(file, "agent: [");
        child.kill("SIGHUP");
        await until(
          "the bad file is refused",
          () => reloaded(url),
          (seen) => seen === "0",
          30_000,
        );
        const refusal = await until(
          "the log says so, too",
          () => lines.find((line) => line.includes("reload rejected")) ?? "",
          (line) => line !== "",
          30_000,
        );
        expect(refusal).toContain("hangup.yml:1");
        expect(await transactionsOf(url)).toContain("imap_login");
      } finally {
        child.kill("SIGTERM");
      }
      expect(await ended).toBe(0);
      expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
    });
  },
);
