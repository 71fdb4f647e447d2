import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import type { PlannedProbe } from "../../src/agent/plan/planned-probe.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { runTransaction } from "../../src/probes/transactions/registry.ts";
import { probeContext } from "../support/probe-context.ts";
import { missing, type RealServer } from "../support/real-servers.ts";
import { DOVECOT_USER } from "../support/servers/dovecot.ts";
import { postfixNeeds } from "../support/servers/postfix.ts";
import {
  startProxiedDovecot,
  startProxiedHaproxy,
  startProxiedNginx,
  startProxiedPostfix,
} from "../support/servers/proxied.ts";
import { CLIENT_TLS, transactionSpec } from "./transactions/transaction-spec.ts";
import { sealed } from "../support/sealed.ts";

/*
 * Servers that speak only behind a PROXY header, asked as the ADC's configuration has it: what `plan` plans is run.
 * Without the header all of them hang up or answer nothing, which the first case of each shows.
 */

/** An estate of one service with one monitor; `proxy`: what stands behind `add netProfile np`, null for none. */
function planned(
  proxy: string | null,
  port: number,
  monitor: string,
  serviceType = "TCP",
): readonly PlannedProbe[] {
  const profile = proxy === null ? "" : "-netProfile np";
  const estate = parseNsConf(
    [
      proxy === null ? "" : `add netProfile np ${proxy}`,
      "add server ex01 198.51.100.11",
      `add serviceGroup sg_exchange ${serviceType} ${profile}`,
      `bind serviceGroup sg_exchange ex01 ${String(port)}`,
      `add lb monitor m ${monitor}`,
      "bind serviceGroup sg_exchange -monitorName m",
    ].join("\n"),
    { adc: "prod" },
  );
  return planProbes(estate, BARE_SETTINGS).filter(({ vantage }) => vantage === "backend");
}

/** The result of every probe of a plan at this real port, by its type. */
async function run(
  probes: readonly PlannedProbe[],
  realPort: number,
  timeoutMs = 5_000,
): Promise<Readonly<Record<string, string>>> {
  const seen: Record<string, string> = {};
  for (const { action, type, port } of probes) {
    const network = createNetwork({
      connectTo: { [`198.51.100.11:${String(port)}`]: `127.0.0.1:${String(realPort)}` },
      unmapped: "refuse",
      now: () => performance.now(),
    });
    const context = probeContext(timeoutMs, { network });
    if (action.run !== null) {
      const observation =
        action.kind === "monitor"
          ? (await runMonitor(action.run.spec, action.run.target, context)).observation
          : await runTransaction(action.run.spec, action.run.target, context);
      seen[type] = observation.outcome;
    }
  }
  return seen;
}

const VERSIONS = [
  "-proxyProtocol ENABLED",
  "-proxyProtocol ENABLED -proxyProtocolTxVersion V1",
  "-proxyProtocol ENABLED -proxyProtocolTxVersion V2",
];

function against(
  name: string,
  needs: string | null,
  start: () => Promise<RealServer>,
  cases: readonly {
    readonly at: string;
    readonly port: number;
    readonly monitor: string;
    readonly serviceType?: string;
    readonly look: string;
  }[],
  more: (server: () => RealServer) => void = () => undefined,
): void {
  describe.skipIf(needs !== null)(`PROXY header to ${name} ${needs ?? ""}`, () => {
    let server: RealServer;
    beforeAll(async () => {
      server = await start();
    }, 30_000);
    afterAll(() => server.stop());

    describe.each(cases)("$at with $monitor", ({ at, port, monitor, serviceType, look }) => {
      const [type = ""] = monitor.split(" ");
      const realPort = (): number => server.ports[at] ?? 0;

      test("fails when the net profile is missing or has the PROXY protocol DISABLED", async () => {
        for (const proxy of [null, "-proxyProtocol DISABLED -proxyProtocolTxVersion V2"]) {
          const seen = await run(planned(proxy, port, monitor, serviceType), realPort(), 700);
          expect(seen[type]).not.toBe("match");
          expect(seen[look]).not.toBe("match");
        }
      });
      test.each(VERSIONS)("passes with %s", async (proxy) => {
        const seen = await run(planned(proxy, port, monitor, serviceType), realPort());
        expect(seen).toMatchObject({ [type]: "match", [look]: "match" });
      });
    });
    more(() => server);
  });
}

