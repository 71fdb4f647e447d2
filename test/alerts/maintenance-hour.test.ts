import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { loadConfig } from "../../src/config/load.ts";
import type { MessageData } from "../../src/notify/message.ts";
import { configOf, startInProcess, urlOf, verdictsAt } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";
import { postfixNeeds, startPostfixAs } from "../support/servers/postfix.ts";
import { startPrometheus } from "../support/servers/prometheus.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TOKEN = "a-token-of-this-test";
const TEAM = "mail-team@mail.example.com";
const absent =
  missing("prometheus", "prometheus") ??
  missing("prometheus-alertmanager", "prometheus-alertmanager") ??
  missing("postconf", "postfix") ??
  postfixNeeds();

/** A notification that was delivered. */
interface Told {
  readonly by: "alertmanager" | "agent";
  readonly how: "mail" | "webhook";
  /** The server that it is about; empty: none. */
  readonly about: string;
  /** What is wrong, in alerts' names, verdicts or a sentence; empty when it is over. */
  readonly what: string;
}

const WAYS = [
  ["alertmanager", "webhook"],
  ["alertmanager", "mail"],
  ["agent", "webhook"],
  ["agent", "mail"],
] as const;

const LEAK = /RoutesToMaintenance|routes_to_maintenance|is in maintenance/;
/** What a probe had met just before the server was taken out. */
const STILL_ANSWERS =
  /VipServedByDrainedServer|vip_served_by_drained_server|out of service or in maintenance/;
const OVERRUN = /MaintenanceOverrun|maintenance_overrun|should be back from maintenance/;

describe.skipIf(absent !== null)(
  "notifications of Prometheus, Alertmanager and mail server",
  () => {
    test("are sent once for each cause in a maintenance undeclared, declared and forgotten", async () => {
      const hooks = await startWebhooks();
      const post = await startPost();
      const all = (): readonly Told[] => [...hooks.told, ...post.told()];
      const by = (way: (typeof WAYS)[number]): readonly Told[] =>
        all().filter((one) => one.by === way[0] && one.how === way[1] && one.about === "ex02");
      const alertmanager = await startAlertmanager(hooks.url, post.port);
      onTestFinished(() => alertmanager.stop());
      /** When the last thing that each of them has heard of ex02 is this. */
      const everybody = (what: string, says: (last: string) => boolean): Promise<unknown> =>
        until(
          what,
          () => WAYS.map((way) => by(way).at(-1)?.what ?? "nothing yet"),
          (last) => last.every(says),
          120_000,
        );
      await withLab({ scenario: "healthy" }, async ({ lab, directory, configFile }) => {
        const service = await startWitness(configFile, directory, hooks.url, post.port);
        const prometheus = await startPrometheus({
          agents: [service],
          every: "1s",
          alertmanagerPort: alertmanager.ports["http"] ?? 0,
        });
        const window = async (method: "POST" | "DELETE", body: object): Promise<void> => {
          const query = method === "DELETE" ? "?name=change" : "";
          const answer = await fetch(`${service.url}/api/v1/maintenance${query}`, {
            method,
            headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
            ...(method === "DELETE" ? {} : { body: JSON.stringify(body) }),
          });
          expect([answer.status, answer.ok ? "" : await answer.text()]).toEqual([
            answer.status,
            "",
          ]);
        };
        try {
          await until(
            "all agree",
            () => verdictsAt(service.url),
            ({ rows }) => rows.length > 0 && rows.every(({ verdict }) => verdict === "agree_up"),
            90_000,
          );
          expect(all()).toEqual([]);

          // Undeclared: clients are still sent to a server in maintenance.
          await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
          await everybody("the leak is told", (last) => LEAK.test(last));

          // Declared: a leak is no less one. Then the server is taken out, and nothing is left to tell.
          await window("POST", { name: "change", servers: ["ex02"], for: "1h", reason: "CU15" });
          await until(
            "Prometheus knows the window, and the leak goes on",
            () => firingAlerts(prometheus),
            (firing) =>
              firing.has("AdcWitnessMaintenanceDeclared ex02") &&
              firing.has("AdcWitnessAdcRoutesToMaintenance ex02"),
            60_000,
          );
          lab.adc.disableServer("ex02");
          await everybody("it is over", (last) => last === "");

          // Forgotten: the window is over, the server still away.
          await window("DELETE", {});
          await everybody("it is overdue", (last) => OVERRUN.test(last));
        } finally {
          await prometheus.stop();
          await service.stop();
        }
      });
      const others = all().filter(({ about }) => about !== "ex02");
      expect(others.filter(({ what }) => !/^(LastReallyGoodMember ?)?$/.test(what))).toEqual([]);
      for (const way of WAYS) {
        const heard = by(way).map(({ what }) => what);
        const twice = heard.filter((what, index) => what === heard[index - 1]);
        expect([...way, twice]).toEqual([...way, []]);
        const strange = heard.filter(
          (what) => ![LEAK, STILL_ANSWERS, OVERRUN, /^$/].some((known) => known.test(what)),
        );
        expect([...way, strange]).toEqual([...way, []]);
      }
    }, 500_000);
  },
);

