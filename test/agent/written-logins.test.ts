import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openAccountKeeper } from "../../src/agent/accounts/account-keeper.ts";
import { credentialOnWire } from "../../src/agent/accounts/gated-login.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import { ProbeRunner } from "../../src/agent/probe-runner.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { basicOutcome } from "../../src/probes/monitors/written-login.ts";
import { makeCertificate } from "../support/made-certificate.ts";
import { serve, type Behaviour } from "../support/scripted-server.ts";
import { smallEstate } from "./small-estate.ts";

const PASSWORD = "Stale-Pass1";
const BASIC = Buffer.from(`LAB\\svc:${PASSWORD}`).toString("base64");
const AUTHORIZATION = `Authorization: Basic ${BASIC}`;
const SERVERS = ["ex01", "ex02", "ex03"] as const;

/** One person in the requests of three monitors, bound to three servers behind a vserver. */
const CONF = [
  "#NS13.1 Build 37.38",
  "add serviceGroup sg_web HTTP",
  "add serviceGroup sg_pop TCP",
  "add lb vserver v HTTP 192.0.2.80 80",
  "bind lb vserver v sg_web",
  `add lb monitor m_http HTTP -respCode 200 -httpRequest "GET /ews/" -customHeaders "${AUTHORIZATION}\\r\\n" -interval 5 -resptimeout 2`,
  `add lb monitor m_ecv HTTP-ECV -send "GET /ews/ HTTP/1.1\\r\\nHost: x\\r\\n${AUTHORIZATION}\\r\\n" -recv Services -interval 5 -resptimeout 2`,
  `add lb monitor m_raw TCP-ECV -send "GET /ews/ HTTP/1.1\\r\\nHost: x\\r\\n${AUTHORIZATION}\\r\\nConnection: close\\r\\n\\r\\n" -recv "200 OK" -interval 5 -resptimeout 2`,
  `add lb monitor m_pop TCP-ECV -send "USER svc@lab.local\\r\\nPASS ${PASSWORD}\\r\\nQUIT\\r\\n" -recv "+OK" -interval 5 -resptimeout 2`,
  ...SERVERS.flatMap((server, index) => [
    `add server ${server} 192.0.2.${String(index + 1)}`,
    `bind serviceGroup sg_web ${server} 80`,
    `bind serviceGroup sg_pop ${server} 110`,
  ]),
  "bind serviceGroup sg_web -monitorName m_http",
  "bind serviceGroup sg_web -monitorName m_ecv",
  "bind serviceGroup sg_web -monitorName m_raw",
  "bind serviceGroup sg_pop -monitorName m_pop",
].join("\n");

interface World {
  isRight: boolean;
  /** False: the page is open to everybody. */
  asks: boolean;
  sent: number;
  anonymous: number;
}

