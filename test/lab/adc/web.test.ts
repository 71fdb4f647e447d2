import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectTo, curl } from "./support/curl.ts";
import { startWebBackEnd, type WebAnswer, type WebBackEnd } from "./support/back-ends.ts";
import { startTestAdc, until, type TestAdc } from "./support/test-adc.ts";
import { missing } from "../../support/real-servers.ts";

const lacking = missing("curl", "curl");

const CONF = `
add server ex01 198.51.100.11
add server ex02 198.51.100.12
add serviceGroup sg_owa SSL
add serviceGroup sg_rpc SSL
add serviceGroup sg_plain HTTP
add lb monitor mon_health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -interval 600 MSEC -resptimeout 590 MSEC -downTime 300 MSEC -secure YES
add lb vserver v_owa SSL 0.0.0.0 0 -persistenceType COOKIEINSERT -timeout 0
add lb vserver v_rpc SSL 0.0.0.0 0 -persistenceType SOURCEIP -timeout 30
add lb vserver v_plain HTTP 192.0.2.11 80 -lbMethod ROUNDROBIN
add lb vserver v_rule HTTP 192.0.2.12 80 -persistenceType RULE -rule "HTTP.REQ.HEADER(\\"Authorization\\")"
add lb vserver v_redirect HTTP 192.0.2.10 80 -redirectURL "https://mail.example.com"
add lb vserver v_main HTTP 192.0.2.13 80 -backupVServer v_plain
add cs vserver cs SSL 192.0.2.10 443
add cs policy pol_root -rule "HTTP.REQ.URL.EQ(\\"/\\")" -action act_owa
add cs action act_owa -targetLBVserver v_owa
add cs action act_rpc -targetLBVserver v_rpc
add cs policy pol_owa -rule "HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/owa\\")" -action act_owa
add cs policy pol_rpc -rule "HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/rpc\\")" -action act_rpc
add rewrite action rw_root replace HTTP.REQ.URL "\\"/owa/\\""
add rewrite policy rwp_root "HTTP.REQ.URL.EQ(\\"/\\")" rw_root
add responder action ra_blocked respondwith "\\"HTTP/1.1 403 Forbidden\\r\\n\\r\\nNot here\\""
add responder policy rp_blocked "HTTP.REQ.URL.STARTSWITH(\\"/owa/blocked\\")" ra_blocked
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName mon_health
bind serviceGroup sg_rpc ex01 443
bind serviceGroup sg_rpc ex02 443
bind serviceGroup sg_rpc -monitorName mon_health
bind serviceGroup sg_plain ex01 80
bind serviceGroup sg_plain ex02 80
bind lb vserver v_owa sg_owa
bind lb vserver v_owa -policyName rwp_root -priority 100 -type REQUEST
bind lb vserver v_owa -policyName rp_blocked -priority 100 -type REQUEST
bind lb vserver v_rpc sg_rpc
bind lb vserver v_plain sg_plain
bind lb vserver v_rule sg_plain
bind cs vserver cs -policyName pol_root -priority 90
bind cs vserver cs -policyName pol_owa -priority 100
bind cs vserver cs -policyName pol_rpc -priority 110
add ssl certKey mail -cert mail.pem -key mail.key.pem
bind ssl vserver cs -certkeyName mail
bind ssl vserver v_owa -certkeyName mail
bind ssl vserver v_rpc -certkeyName mail
`;

let secure: WebBackEnd[];
let plain: WebBackEnd[];
let running: TestAdc;

beforeAll(async () => {
  secure = [
    await startWebBackEnd("ex01", { tls: true }),
    await startWebBackEnd("ex02", { tls: true }),
  ];
  plain = [await startWebBackEnd("ex01"), await startWebBackEnd("ex02")];
  const port = (backEnd: WebBackEnd | undefined): number => backEnd?.port ?? 0;
  running = await startTestAdc(CONF, {
    "198.51.100.11:443": port(secure[0]),
    "198.51.100.12:443": port(secure[1]),
    "198.51.100.11:80": port(plain[0]),
    "198.51.100.12:80": port(plain[1]),
  });
});

afterAll(async () => {
  await running.adc.close();
  await Promise.all([...secure, ...plain].map((backEnd) => backEnd.close()));
});

beforeEach(async () => {
  secure.forEach((backEnd) => {
    backEnd.setHealth(200);
  });
  await until("all members are up", () =>
    running.adc.members().every(({ state }) => state === "UP"),
  );
});

function viaCs(path: string, ...options: readonly string[]): ReturnType<typeof curl> {
  return curl(
    ...connectTo("mail.example.com", running.port("192.0.2.10", 443)),
    ...options,
    `https://mail.example.com${path}`,
  );
}

async function servers(count: number, ask: () => ReturnType<typeof curl>): Promise<string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    names.push((JSON.parse((await ask()).body) as WebAnswer).server);
  }
  return names;
}

