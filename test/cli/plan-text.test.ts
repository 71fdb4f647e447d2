import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPlan, type PlanOptions } from "../../src/cli/plan.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-plan-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function plan(text: string, filter?: Partial<NonNullable<PlanOptions["filter"]>>) {
  const nsConf = join(directory, "ns.conf");
  await writeFile(nsConf, text);
  let out = "";
  const all = { server: null, adcService: null, vserver: null, monitor: null };
  const options = { nsConf, config: null, json: false, filter: { ...all, ...filter } };
  const status = await runPlan(options, { out: (part) => (out += part), err: String });
  expect(status).toBe(0);
  return out;
}

const CONF = [
  "add server ex01 10.0.0.1",
  "add server ex02 10.0.0.2",
  "add service owa ex01 SSL 443",
  "add service imap ex02 TCP 143",
  "add service relay ex02 TCP 9999",
  'add lb monitor page HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
  "add lb monitor self PING -destIP 127.0.0.1",
  "add lb monitor off TCP -state DISABLED",
  "bind service owa -monitorName page",
  "bind service imap -monitorName self",
  "bind service relay -monitorName off",
  "bind service relay -monitorName tcp",
].join("\n");

describe("plan › for a person", () => {
  test("names the service, and path and Host of looks", async () => {
    const out = await plan(CONF);
    expect(out).toMatch(/^VANTAGE +SERVICE +VSERVERS +SERVER/);
    expect(out).toMatch(
      /backend +owa +- +ex01 +10\.0\.0\.1:443 +page .*TLSv1.*"GET \/owa\/healthcheck\.htm"/,
    );
    expect(out).toContain("/owa/ at Host ");
  });

  test("puts what is not repeated together by reason, and counts", async () => {
    const out = await plan(CONF);
    expect(out).toContain("  destIP 127.0.0.1 is the ADC itself (1): imap/ex02:143 self");
    expect(out).toContain(
      "2 of 3 members are judged by a bare port alone: imap/ex02:143, relay/ex02:9999",
    );
    expect(out).toMatch(/\d+ probes, 1 not repeated, 1 disabled\n/);
  });

  test("shows what is asked for and no more", async () => {
    const rows = async (filter: Parameters<typeof plan>[1]): Promise<string> => plan(CONF, filter);
    expect(await rows({ server: "EX01" })).not.toContain("ex02");
    expect(await rows({ adcService: "ow*" })).not.toContain("relay");
    expect(await rows({ monitor: "page" })).toContain("1 probe, 0 not repeated, 0 disabled");
    expect(await rows({ vserver: "none" })).toContain("0 probes, 0 not repeated, 0 disabled");
  });

  test("keeps a row on one line, and controls away from a terminal", async () => {
    const out = await plan(
      'add service "s\u001b[31m" 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -httpRequest "GET /\\r\\nX: y"\nbind service "s\u001b[31m" -monitorName m\n',
    );
    expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f]/);
    expect(out).toContain('"GET /\\r\\nX: y"');
  });
});

describe("plan › tells which settings of profiles it does not repeat", () => {
  const SERVICE = "add service s 10.0.0.1 HTTP 80";
  const BOUND = ["add lb monitor m HTTP", "bind service s -monitorName m"];
  test.each([
    ["a TCP profile", [`${SERVICE} -tcpProfileName mptcp`], "the service's TCP profile mptcp"],
    [
      "both profiles",
      [`${SERVICE} -tcpProfileName t1 -httpProfileName h2`],
      "the service's TCP profile t1 and HTTP profile h2",
    ],
    [
      "an IP set",
      [
        "add ipset set1",
        "bind ipset set1 10.0.0.8 10.0.0.9",
        "add netProfile np -srcIP set1",
        `${SERVICE} -netProfile np`,
      ],
      "the ADC asks from the addresses 10.0.0.8, 10.0.0.9 (netProfile np)",
    ],
    [
      "an IP set that the file does not hold",
      ["add netProfile np -srcIP set1", `${SERVICE} -netProfile np`],
      "of the IP set set1, which are not known here",
    ],
    [
      "a PROXY header that is set later",
      [
        "add netProfile np",
        "set netProfile np -proxyProtocol ENABLED",
        `${SERVICE} -netProfile np`,
      ],
      "PROXY",
    ],
  ])("%s", async (_what, lines, expected) => {
    expect(await plan([...lines, ...BOUND].join("\n"))).toContain(expected);
  });

  test.each([
    ["the firmware's own profiles", `${SERVICE} -tcpProfileName nstcp_default_tcp_lan`],
    ["a profile of one address", `add netProfile np -srcIP 10.0.0.8\n${SERVICE} -netProfile np`],
  ])("says nothing of %s", async (_what, line) => {
    expect(await plan([line, ...BOUND].join("\n"))).not.toMatch(/profile|netProfile/i);
  });
});
