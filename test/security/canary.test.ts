import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { pino } from "pino";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { labConfig, tokenFileOf } from "../../src/cli/lab-config.ts";
import { startLab } from "../../lab/lab.ts";
import { runCompare } from "../../src/cli/compare.ts";
import { runLint } from "../../src/cli/lint.ts";
import { runMaintenance } from "../../src/cli/maintenance.ts";
import { runPlan } from "../../src/cli/plan.ts";
import { runProbeCommand } from "../../src/cli/probe.ts";
import { runCheckConfig } from "../../src/cli/check-config.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { blackboxFile } from "../../src/exporters/blackbox.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ACCOUNT_TRANSACTIONS } from "../../src/model/transactions.ts";
import { estateJson } from "../../src/web/api/estate.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { configOf, startInProcess } from "../support/in-process-agent.ts";
import { inParallel } from "../support/in-parallel.ts";
import { until } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { findCanary, type Canary } from "./canary.ts";
import { commandAnswer } from "../support/command-answer.ts";

const NITRO_PASSWORD = 'Nitro+Robin/17&ä"x';
const WRONG_PASSWORD = 'Wrong+Finch/23&ö"y';
const WEB_PASSWORD = "Web+Heron/31&z";
const HEADER_SECRET = "Header-Plover-47";
const COOKIE_SECRET = "Cookie-Curlew-53";
const BEARER = "Bearer-Pratincole-59";
const CONF_PASSWORD = "Conf-Dunlin-61";
const CONF_ENCRYPTED = "ce2e035357d02d31f5cb";
const LDAP_PASSWORD = "Ldap-Godwit-67";
const BASIC = Buffer.from(`svc-monitor:${HEADER_SECRET}`).toString("base64");

/** What the guides' configuration does not hold, and real ones do. */
const CONF_SECRETS = [
  `add lb monitor mon_pop3_clear POP3 -scriptName nspop3.pl -dispatcherIP 127.0.0.1 -dispatcherPort 3013 -userName itest -password ${CONF_PASSWORD} -LRTM DISABLED -interval 5 -resptimeout 4 -downTime 5`,
  "bind serviceGroup sg_pop3 -monitorName mon_pop3_clear",
  `add lb monitor mon_raw TCP-ECV -send "GET /owa/healthcheck.htm HTTP/1.1\\r\\nHost: mail.example.com\\r\\nAuthorization: Bearer ${BEARER}\\r\\nConnection: close\\r\\n\\r\\n" -recv "200 OK" -secure YES -LRTM DISABLED -interval 5 -resptimeout 2 -downTime 5`,
  "bind serviceGroup sg_owa -monitorName mon_raw",
  `add authentication ldapAction ldap_ex -serverIP 198.51.100.5 -ldapBase "dc=lab" -ldapBindDn cn=x -ldapBindDnPassword ${LDAP_PASSWORD}`,
  `add system user backup ${LDAP_PASSWORD}`,
  `add snmp community ${LDAP_PASSWORD} ALL`,
];

