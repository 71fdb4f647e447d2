import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { TransactionName } from "../../src/model/transactions.ts";
import type { Vantage } from "../../src/model/observation.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { Secret } from "../../src/lib/secret.ts";

/**
 * Four members per Exchange server: IMAP with a monitor that only checks a port, and three with deeper monitors. In
 * addition, servers with neutral names: IMAP on a bare port where the agent has an account, and POP3 with a monitor
 * that logs in, once alone and once together with an agent's account that always works; and web servers behind the
 * ADC's own login.
 */
export const SERVICES = {
  imap: { host: "ex", group: "sg_imap", type: "TCP", port: 993, monitor: "mon_port" },
  pop3: { host: "ex", group: "sg_pop3", type: "TCP", port: 110, monitor: "mon_pop3" },
  smtp: { host: "ex", group: "sg_smtp", type: "TCP", port: 25, monitor: "mon_smtp" },
  https: { host: "ex", group: "sg_owa", type: "SSL", port: 443, monitor: "mon_health" },
  plain: { host: "srv", group: "sg_17", type: "TCP", port: 993, monitor: "mon_port" },
  login: { host: "srv", group: "sg_18", type: "TCP", port: 110, monitor: "mon_login" },
  proven: { host: "srv", group: "sg_19", type: "TCP", port: 995, monitor: "mon_login" },
  guarded: { host: "web", group: "sg_guarded", type: "SSL", port: 443, monitor: "mon_health" },
} as const;
export type ServiceKind = keyof typeof SERVICES;
export const SERVICE_KINDS = Object.keys(SERVICES) as readonly ServiceKind[];

/** What every monitor of the simulated estate is timed by. */
export const TIMING = { intervalMs: 15_000, downTimeMs: 30_000, retries: 3, timeoutMs: 5_000 };
export const POLL_MS = 15_000;

/** Vservers with the ADC's login in front of one group, each with an agent's account. */
export const GUARDED_VSERVERS = ["v_guarded1", "v_guarded2", "v_guarded3"] as const;
export const LOGIN_EVERY_MS = 60_000;
/** The larger of the two requests after each login. */
export const LARGE_POST: TransactionName = "ews_folder";
/** The accounts of the login monitors, and of the agent's IMAP logins. */
export const MONITOR_USER = "itest";
export const IMAP_USER = "probe-a";
const POP3_USER = "probe-b";

/** An estate with this many Exchange servers, and a third as many of each other kind, read from an ns.conf. */
export function simulatedEstate(servers: number): Estate {
  const timing = `-interval 15 -downTime 30 -retries 3 -resptimeout 5 -LRTM DISABLED`;
  const hosts = (prefix: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `${prefix}${String(at + 1).padStart(3, "0")}`);
  const others = Math.ceil(servers / 3);
  const names = { ex: hosts("ex", servers), srv: hosts("srv", others), web: hosts("web", others) };
  const lines = [
    "#NS13.1 Build 37.38",
    `add lb monitor mon_port TCP ${timing}`,
    `add lb monitor mon_pop3 TCP-ECV -recv "+OK The Microsoft Exchange POP3 service is ready." ${timing}`,
    `add lb monitor mon_smtp TCP-ECV -recv "220 " ${timing}`,
    `add lb monitor mon_health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES ${timing}`,
    `add lb monitor mon_login POP3 -scriptName nspop3.pl -dispatcherIP 127.0.0.1 -dispatcherPort 3013 -userName ${MONITOR_USER} -password 12ab -encrypted -encryptmethod ENCMTHD_3 ${timing}`,
    "add authentication vserver aaa SSL 0.0.0.0",
    ...Object.values(names).flatMap((each, net) =>
      each.map((name, at) => `add server ${name} 198.18.${String(net)}.${String(at + 1)}`),
    ),
    ...SERVICE_KINDS.flatMap((kind) => {
      const { group, type, port, monitor, host } = SERVICES[kind];
      const vservers =
        kind === "guarded"
          ? GUARDED_VSERVERS.map(
              (name, at) =>
                [name, `198.18.9.${String(at + 1)} 443 -authn401 ON -authnVsName aaa`] as const,
            )
          : [[`v_${kind}`, "0.0.0.0 0"] as const];
      return [
        `add serviceGroup ${group} ${type}`,
        ...vservers.flatMap(([name, rest]) => [
          `add lb vserver ${name} ${type} ${rest}`,
          `bind lb vserver ${name} ${group}`,
        ]),
        ...names[host].map((name) => `bind serviceGroup ${group} ${name} ${String(port)}`),
        `bind serviceGroup ${group} -monitorName ${monitor}`,
      ];
    }),
  ];
  return parseNsConf(`${lines.join("\n")}\n`, { adc: "prod" });
}

/** An operator's configuration: which servers are Exchange, the monitors' password, and accounts. */
export function simulatedSettings(): PlanSettings {
  const password = new Secret("not sent anywhere");
  const users = [IMAP_USER, POP3_USER, ...GUARDED_VSERVERS.map(userOf)];
  const named = SERVICE_KINDS.filter((kind) => SERVICES[kind].host !== "srv");
  return {
    ...BARE_SETTINGS,
    monitors: new Map([
      [
        "mon_login",
        { credential: { username: MONITOR_USER, password, secret: null }, command: null },
      ],
    ]),
    members: named.map((kind) => ({
      match: `${SERVICES[kind].host}*:${String(SERVICES[kind].port)}`,
      protocol: kind === "guarded" ? "https" : kind,
      exchange: "2016",
      path: null,
      host: null,
    })) as PlanSettings["members"],
    accounts: new Map(
      users.map((name) => [name, { name, username: name, address: null, password, domain: null }]),
    ),
    runs: [
      run("imap_login", IMAP_USER, "backend", { adcServices: [SERVICES.plain.group] }),
      run("pop3_login", POP3_USER, "backend", { adcServices: [SERVICES.proven.group] }),
      ...GUARDED_VSERVERS.flatMap((name) =>
        ([LARGE_POST, "eas_options"] as const).map((transaction) =>
          run(transaction, userOf(name), "vip", { vservers: [name] }),
        ),
      ),
    ],
  };
}

function userOf(vserver: (typeof GUARDED_VSERVERS)[number]): string {
  return `of-${vserver}`;
}

function run(
  transaction: TransactionName,
  account: string,
  vantage: Vantage,
  members: Partial<PlanSettings["runs"][number]["members"]>,
): PlanSettings["runs"][number] {
  return {
    transaction,
    account,
    everyMs: LOGIN_EVERY_MS,
    timeoutMs: null,
    members: { servers: [], ports: [], adcServices: [], vservers: [], ...members },
    vantages: [vantage],
    path: null,
    host: null,
    security: null,
    allowPlaintext: false,
    expect: "works",
    options: {},
  };
}