async function startWitness(
  configFile: string,
  directory: string,
  hook: string,
  smtp: number,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const written = parse(await readFile(configFile, "utf8")) as Record<string, unknown>;
  const patience = { group_wait: "5s", when: { severity: "warning" } };
  written["maintenance"] = { stability: "10s", token_file: "token" };
  written["notify"] = [
    { name: "hook", ...patience, webhook: { url: `${hook}agent` } },
    {
      name: "mail",
      ...patience,
      mail: {
        server: `127.0.0.1:${String(smtp)}`,
        security: "none",
        from: "witness@mail.example.com",
        to: [TEAM],
      },
    },
  ];
  await writeFile(join(directory, "token"), `${TOKEN}\n`);
  await writeFile(configFile, stringify(written));
  const service = await startInProcess(await configOf(loadConfig(configFile, process.env)));
  return { url: urlOf(service), stop: service.stop };
}

/** Alertmanager's webhook, and the agent's at `/agent`. */
async function startWebhooks(): Promise<{ readonly url: string; readonly told: readonly Told[] }> {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const message: unknown = JSON.parse(body);
      told.push(
        ...(request.url === "/agent"
          ? byAgent(message as MessageData)
          : [byAlertmanager(message as GroupMessage)]),
      );
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`, told };
}

interface GroupMessage {
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly { readonly status: string; readonly labels: Record<string, string> }[];
}

function byAlertmanager({ groupLabels, alerts }: GroupMessage): Told {
  const firing = alerts.filter(({ status }) => status === "firing");
  const what = firing.map(({ labels }) => `${labels["alertname"] ?? ""} ${labels["port"] ?? ""}`);
  return {
    by: "alertmanager",
    how: "webhook",
    about: groupLabels["server"] ?? "",
    what: [...new Set(what)].sort().join(" ").replaceAll("AdcWitness", "").trim(),
  };
}

function byAgent({ causes }: MessageData): readonly Told[] {
  return causes.map(({ state, servers, verdicts, details }) => ({
    by: "agent",
    how: "webhook",
    about: servers.join(),
    what: state === "resolved" ? "" : [...verdicts, ...details].join(" "),
  }));
}

/** A mail server that keeps what it is given in one file. */
async function startPost(): Promise<{
  readonly port: number;
  readonly told: () => readonly Told[];
}> {
  const inbox = join(await temporaryFolder(), "inbox");
  mkdirSync(inbox);
  for (const folder of [join(inbox, ".."), inbox]) {
    chmodSync(folder, 0o777);
  }
  const file = join(inbox, "mail");
  const server = await startPostfixAs({
    ports: ["smtp"],
    main: `mydestination = mail.example.com
mynetworks = 127.0.0.0/8
local_transport = capture:
smtpd_reject_unlisted_recipient = no
`,
    master: (ports) => `127.0.0.1:${String(ports["smtp"] ?? 0)} inet n - n - - smtpd
capture unix - n n - 1 pipe
  flags=F user=nobody argv=/usr/bin/dd of=${file} oflag=append conv=notrunc status=none
`,
  });
  onTestFinished(() => server.stop());
  return {
    port: server.ports["smtp"] ?? 0,
    told: () => (existsSync(file) ? mailsIn(readFileSync(file, "utf8")) : []),
  };
}

/** Alertmanager's subjects are `over|firing: SERVER: ALERTS`, as the test has asked for. */
function mailsIn(text: string): readonly Told[] {
  const subjects = [...text.matchAll(/^Subject: (.*(?:\n[ \t].*)*)/gm)].map(([, subject = ""]) =>
    subject.replaceAll(/\n[ \t]+/g, " "),
  );
  return subjects.map((subject): Told => {
    const [, server, what] = /^group=(\S*) (.*)$/.exec(`${subject} `) ?? [];
    return server === undefined || what === undefined
      ? {
          by: "agent",
          how: "mail",
          about: /\bex0\d\b/.exec(subject)?.[0] ?? "",
          what: subject.includes("RESOLVED") ? "" : subject,
        }
      : { by: "alertmanager", how: "mail", about: server, what: what.trim() };
  });
}

async function startAlertmanager(hook: string, smtp: number): Promise<RealServer> {
  const example = await readFile(join(ROOT, "alerts", "alertmanager.example.yml"), "utf8");
  const config = parse(
    example
      .replace("http://127.0.0.1:9099/alerts", hook)
      .replace("group_wait: 15s", "group_wait: 8s")
      .replace("group_interval: 1m", "group_interval: 8s"),
  ) as { receivers: { name: string; email_configs?: unknown[] }[] };
  const firing = "{{ range .Alerts.Firing }}{{ .Labels.alertname }} {{ .Labels.port }} {{ end }}";
  const mail = {
    to: TEAM,
    from: "alertmanager@mail.example.com",
    smarthost: `127.0.0.1:${String(smtp)}`,
    hello: "alertmanager.example.com",
    require_tls: false,
    send_resolved: true,
    headers: { Subject: `group={{ .GroupLabels.server }} ${firing}` },
  };
  const text = stringify({
    ...config,
    receivers: config.receivers.map((one) =>
      one.name === "team" ? { ...one, email_configs: [mail] } : one,
    ),
  });
  return startServer({
    program: "prometheus-alertmanager",
    ports: ["http"],
    prepare: ({ directory, ports }) => [
      `--config.file=${put(directory, "alertmanager.yml", text)}`,
      `--storage.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
      "--cluster.listen-address=",
    ],
  });
}

async function firingAlerts(prometheus: RealServer): Promise<ReadonlySet<string>> {
  const url = `http://127.0.0.1:${String(prometheus.ports["http"])}/api/v1/alerts`;
  const { data } = (await (await fetch(url)).json()) as {
    data: { alerts: { state: string; labels: Record<string, string> }[] };
  };
  return new Set(
    data.alerts
      .filter(({ state }) => state === "firing")
      .map(({ labels }) => `${labels["alertname"] ?? ""} ${labels["server"] ?? ""}`),
  );
}