test("canary secrets › appear in no log, page, command output or file", async () => {
  const directory = await temporaryFolder();
  const stateDir = join(directory, "state");
  const confText = partOfDemo({
    groups: ["sg_owa", "sg_imaps", "sg_pop3", "sg_submission"],
    added: CONF_SECRETS,
  }).replaceAll(
    "Host: mail.example.com\\r\\n",
    `Host: mail.example.com\\r\\nAuthorization: Basic ${BASIC}\\r\\nCookie: session=${COOKIE_SECRET}\\r\\n`,
  );
  const lab = await startLab({ confText, nitro: { password: NITRO_PASSWORD } });
  try {
    const { yaml, env: labEnv } = await labConfig(lab, directory);
    const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
    const env = {
      ...labEnv,
      LAB_NITRO_PASSWORD: NITRO_PASSWORD,
      // The login that always fails leaves the most evidence.
      LAB_PROBE_A_PASSWORD: WRONG_PASSWORD,
    };
    const canaries: Canary[] = [
      { what: "the NITRO password", value: NITRO_PASSWORD },
      { what: "a wrong account password", value: WRONG_PASSWORD },
      { what: "the web password", value: WEB_PASSWORD },
      { what: "the maintenance token", value: token },
      { what: "a header's secret", value: HEADER_SECRET },
      { what: "a raw request's secret", value: BEARER },
      { what: "a cookie's secret", value: COOKIE_SECRET },
      { what: "a password in ns.conf", value: CONF_PASSWORD },
      { what: "an encrypted password in ns.conf", value: CONF_ENCRYPTED },
      { what: "an LDAP password in ns.conf", value: LDAP_PASSWORD },
      ...lab.accounts
        .filter(({ username }) => username !== "probe-a")
        .map(({ username, password }) => ({
          what: `the password of ${username}`,
          value: password,
        })),
    ];
    expect(findCanary(canaries, `x${Buffer.from(`ab${WEB_PASSWORD}`).toString("base64")}`)).toMatch(
      /^the web password as base64/,
    );

    const nsConf = join(directory, "ns.conf");
    await writeFile(nsConf, confText);
    await writeFile(
      join(directory, "web.yml"),
      stringify({ basic_auth_users: { prometheus: hashSync(WEB_PASSWORD, 4) } }),
    );
    const written = parse(yaml) as Record<string, unknown> & { adcs: Record<string, unknown>[] };
    const configFile = join(directory, "adc-witness.yml");
    const config = {
      ...written,
      state_dir: stateDir,
      transactions: {
        ...(written["transactions"] as object),
        run: ACCOUNT_TRANSACTIONS.flatMap((transaction) =>
          ["probe-a", "probe-b"].map((account) => ({
            transaction,
            account,
            every: transaction === "mail_round_trip" ? "5m" : "10s",
            vantages: ["backend", "vip"],
          })),
        ).filter(({ transaction }) => transaction !== "rpc_echo" && transaction !== "ldap_bind"),
      },
      web: { config_file: join(directory, "web.yml") },
      log: { level: "debug" },
    };
    await writeFile(configFile, stringify(config));
    const broken = join(directory, "broken.yml");
    await writeFile(
      broken,
      stringify({
        ...config,
        monitors: { mon_pop3_login: { username: "itest", password: CONF_PASSWORD } },
        adcs: written.adcs.map((adc) => ({ ...adc, nitro: { password: NITRO_PASSWORD } })),
      }),
    );
    Object.assign(process.env, env);

    let logged = "";
    let reread = configFile;
    const service = await startInProcess(await configOf(loadConfig(configFile, env)), {
      log: pino({ level: "debug" }, { write: (line: string) => (logged += line) }),
      reread: () => loadConfig(reread, env),
    });
    const leaks: string[] = [];
    const look = (where: string, text: string): void => {
      const found = findCanary(canaries, text);
      if (found !== null) {
        leaks.push(`${where}: ${found}`);
      }
    };
    try {
      const { state } = service.agent;
      const [url = ""] = service.addresses;
      const authorization = `Basic ${Buffer.from(`prometheus:${WEB_PASSWORD}`).toString("base64")}`;
      const ask = async (path: string, init: RequestInit = {}): Promise<number> => {
        const headers = { authorization, ...init.headers };
        const response = await fetch(`${url}${path}`, { ...init, headers });
        look(path, `${JSON.stringify([...response.headers])}\n${await response.text()}`);
        return response.status;
      };
      await lab.servers.get("ex02")?.set("all", { kind: "dead_backend" });
      await until(
        "every probe that may run has run, and an account is suspended",
        () =>
          state.probes.filter(
            ({ planned, last }) => planned.action.kind === "monitor" && planned.action.run && !last,
          ).length + (state.suspendedAccounts.length > 0 ? 0 : 1),
        (waiting) => waiting === 0,
        60_000,
      );

      const paths = [
        "/",
        "/maintenance",
        "/metrics",
        "/config",
        "/-/healthy",
        "/-/ready",
        "/page.js",
        "/page.css",
        "/sd/targets",
        "/sd/targets?for=blackbox",
        "/api/v1/schema.json",
        "/api/v1/estate",
        "/api/v1/verdicts",
        "/api/v1/evidence?limit=1000",
        "/api/v1/maintenance",
        "/api/v1/maintenance/preflight?server=ex02",
        "/api/v1/maintenance/verify?server=ex02&want=drained",
        ...state.members.map(
          ({ adcService, server, port }) =>
            `/member?${new URLSearchParams({ adc_service: adcService, server, port: String(port) }).toString()}`,
        ),
        ...state.vservers.map(({ vserver }) => `/vserver?vserver=${vserver}`),
        ...state.members
          .filter(({ server }) => server === "ex02")
          .flatMap(({ adcService, server, port, probes }) =>
            probes.map(({ id }) => {
              const target = `${adcService}/${server}:${String(port)}`;
              return `/probe?${new URLSearchParams({ target, monitor: id, debug: "true" }).toString()}`;
            }),
          ),
      ];
      const answers = await inParallel(
        paths,
        4,
        async (path) => `${String(await ask(path))} ${path}`,
      );
      // A login that its account's gate holds back is no answer.
      const good = /^(200 |503 \/-\/ready|503 \/probe\?)/;
      expect(answers.filter((answer) => !good.test(answer))).toEqual([]);
      await ask("/metrics", {
        headers: { accept: "application/openmetrics-text; version=1.0.0" },
      });
      expect(await ask("/metrics", { headers: { authorization: "Basic Zm9vOmJhcg==" } })).toBe(401);
      // A write with the right token, and with one that is not.
      for (const given of [token, `${token}x`]) {
        await ask("/api/v1/maintenance", {
          method: "POST",
          headers: { "x-adc-witness-token": given, "content-type": "application/json" },
          body: JSON.stringify({ name: "cu", servers: ["ex03"], for: "1h", reason: "CU15" }),
        });
      }
      await readEvents(`${url}/api/v1/events`, authorization, look);
      reread = broken;
      const authorized = { method: "POST", headers: { "x-adc-witness-token": token } };
      expect(await ask("/-/reload", authorized)).toBe(500);
      reread = configFile;
      expect(await ask("/-/reload", authorized)).toBe(200);
      await ask("/api/v1/evidence?limit=1000");
    } finally {
      await service.stop();
    }
    expect(logged).toContain("reload rejected");
    look("the log", logged);

    const told = async (
      what: string,
      command: (output: {
        out: (text: string) => void;
        err: (text: string) => void;
      }) => Promise<number>,
    ): Promise<void> => {
      let text = "";
      let out = "";
      const put = (more: string): void => {
        text += more;
      };
      await command({
        out: (more) => {
          out += more;
          put(more);
        },
        err: put,
      });
      expect(text, what).not.toBe("");
      look(what, text);
      if (what.endsWith("--json")) {
        commandAnswer(
          what.startsWith("maintenance") ? "maintenance list" : what.replace(/ .*/, ""),
          out,
        );
      }
    };
    // Both at once: most of it waits for logins and looks.
    const inShape = async (json: boolean): Promise<void> => {
      const shape = json ? " --json" : "";
      await told(`plan${shape}`, (output) =>
        runPlan({ nsConf: null, config: configFile, json }, output),
      );
      await told(`plan --ns-conf${shape}`, (output) =>
        runPlan({ nsConf, config: null, json }, output),
      );
      await told(`compare${shape}`, (output) =>
        runCompare(
          { config: configFile, server: null, waitMs: 0, timeoutMs: 20_000, strict: false, json },
          output,
        ),
      );
      for (const [target, monitor] of [
        ["sg_owa/ex02:443", "mon_owa"],
        ["sg_owa/ex02:443", "mon_raw"],
        ["sg_pop3/ex01:110", "mon_pop3_login"],
        ["sg_pop3/ex01:110", "mon_pop3_clear"],
        ["sg_imaps/ex01:993", "imap_login"],
        ["sg_submission/ex01:587", "smtp_submission"],
      ] as const) {
        await told(`probe ${target} ${monitor}${shape}`, (output) =>
          runProbeCommand({ config: configFile, target, monitor, json }, output),
        );
      }
      await told(`lint${shape}`, (output) =>
        runLint(
          nsConf,
          {
            ...{ format: json ? "json" : "text", matrix: false, severity: "info", rules: [] },
            ...{ config: null, object: null, strict: false, writeFixes: null },
          },
          output,
        ),
      );
      await told(`maintenance list${shape}`, (output) =>
        runMaintenance(
          { config: configFile, url: null, tokenFile: null, json, command: { kind: "list" } },
          output,
        ),
      );
    };
    await Promise.all([inShape(false), inShape(true)]);
    for (const json of [false, true]) {
      const [file, bad] = [
        { file: configFile, json },
        { file: broken, json },
      ];
      await told("check-config", (output) => runCheckConfig(file, output));
      await told("check-config of a broken file", (output) => runCheckConfig(bad, output));
    }
    for (const file of await readdir(stateDir, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) {
        look(file.name, await readFile(join(file.parentPath, file.name), "latin1"));
      }
    }
    expect(leaks).toEqual([]);
  } finally {
    await lab.close();
  }
}, 240_000);