function webServer(world: World): Behaviour {
  return (socket) => {
    socket.on("data", (data) => {
      const isLogin = data.includes(BASIC);
      world.sent += isLogin ? 1 : 0;
      world.anonymous += isLogin ? 0 : 1;
      const letIn = !world.asks || (isLogin && world.isRight);
      socket.end(
        letIn
          ? `HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nServices`
          : `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nX-Echo: ${BASIC} ${PASSWORD}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    });
  };
}

function popServer(world: World): Behaviour {
  return (socket) => {
    socket.write("+OK ready\r\n");
    socket.on("data", (data) => {
      for (const line of data.toString("latin1").split("\r\n").filter(Boolean)) {
        world.sent += line.startsWith("PASS") ? 1 : 0;
        const isRejected = line.startsWith("PASS") && !world.isRight;
        socket.write(isRejected ? "-ERR [AUTH] no such user\r\n" : "+OK\r\n");
      }
    });
  };
}

async function site(world: World) {
  const stateDir = await mkdtemp(join(tmpdir(), "written-logins-"));
  const web = await serve(webServer(world));
  const pop = await serve(popServer(world));
  onTestFinished(async () => {
    await Promise.all([web.close(), pop.close()]);
    await rm(stateDir, { recursive: true, force: true });
  });
  const clock = { run: "boot", monotonicMs: 0, wallMs: Date.now() };
  const small = smallEstate(CONF);
  const to = (port: number): string => `127.0.0.1:${String(port)}`;
  const connectTo = Object.fromEntries<string>([
    ...[1, 2, 3, 80].map((host) => [`192.0.2.${String(host)}:80`, to(web.port)] as const),
    ...[1, 2, 3].map((host) => [`192.0.2.${String(host)}:110`, to(pop.port)] as const),
  ]);
  const start = async () =>
    new ProbeRunner({
      network: createNetwork({ connectTo, unmapped: "refuse", now: Date.now }),
      signal: new AbortController().signal,
      sourceAddresses: [],
      events: { probeFinished: () => undefined, loginEnded: () => undefined },
      keeper: await openAccountKeeper({
        stateDir,
        clock: () => ({ ...clock }),
        firstLoginDelayMs: 0,
      }),
      now: () => clock.wallMs,
      monotonic: () => performance.now(),
    });
  const records = small.state.probes.filter(({ monitor }) => monitor.startsWith("m_"));
  const rounds = async (runner: ProbeRunner, count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) {
      for (const record of records) {
        clock.monotonicMs += 1_000;
        clock.wallMs += 1_000;
        await runner.run(record, small.state);
      }
    }
  };
  return { ...small, records, start, rounds, clock };
}

describe("password in the requests of the ADC's monitors", () => {
  test("is sent at most twice over all monitors, vantages and restarts when it is stale", async () => {
    const world: World = { isRight: false, asks: true, sent: 0, anonymous: 0 };
    const { start, rounds, records, state } = await site(world);
    expect(records.some(({ vantage }) => vantage === "vip")).toBe(true);
    for (let life = 0; life < 3; life += 1) {
      await rounds(await start(), 4);
    }
    expect(world.sent).toBe(2);
    for (const record of records) {
      expect(record.last).toMatchObject({ outcome: "fault", reason: "auth_rejected" });
      expect(JSON.stringify(record.last)).not.toContain(PASSWORD);
      expect(JSON.stringify(record.last)).not.toContain(BASIC);
    }
    expect(state.suspendedAccounts.map(({ account }) => account)).toContain("monitor m_http");
  });

  test("is sent on when it works, and each page is asked once without it", async () => {
    const world: World = { isRight: true, asks: true, sent: 0, anonymous: 0 };
    const { start, rounds, records } = await site(world);
    const runner = await start();
    await rounds(runner, 3);
    expect(records.map(({ lastPassed }) => lastPassed)).toEqual(records.map(() => true));
    // Three servers and the vserver, whose address leads to the same page.
    expect(world.anonymous).toBe(4);
  });

  test("is not taken for accepted when an open page serves the request", async () => {
    const world: World = { isRight: false, asks: false, sent: 0, anonymous: 0 };
    const { start, rounds, records } = await site(world);
    const runner = await start();
    const sentByPop = (): number => world.sent;
    await rounds(runner, 6);
    const pop = records.filter(({ monitor }) => monitor === "m_pop");
    expect(pop.every(({ last }) => last?.reason === "auth_rejected")).toBe(true);
    const before = sentByPop();
    await rounds(runner, 6);
    // The account is suspended: nothing of it is sent any more, to the open page neither.
    expect(world.sent).toBe(before);
  });

  test("shares one account's lockout key with every other use of it", () => {
    const { probe } = smallEstate(CONF);
    for (const [monitor, where] of [
      ["m_http", "ex01"],
      ["m_ecv", "ex02"],
      ["m_raw", "ex03"],
      ["m_pop", "ex01"],
      ["m_http", "v"],
    ] as const) {
      expect(credentialOnWire(probe(monitor, where).planned)).toMatchObject({
        lockoutKey: "svc",
        name: `monitor ${monitor}`,
      });
    }
  });
});

describe("secret in a monitor's request", () => {
  const secureConf = (headers: string): string =>
    [
      "add server ex01 192.0.2.1",
      "add serviceGroup sg SSL",
      "bind serviceGroup sg ex01 443",
      `add lb monitor m HTTP -respCode 200 -httpRequest "GET /" -customHeaders "${headers}\\r\\n" -secure YES`,
      "bind serviceGroup sg -monitorName m",
    ].join("\n");

  async function runOnce(headers: string, settings: PlanSettings) {
    const { cert, key } = makeCertificate({ dnsNames: ["ex01"] });
    const server = await serve(
      (socket) => socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\n")),
      { cert, key },
    );
    onTestFinished(() => server.close());
    const { probe, state } = smallEstate(secureConf(headers), { settings });
    const runner = new ProbeRunner({
      network: createNetwork({
        connectTo: { "192.0.2.1:443": `127.0.0.1:${String(server.port)}` },
        unmapped: "refuse",
        now: Date.now,
      }),
      signal: new AbortController().signal,
      sourceAddresses: [],
      events: { probeFinished: () => undefined, loginEnded: () => undefined },
      keeper: null,
      now: Date.now,
      monotonic: () => performance.now(),
    });
    const record = probe("m", "ex01");
    await runner.run(record, state);
    return { received: server.received(), last: record.last, note: record.planned.note };
  }
  const lenient: PlanSettings = {
    ...BARE_SETTINGS,
    monitors: new Map([["m", { credential: null, command: null, verify: false }]]),
  };

  test.each(["Cookie: sid=Secret-1", "Authorization: Bearer Secret-1", "X-Api-Key: Secret-1"])(
    "is sent over TLS only to a server that has proven its identity: %s",
    async (headers) => {
      const { received, last, note } = await runOnce(headers, BARE_SETTINGS);
      expect(received).toBe("");
      expect(last).toMatchObject({ outcome: "fault", reason: "certificate_untrusted" });
      expect(last?.evidence.detail).toContain("fingerprint_sha256: ");
      expect(note).toContain("the password is sent only to a certificate of");
      const allowed = await runOnce(headers, lenient);
      expect(allowed.received).toContain("Secret-1");
      expect(allowed.last).toMatchObject({ outcome: "match" });
      expect(allowed.last?.evidence.transcript).not.toContain("Secret-1");
    },
  );

  test("requires no verification when the request holds none, as at the ADC", async () => {
    const { received, last } = await runOnce("Accept: text/html", BARE_SETTINGS);
    expect(received).toContain("GET / HTTP/1.1");
    expect(last).toMatchObject({ outcome: "match" });
  });
});

test.each([
  ["rejected", [401, 407], [null, 200, 302, 401]],
  ["accepted", [200, 204, 302, 404], [401]],
  // An error behind a login tells nothing of it; a page that sends everybody elsewhere may have looked.
  ["unanswered", [403, 500, 502], [null, 302, 401, 403]],
  ["unanswered", [302], [302, 403, null]],
  ["not_tried", [429, 503], [null, 200, 302, 401]],
  ["not_tried", [200, 204], [null, 200, 302, 403, 404]],
  ["not_tried", [302, 404, 500], [200, 404]],
] as const)(
  "a Basic credential › is %s by status %j when a request without it gets %j",
  (outcome, statuses, toNobody) => {
    for (const status of statuses) {
      for (const open of toNobody) {
        expect([status, open, basicOutcome(status, open)]).toEqual([status, open, outcome]);
      }
    }
  },
);