const HEALTH = `-send "GET /owa/healthcheck.htm" -recv "200 OK" -LRTM DISABLED`;

against("Postfix", postfixNeeds() ?? missing("postconf", "postfix"), startProxiedPostfix, [
  { at: "smtp", port: 25, monitor: "TCP-ECV -recv 220", look: "smtp_mail_from" },
]);

against(
  "Dovecot",
  missing("dovecot", "dovecot-imapd dovecot-pop3d"),
  startProxiedDovecot,
  [
    { at: "imap", port: 143, monitor: 'TCP-ECV -recv "* OK"', look: "imap_greeting" },
    { at: "imaps", port: 993, monitor: 'TCP-ECV -recv "* OK" -secure YES', look: "imap_greeting" },
    { at: "pop3", port: 110, monitor: "TCP-ECV -recv +OK", look: "pop3_greeting" },
  ],
  (server) => {
    test.each([
      ["imap_login", "imap", "V1"],
      ["imap_login", "imaps", "V2"],
      ["pop3_login", "pop3", "V2"],
      ["pop3_login", "pop3s", "V1"],
    ] as const)("%s at %s passes behind a %s header", async (transaction, at, proxy) => {
      const implicit = at.endsWith("s");
      const spec = transactionSpec(transaction, {
        ...(implicit ? { security: "implicit", tls: CLIENT_TLS } : {}),
        account: {
          name: "itest",
          address: null,
          username: DOVECOT_USER.username,
          password: sealed(DOVECOT_USER.password),
          domain: null,
        },
        allowPlaintext: true,
      });
      const target = { host: "127.0.0.1", port: server().ports[at] ?? 0, server: null, proxy };
      expect(await runTransaction(spec, target, probeContext(5_000))).toMatchObject({
        outcome: "match",
      });
    });
  },
);

against("nginx", missing("nginx", "nginx"), startProxiedNginx, [
  { at: "http", port: 80, monitor: `HTTP-ECV ${HEALTH}`, serviceType: "HTTP", look: "health_page" },
  {
    at: "https",
    port: 443,
    monitor: `HTTP-ECV ${HEALTH} -secure YES`,
    serviceType: "SSL",
    look: "health_page",
  },
  {
    at: "https",
    port: 443,
    monitor: 'HTTP -httpRequest "GET /owa/healthcheck.htm" -secure YES',
    serviceType: "SSL",
    look: "health_page",
  },
]);

against("HAProxy", missing("haproxy", "haproxy"), startProxiedHaproxy, [
  { at: "http", port: 80, monitor: `HTTP-ECV ${HEALTH}`, serviceType: "HTTP", look: "health_page" },
  {
    at: "https",
    port: 443,
    monitor: `HTTP-ECV ${HEALTH} -secure YES`,
    serviceType: "SSL",
    look: "health_page",
  },
]);

describe("PROXY header in the plan", () => {
  const V2 = "-proxyProtocol ENABLED -proxyProtocolTxVersion V2";

  test("is noted for monitors that send it and for those that do not", () => {
    const [ecv] = planned(V2, 143, 'TCP-ECV -recv "* OK"');
    expect(ecv?.note).toContain("begins with a PROXY header V2 (netProfile np)");
    const [tcp] = planned(V2, 143, "TCP");
    expect(tcp?.note).toContain("a monitor of type TCP does not");
    expect(tcp?.action.run?.target).not.toHaveProperty("proxy");
  });

  test("follows the monitor's own net profile when the service has another", () => {
    const estate = parseNsConf(
      [
        "add netProfile plain -srcIP 192.0.2.2",
        `add netProfile np ${V2}`,
        "add server ex01 198.51.100.11",
        "add serviceGroup sg TCP -netProfile np",
        "bind serviceGroup sg ex01 143",
        'add lb monitor m TCP-ECV -recv "* OK" -netProfile plain',
        "bind serviceGroup sg -monitorName m",
        "set netProfile np -proxyProtocolTxVersion V1",
      ].join("\n"),
      { adc: "prod" },
    );
    const [probe] = planProbes(estate, BARE_SETTINGS);
    expect(probe?.action.run?.target).not.toHaveProperty("proxy");
    expect(estate.netProfiles.get("np")?.proxyVersion).toBe("V1");
  });
});