test("canary secrets › appear in no header of /sd/blackbox.yml", () => {
  const confText = partOfDemo({ groups: ["sg_owa"] }).replaceAll(
    "Host: mail.example.com\\r\\n",
    `Host: mail.example.com\\r\\nAuthorization: Basic ${BASIC}\\r\\n`,
  );
  const file = blackboxFile([parseNsConf(confText, { adc: "lab" })]);
  expect(findCanary([{ what: "a header's secret", value: HEADER_SECRET }], file)).toBeNull();
});

test("canary secrets › appear in no header of /api/v1/estate", () => {
  const estate = parseNsConf(partOfDemo({ groups: ["sg_owa"], added: CONF_SECRETS }), {
    adc: "lab",
  });
  const text = [...estateJson(estate).pieces()].join("");
  expect(findCanary([{ what: "a raw request's secret", value: BEARER }], text)).toBeNull();
});

/** The first events of the stream. */
async function readEvents(
  url: string,
  authorization: string,
  look: (where: string, text: string) => void,
): Promise<void> {
  const ending = new AbortController();
  const response = await fetch(url, { headers: { authorization }, signal: ending.signal });
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  let text = "";
  const deadline = setTimeout(() => {
    ending.abort();
  }, 5_000);
  try {
    while (text.length < 1_000) {
      const part = await reader?.read();
      if (part?.value === undefined) {
        break;
      }
      text += Buffer.from(part.value as Uint8Array).toString();
    }
  } catch {
    // Cut off by the deadline: what came until then is looked at.
  } finally {
    clearTimeout(deadline);
    ending.abort();
  }
  expect(text).not.toBe("");
  look("/api/v1/events", text);
}
