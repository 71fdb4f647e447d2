import { createSocket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bigConf } from "../../../lab/big-conf.ts";
import { demoConf } from "../../../lab/demo-conf.ts";
import { startLab, type Lab } from "../../../lab/lab.ts";
import { scenario } from "../../../lab/scenarios.ts";
import { connectTo, curl } from "./support/curl.ts";
import { until } from "./support/test-adc.ts";
import { missing } from "../../support/real-servers.ts";

const lacking = missing("curl", "curl");

let lab: Lab;

const story = scenario("maintenance");

beforeAll(async () => {
  lab = await startLab({
    // Faster than the demo, with time enough for a loaded machine to answer.
    confText: demoConf()
      .replaceAll(
        "-interval 5 -resptimeout 2 -downTime 5",
        "-interval 1 -resptimeout 990 MSEC -downTime 1",
      )
      .replaceAll(
        "-interval 5 -resptimeout 4 -downTime 5",
        "-interval 1 -resptimeout 990 MSEC -downTime 1",
      ),
    scenario: {
      ...story,
      steps: story.steps.map((step) => ({ ...step, atMs: step.atMs / 7 })),
    },
  });
});

afterAll(async () => {
  await lab.close();
});

/** One NITRO request, as any client would make it. */
function nitro(
  method: string,
  path: string,
  options: { body?: unknown; cookie?: string } = {},
): Promise<{ status: number; cookie: string; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const url = new URL(`/nitro/v1${path}`, lab.nitroUrls[0]);
    const sent = request(
      url,
      {
        method,
        ca: lab.ca,
        agent: false,
        headers: {
          "Content-Type": "application/json",
          ...(options.cookie === undefined ? {} : { Cookie: options.cookie }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            cookie: (response.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "",
            json: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

async function datagram(vip: string, bytes: Buffer): Promise<Buffer> {
  const socket = createSocket("udp4");
  socket.send(bytes, Number(lab.connectTo[vip]?.split(":")[1]), "127.0.0.1");
  const [answer] = (await once(socket, "message")) as [Buffer];
  socket.close();
  return answer;
}

describe.skipIf(lacking !== null)("lab", () => {
  test("starts with every member UP and each endpoint of the ns.conf mapped to loopback", async () => {
    await until("all are up", () => lab.adc.members().every(({ state }) => state === "UP"));
    expect([...lab.directories.keys()]).toEqual(["dc01"]);
    expect([...lab.servers.keys()]).toEqual(["ex01", "ex02", "ex03", "ex09"]);
    const estate = lab.adc.estate();
    for (const service of estate.services.values()) {
      for (const { address, domain, port } of service.members) {
        if (port !== "*") {
          expect(lab.connectTo[`${address ?? domain ?? ""}:${String(port)}`]).toMatch(
            /^127\.0\.0\.1:\d+$/,
          );
        }
      }
    }
    for (const vip of [
      "192.0.2.10:443",
      "192.0.2.10:80",
      "192.0.2.20:993",
      "192.0.2.22:22902",
      "mail.example.com:443",
    ]) {
      expect(lab.connectTo[vip]).toMatch(/^127\.0\.0\.1:\d+$/);
    }
    expect(estate.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("answers DNS and NTP through UDP vservers and LDAPS through a TCP vserver", async () => {
    const query = Buffer.from("4e5301000001000000000000", "hex");
    const name = Buffer.from("\x04dc01\x03lab\x07example\x03com\x00\x00\x01\x00\x01", "latin1");
    const answer = await datagram("192.0.2.23:53", Buffer.concat([query, name]));
    expect(answer.includes(Buffer.from([198, 51, 100, 5]))).toBe(true);
    const ntp = await datagram(
      "192.0.2.23:123",
      Buffer.concat([Buffer.from([0x23]), Buffer.alloc(47)]),
    );
    expect(ntp).toHaveLength(48);
    expect(lab.adc.member("sg_ldaps", "dc01", 636)?.monitorBelief("mon_ldaps")?.lastResponse).toBe(
      "Success - SSL handshake completed.",
    );
  });

  test("serves NITRO with the ADC's states and leaves no session after logout", async () => {
    const login = await nitro("POST", "/config/login", { body: { login: lab.nitroCredentials } });
    expect(login.status).toBe(201);
    const { cookie } = login;
    const members = await nitro(
      "GET",
      "/config/servicegroup_servicegroupmember_binding?bulkbindings=yes",
      { cookie },
    );
    const rows = members.json["servicegroup_servicegroupmember_binding"] as { svrstate: string }[];
    expect(rows.length).toBeGreaterThan(30);
    expect(new Set(rows.map(({ svrstate }) => svrstate))).toEqual(new Set(["UP"]));
    expect(lab.nitro[0]?.openSessions()).toBe(1);
    await nitro("POST", "/config/logout", { body: { logout: {} }, cookie });
    expect(lab.nitro[0]?.openSessions()).toBe(0);
  });

  test("balances a client to Exchange through content switching", async () => {
    const port = Number(lab.connectTo["mail.example.com:443"]?.split(":")[1]);
    const via = connectTo("mail.example.com", port);
    const health = await curl(...via, "https://mail.example.com/ews/healthcheck.htm");
    expect(health.body).toMatch(/^200 OK<br\/>ex0[123]\.lab\.example\.com/i);
    const challenge = await curl(...via, "https://mail.example.com/EWS/Exchange.asmx");
    expect(challenge.status).toBe(401);
    expect(challenge.headers).toMatch(/X-FEServer: EX0[123]/i);
  });

  test("keeps NTLM's connection and carries the methods of Outlook Anywhere", async () => {
    const port = Number(lab.connectTo["mail.example.com:443"]?.split(":")[1]);
    const via = connectTo("mail.example.com", port);
    const [account] = lab.accounts;
    const user = ["--user", `LAB\\${account?.username ?? ""}:${account?.password ?? ""}`];
    const ews = await curl(...via, "--ntlm", ...user, "https://mail.example.com/EWS/Exchange.asmx");
    expect(`${ews.headers}\n${ews.body}`).toMatch(/HTTP\/1\.1 200/);
    const echo = await curl(
      ...via,
      ...user,
      "--basic",
      "--request",
      "RPC_OUT_DATA",
      "--data",
      "echo",
      "https://mail.example.com/rpc/rpcproxy.dll?ex01.lab.example.com:6001",
    );
    expect(echo.status).toBe(200);
  });

  test("takes health pages and banner down but keeps port 993 UP in the maintenance scenario", async () => {
    const told: string[] = [];
    const run = lab.play((step) => told.push(step.text));
    await until(
      "ex02's health pages are down for the ADC",
      () => lab.adc.member("sg_owa", "ex02", 443)?.state === "DOWN",
    );
    await until("so is its banner", () => lab.adc.member("sg_imap", "ex02", 143)?.state === "DOWN");
    expect(lab.adc.member("sg_imaps", "ex02", 993)?.state).toBe("UP");
    expect(lab.adc.member("sg_smtp", "ex02", 25)?.state).toBe("UP");
    expect(lab.adc.member("sg_owa", "ex01", 443)?.state).toBe("UP");
    await run.finished;
    await until("all are up again", () => lab.adc.members().every(({ state }) => state === "UP"));
    expect(told).toHaveLength(3);
  });
});

describe("lab HA pair", () => {
  test("reports states from the primary, and from the other node after a failover", async () => {
    const pair = await startLab({
      confText: bigConf({ members: 40, interval: 4 }),
      haPair: true,
      sharedServers: 2,
      nitroTls: false,
    });
    try {
      expect(pair.servers.size).toBe(2);
      expect(pair.nitroUrls).toHaveLength(2);
      const [first, second] = [pair.adc.nitro(0), pair.adc.nitro(1)];
      const member = pair.adc.members()[0]?.member;
      if (member === undefined) {
        throw new Error("no member");
      }
      expect([first.nodes()[0].role, second.nodes()[0].role]).toEqual(["Primary", "Secondary"]);
      await until("the member is UP at the primary", () => first.member(member).state === "UP");
      expect(second.member(member).state).toBe("UNKNOWN");
      pair.adc.failover();
      expect([first.nodes()[0].role, second.nodes()[0].role]).toEqual(["Secondary", "Primary"]);
      await until("the member is UP at the other", () => second.member(member).state === "UP");
      expect(first.member(member).state).toBe("UNKNOWN");
      expect(second.nodes().map(({ name }) => name)).toEqual(["ns2", "ns1"]);
    } finally {
      await pair.close();
    }
  });
});