describe.skipIf(lacking !== null)("lab ADC web traffic", () => {
  test("terminates TLS with the bound certificate and sends each path to its vserver", async () => {
    const answer = await viaCs("/owa/");
    expect(answer.status).toBe(200);
    expect(answer.headers).toContain("X-FEServer: ex0");
    expect((await viaCs("/nowhere")).status).toBe(503);
  });

  test("rewrites / to /owa/", async () => {
    expect((JSON.parse((await viaCs("/")).body) as WebAnswer).url).toBe("/owa/");
  });

  test("answers for the server when a responder policy matches", async () => {
    expect(await viaCs("/owa/blocked")).toMatchObject({ status: 403, body: "Not here" });
  });

  test("binds a client to a server by cookie", async () => {
    const first = await viaCs("/owa/");
    const cookie = /Set-Cookie: (NSC_[^;]+)/.exec(first.headers)?.[1] ?? "";
    const name = (JSON.parse(first.body) as WebAnswer).server;
    expect(await servers(4, () => viaCs("/owa/", "--cookie", cookie))).toEqual([
      name,
      name,
      name,
      name,
    ]);
    expect((await viaCs("/owa/", "--cookie", cookie)).headers).not.toContain("NSC_");
    expect(new Set(await servers(4, () => viaCs("/owa/")))).toEqual(new Set(["ex01", "ex02"]));
  });

  test("binds a client to a server by source address", async () => {
    expect(new Set(await servers(4, () => viaCs("/rpc/"))).size).toBe(1);
  });

  test("binds each Authorization header to one server by rule", async () => {
    const ask = (user: string) => (): ReturnType<typeof curl> =>
      curl("--user", `${user}:x`, `http://127.0.0.1:${String(running.port("192.0.2.12", 80))}/`);
    const alice = await servers(3, ask("alice"));
    const bob = await servers(3, ask("bob"));
    expect([new Set(alice).size, new Set(bob).size]).toEqual([1, 1]);
    expect(alice[0]).not.toBe(bob[0]);
  });

  test("alternates between servers with round robin", async () => {
    const names = await servers(4, () =>
      curl(`http://127.0.0.1:${String(running.port("192.0.2.11", 80))}/`),
    );
    expect(names[0]).not.toBe(names[1]);
    expect(names).toEqual([names[0], names[1], names[0], names[1]]);
  });

  test("uses one server connection for the requests of one client connection", async () => {
    const url = `http://127.0.0.1:${String(running.port("192.0.2.12", 80))}/`;
    const { body } = await curl("--user", "carol:x", url, "--next", "-s", "--user", "carol:x", url);
    const answers = [...body.matchAll(/\{.*?\}/g)].map(([text]) => JSON.parse(text) as WebAnswer);
    expect(answers).toHaveLength(2);
    expect(answers[0]?.connection).toBe(answers[1]?.connection);
  });

  test("passes chunked and large bodies", async () => {
    const url = `http://127.0.0.1:${String(running.port("192.0.2.11", 80))}/`;
    const chunked = await curl("--header", "Transfer-Encoding: chunked", "--data", "a=1", url);
    expect((JSON.parse(chunked.body) as WebAnswer).body).toBe("a=1");
    const large = await curl("--data", "x".repeat(100_000), url);
    expect((JSON.parse(large.body) as WebAnswer).bodyLength).toBe(100_000);
  });

  test("redirects from port 80 when the vserver has a redirect URL and no services", async () => {
    const answer = await curl(
      `http://127.0.0.1:${String(running.port("192.0.2.10", 80))}/owa/?a=b`,
    );
    expect(answer.status).toBe(302);
    expect(answer.headers).toContain("Location: https://mail.example.com/owa/?a=b");
    expect(running.adc.vserver("v_redirect")?.belief()).toMatchObject({ state: "DOWN" });
  });

  test("uses and reports the backup vserver when the vserver has no servers", async () => {
    const answer = await curl(`http://127.0.0.1:${String(running.port("192.0.2.13", 80))}/`);
    expect(answer.status).toBe(200);
    expect(running.adc.vserver("v_main")?.belief()).toMatchObject({
      state: "DOWN",
      effectiveState: "UP",
      backupActive: true,
    });
  });

  test("takes a server down when its health page is aborted and sends clients to the other", async () => {
    secure[0]?.setHealth(null);
    const member = running.adc.member("sg_owa", "ex01", 443);
    await until("ex01 is down", () => member?.state === "DOWN");
    expect(member?.monitorBelief("mon_health")).toMatchObject({
      state: "DOWN",
      lastResponse: "Failure - TCP connection successful, but application timed out",
    });
    expect(new Set(await servers(4, () => viaCs("/owa/")))).toEqual(new Set(["ex02"]));
    expect(running.adc.vserver("v_owa")?.belief()).toMatchObject({
      state: "UP",
      healthPercent: 50,
      activeServices: 1,
    });
  });

  test("answers 503 when no server is left, while the content switch stays UP", async () => {
    secure.forEach((backEnd) => {
      backEnd.setHealth(null);
    });
    await until("nobody is left", () => running.adc.vserver("v_owa")?.state === "DOWN");
    expect(await viaCs("/owa/")).toMatchObject({ status: 503 });
    expect((await viaCs("/owa/")).body).toContain("Http/1.1 Service Unavailable");
    expect(running.adc.vserver("cs")?.state).toBe("UP");
  });

  test("presents another certificate when told to", async () => {
    const { labCertificate } = await import("../../../lab/certificates/lab-certificate.ts");
    running.adc.setCertificate("cs", labCertificate("self_signed"));
    expect((await viaCs("/owa/")).exit).toBe(60);
    running.adc.setCertificate("cs", labCertificate("mail"));
    expect((await viaCs("/owa/")).status).toBe(200);
  });
});
