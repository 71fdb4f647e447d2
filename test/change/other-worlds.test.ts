import type { Socket } from "node:net";
import type { RequestListener } from "node:http";
import { expect } from "vitest";
import { memberKey } from "../../src/model/adc-state.ts";
import { member, worldTest, type Compared, type World } from "../support/compared-world.ts";
import { conversation, type Behaviour } from "../support/scripted-server.ts";

/*
 * Worlds of the kinds that administrators report, with other names, ports and monitors than elsewhere in these tests.
 */

/** The ADC has had it DOWN for an hour. */
function down(
  service: string,
  server: string,
  port: number,
  monitors: readonly string[],
  lastResponse = "Failure - Probe failed.",
): NonNullable<World["believes"]> {
  return (set) => {
    const key = memberKey(service, server, port);
    set.members.set(key, { state: "DOWN", sinceChangeMs: 3_600_000 });
    for (const name of monitors) {
      set.monitors.set(`${key}/${name}`, { state: "DOWN", lastResponse, currentFailedProbes: 3 });
    }
  };
}

const hangUp: Behaviour = (socket) => socket.end();

interface Member {
  readonly port: number;
  readonly monitor?: string;
  readonly group?: string;
  readonly type?: string;
}

function conf({ port, monitor = "bind serviceGroup sg_a -monitorName tcp", type = "TCP" }: Member) {
  return `add server node1 198.51.100.31
add serviceGroup sg_a ${type}
bind serviceGroup sg_a node1 ${String(port)}
${monitor}
add lb vserver v_a ${type} 0.0.0.0 0
bind lb vserver v_a sg_a
`;
}

const rowOf = (json: Compared) => member(json, "sg_a", "node1");

const DEEP = `add lb monitor m_deep HTTP-ECV -send "GET /api/v2/ready" -recv "database: ok" -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_deep`;

worldTest.concurrent(
  "compare › reports no strict monitor when a deep page says that its database is gone",
  async ({ web, compare }) => {
    const port = await web((_, response) => response.end("database: unreachable"));
    const json = await compare({
      conf: conf({ port: 8443, monitor: DEEP, type: "HTTP" }),
      at: { "198.51.100.31:8443": port },
      believes: down("sg_a", "node1", 8443, ["m_deep"], "Failure - Pattern not found in response."),
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_down", opinions: { replica: "down" } });
  },
);

worldTest.concurrent(
  "compare › agrees with DOWN when the deep one of two monitors fails and the bare port answers",
  async ({ web, compare }) => {
    const port = await web((_, response) => response.end("database: unreachable"));
    const json = await compare({
      conf: conf({
        port: 8080,
        monitor: `${DEEP}\nadd lb monitor m_port TCP\nbind serviceGroup sg_a -monitorName m_port`,
        type: "HTTP",
      }),
      at: { "198.51.100.31:8080": port },
      believes: down("sg_a", "node1", 8080, ["m_deep"], "Failure - Pattern not found in response."),
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_down" });
  },
);

worldTest.concurrent.for([
  [
    "RADIUS",
    1812,
    "add lb monitor m RADIUS -userName probe -password ab12 -encrypted -radKey cd34 -encrypted",
  ],
  [
    "MYSQL",
    3306,
    'add lb monitor m MYSQL -scriptName nsmysql.pl -userName probe -password ab12 -encrypted -database x -sqlQuery "select 1"',
  ],
  [
    "POP3",
    110,
    "add lb monitor m POP3 -scriptName nspop3.pl -userName probe -password ab12 -encrypted",
  ],
  ["FTP", 21, "add lb monitor m FTP -userName probe -password ab12 -encrypted"],
  ["a custom script", 7001, "add lb monitor m USER -scriptName check_app.pl -scriptArgs level=3"],
] as const)(
  "compare › is unknown when a login monitor has no password (%s) and the ADC says DOWN",
  async ([, port, monitor], { listening, compare }) => {
    const greeting = port === 110 ? "+OK ready\r\n" : "220 ready\r\n";
    const real = await listening((socket: Socket) => socket.write(greeting));
    const json = await compare({
      conf: conf({
        port,
        monitor: `${monitor}\nbind serviceGroup sg_a -monitorName m`,
        type: port === 1812 ? "UDP" : "TCP",
      }),
      at: { [`198.51.100.31:${String(port)}`]: real },
      believes: down("sg_a", "node1", port, ["m"]),
    });
    expect(rowOf(json)).toMatchObject({ verdict: "unknown" });
  },
);

worldTest.concurrent.for([
  [25, false],
  [465, false],
  [587, false],
  [143, false],
  [110, false],
  [993, true],
  [995, true],
  [993, false],
] as const)(
  "compare › reports a server that accepts and hangs up at %i (TLS: %s) though no name says mail",
  async ([port, tls], { listening, compare }) => {
    const real = await listening(hangUp, tls);
    const json = await compare({
      conf: conf({ port }),
      at: { [`198.51.100.31:${String(port)}`]: real },
    });
    expect(["blind_monitor", "routes_to_maintenance"]).toContain(rowOf(json).verdict);
    expect(json.status).toBe(2);
  },
);

worldTest.concurrent(
  "compare › looks by TLS at IMAP on another port when its monitor uses TLS",
  async ({ listening, compare }) => {
    const real = await listening((socket) => socket.end("* BYE out of order\r\n"), true);
    const json = await compare({
      conf: conf({
        port: 29_930,
        monitor: `add lb monitor m_imaps TCP-ECV -recv "* " -secure YES -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_imaps`,
      }),
      at: { "198.51.100.31:29930": real },
      yaml: 'members: [{ match: "node1:29930", protocol: imap }]',
    });
    expect(rowOf(json)).toMatchObject({ verdict: "blind_monitor", reason: "bye" });
  },
);

worldTest.concurrent.for([
  [503, "blind_monitor"],
  [500, "blind_monitor"],
  [401, "agree_up"],
  [403, "agree_up"],
  [404, "agree_up"],
  [302, "agree_up"],
] as const)(
  "compare › for a web application that answers %i behind a bare port is %s",
  async ([status, verdict], { web, compare }) => {
    const port = await web((_, response) => {
      response
        .writeHead(
          status,
          status === 401
            ? { "www-authenticate": "Basic" }
            : status === 302
              ? { location: "/x" }
              : {},
        )
        .end("page");
    });
    const json = await compare({
      conf: conf({ port: 9080, type: "HTTP" }),
      at: { "198.51.100.31:9080": port },
    });
    expect(rowOf(json)).toMatchObject({ verdict });
  },
);

worldTest.concurrent(
  "compare › asks by the monitor's Host when a server has a page for its own name only",
  async ({ web, compare }) => {
    const port = await web((request, response) => {
      response.writeHead(request.headers.host === "shop.example.net" ? 200 : 503).end("ok");
    });
    const json = await compare({
      conf: conf({
        port: 8081,
        type: "HTTP",
        monitor: `add lb monitor m_shop HTTP-ECV -send "GET /alive" -recv ok -customHeaders "Host: shop.example.net\\r\\n" -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_shop`,
      }),
      at: { "198.51.100.31:8081": port },
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_up", opinions: { service: "up" } });
  },
);

const pop3 = (login: string): Behaviour =>
  conversation("+OK ready\r\n", [
    [/^CAPA/i, "+OK\r\nUSER\r\n.\r\n"],
    [/^USER/i, "+OK\r\n"],
    [/^PASS/i, login],
    [/^QUIT/i, "+OK\r\n"],
  ]);

worldTest.concurrent.for([
  ["-ERR Server Unavailable. 14\r\n", "agree_down", "backend_unavailable"],
  ["-ERR [SYS/TEMP] later\r\n", "agree_down", "backend_unavailable"],
  ["-ERR [IN-USE] locked\r\n", "agree_down", "backend_unavailable"],
  ["-ERR [AUTH] wrong\r\n", "unknown", "auth_rejected"],
  ["-ERR Logon failure: unknown user name or bad password.\r\n", "unknown", "auth_rejected"],
] as const)(
  "compare › for a POP3 login monitor at another port that is answered %j is %s",
  async ([login, verdict, reason], { listening, compare }) => {
    const real = await listening(pop3(login));
    const json = await compare({
      conf: conf({
        port: 1110,
        monitor: `add lb monitor m_pop POP3 -scriptName nspop3.pl -userName probe -password ab12 -encrypted -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_pop`,
      }),
      at: { "198.51.100.31:1110": real },
      yaml: 'monitors: { m_pop: { username: probe, password: "${NITRO_PASSWORD}", verify: false } }',
      believes: down("sg_a", "node1", 1110, ["m_pop"]),
    });
    expect(rowOf(json)).toMatchObject({ verdict, reason });
  },
);

worldTest.concurrent(
  "compare › sends a PROXY header V2 before HTTP from replica and look",
  async ({ listening, compare }) => {
    const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
    const real = await listening((socket) => {
      let got = Buffer.alloc(0);
      let open = false;
      socket.on("data", (data) => {
        got = Buffer.concat([got, data]);
        if (!open && got.length >= 16) {
          if (!got.subarray(0, 12).equals(SIGNATURE)) {
            socket.destroy();
            return;
          }
          open = true;
          got = got.subarray(16 + got.readUInt16BE(14));
        }
        if (open && got.includes("\r\n\r\n")) {
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
      });
    });
    const json = await compare({
      conf: `add netProfile np -proxyProtocol ENABLED -proxyProtocolTxVersion V2
${conf({
  port: 8082,
  type: "HTTP",
  monitor: `add lb monitor m_ok HTTP-ECV -send "GET /ok" -recv ok -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_ok
set serviceGroup sg_a -netProfile np`,
})}`,
      at: { "198.51.100.31:8082": real },
    });
    expect(rowOf(json)).toMatchObject({
      verdict: "agree_up",
      opinions: { replica: "up", service: "up" },
    });
  },
);

worldTest.concurrent(
  "compare › judges an IPv6 member as any other",
  async ({ listening, compare }) => {
    const real = await listening((socket) => socket.end("* BYE closed\r\n"));
    const json = await compare({
      conf: conf({ port: 143 }).replace("198.51.100.31", "2001:db8::31"),
      at: { "[2001:db8::31]:143": real },
    });
    expect(rowOf(json)).toMatchObject({ verdict: "blind_monitor" });
  },
);

const BY_RESPONDER = `add responder action ra redirect "\\"https://\\" + HTTP.REQ.HOSTNAME + HTTP.REQ.URL"
add responder policy rp "HTTP.REQ.IS_VALID" ra
add lb vserver v_80 HTTP 192.0.2.80 80
bind lb vserver v_80 -policyName rp -priority 5 -gotoPriorityExpression END -type REQUEST
`;
const ALWAYS_UP = `add server nobody 1.1.1.1
add service svc_always_up nobody HTTP 80 -healthMonitor NO
bind lb vserver v_80 svc_always_up
`;

worldTest.concurrent.for([
  ["without services", BY_RESPONDER],
  ["with one that only keeps it up", BY_RESPONDER + ALWAYS_UP],
] as const)(
  "compare › reports a redirecting vserver on port 80 %s as down when it redirects elsewhere",
  async ([, written], { web, compare }) => {
    const verdicts: (string | undefined)[] = [];
    for (const location of ["https://mail.example.net/", "http://parked.example.org/"]) {
      const vip = await web((_request, response) => response.writeHead(302, { location }).end());
      const json = await compare({
        conf: written,
        at: { "192.0.2.80:80": vip },
        yaml: "vservers: { v_80: { host: mail.example.net } }",
      });
      verdicts.push(json.vservers[0]?.verdict);
    }
    expect(verdicts).toEqual(["vip_agree_up", "vip_down_members_up"]);
  },
);

worldTest.concurrent(
  "compare › looks with the monitor's Host when a web server requires the name in the handshake",
  async ({ web, compare }) => {
    const port = await web((_, response) => response.end("ok"), true, {
      SNICallback: (name: string, done: (error: Error | null) => void) =>
        done(name === "intra.example.net" ? null : new Error("no such name")),
    });
    const json = await compare({
      conf: conf({
        port: 8444,
        type: "SSL",
        monitor: `add lb monitor m_tcp TCP -interval 10 -resptimeout 3
add lb monitor m_web HTTP-ECV -send "GET /" -recv ok -customHeaders "Host: intra.example.net\\r\\n" -secure YES -state DISABLED
bind serviceGroup sg_a -monitorName m_tcp
bind serviceGroup sg_a -monitorName m_web`,
      }),
      at: { "198.51.100.31:8444": port },
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_up", opinions: { service: "up" } });
  },
);

const DOOR = `add lb vserver v_a SSL 192.0.2.90 443 -redirectFromPort 8008 -httpsRedirectUrl https://mail.example.net`;

worldTest.concurrent.for([
  ["answers", "https://mail.example.net/", []],
  [
    "sends elsewhere",
    "http://other.example.org/",
    [{ monitor: "-redirectFromPort 8008", reason: "bad_status" }],
  ],
] as const)(
  "compare › keeps the vserver's verdict when its further port that redirects %s",
  async ([, location, failing], { web, compare }) => {
    const alive: RequestListener = (_request, response) => response.end("ok");
    const json = await compare({
      conf: conf({
        port: 443,
        type: "SSL",
        monitor: `add lb monitor m_web HTTP-ECV -send "GET /alive" -recv ok -secure YES -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_web`,
      }).replace("add lb vserver v_a SSL 0.0.0.0 0", DOOR),
      at: {
        "198.51.100.31:443": await web(alive, true),
        "192.0.2.90:443": await web(alive, true),
        "192.0.2.90:8008": await web((_request, response) =>
          response.writeHead(302, { location }).end(),
        ),
      },
    });
    expect(json.vservers[0]).toMatchObject({ verdict: "vip_agree_up", failing_replicas: failing });
  },
);

worldTest.concurrent(
  "compare › probes a vserver's redirectFromPort when it does nothing but redirect",
  async ({ web, compare }) => {
    const written =
      "add lb vserver v_a SSL 192.0.2.90 443 -redirectFromPort 80 -httpsRedirectUrl https://mail.example.net\n";
    const verdicts: (string | undefined)[] = [];
    for (const location of ["https://mail.example.net/", "https://mail.example.org/"]) {
      const door = await web((_request, response) => response.writeHead(302, { location }).end());
      const json = await compare({ conf: written, at: { "192.0.2.90:80": door } });
      verdicts.push(json.vservers[0]?.verdict);
    }
    expect(verdicts).toEqual(["vip_agree_up", "vip_down_members_up"]);
  },
);

worldTest.concurrent.for([
  [true, "vip_agree_up"],
  [false, "vip_down_members_up"],
] as const)(
  "compare › for a vserver of type ANY whose monitor's port answers (%s) is %s",
  async ([answers, verdict], { web, compare }) => {
    const alive = await web((_request, response) => response.end("alive"));
    const vip = await web((request, response) =>
      answers ? response.end("alive") : request.socket.destroy(),
    );
    const json = await compare({
      conf: `add server fw1 198.51.100.41
add service svc_any fw1 ANY *
add lb monitor m_alive HTTP-ECV -send "GET /alive" -recv alive -destPort 8085 -interval 10 -resptimeout 3
bind service svc_any -monitorName m_alive
add lb vserver v_any ANY 192.0.2.41 *
bind lb vserver v_any svc_any
`,
      at: { "198.51.100.41:8085": alive, "192.0.2.41:8085": vip },
    });
    expect(json.vservers[0]).toMatchObject({ verdict });
  },
);

worldTest.concurrent.for([
  ["LDAP", 389],
  ["LDAP over TLS", 636],
  ["DNS over TCP", 53],
] as const)(
  "compare › is blind_monitor when %s closes every connection at once behind a bare port",
  async ([, port], { listening, compare }) => {
    const real = await listening(hangUp, false);
    const json = await compare({
      conf: conf({
        port,
        ...(port === 53
          ? {
              type: "DNS_TCP",
              monitor: `add lb monitor m_dns DNS-TCP -query lab.example.net -queryType Address -state DISABLED
bind serviceGroup sg_a -monitorName tcp
bind serviceGroup sg_a -monitorName m_dns`,
            }
          : {}),
      }),
      at: { [`198.51.100.31:${String(port)}`]: real },
    });
    expect(rowOf(json)).toMatchObject({ verdict: "blind_monitor" });
  },
);

worldTest.concurrent(
  "compare › agrees with UP when the pattern of a reversed monitor is missing",
  async ({ web, compare }) => {
    const port = await web((_request, response) => response.end("all is well"));
    const json = await compare({
      conf: conf({
        port: 8086,
        type: "HTTP",
        monitor: `add lb monitor m_rev HTTP-ECV -send "GET /state" -recv maintenance -reverse YES -interval 10 -resptimeout 3
bind serviceGroup sg_a -monitorName m_rev`,
      }),
      at: { "198.51.100.31:8086": port },
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_up", opinions: { replica: "up" } });
  },
);

worldTest.concurrent(
  "compare › is unknown with the reason for an excluded member and judges the rest",
  async ({ listening, compare }) => {
    const json = await compare({
      conf: conf({ port: 143 }),
      at: { "198.51.100.31:143": await listening(hangUp) },
      yaml: 'exclude: [{ member: "node1:143", from: judging, reason: being rebuilt }]',
    });
    expect(rowOf(json)).toMatchObject({
      verdict: "unknown",
      reason: "excluded",
      excluded: "being rebuilt",
    });
    expect(json.status).not.toBe(2);
  },
);

worldTest.concurrent(
  "compare › applies settings of a member that is given by IPv6 address and port",
  async ({ listening, compare }) => {
    const real = await listening((socket) => socket.end("* BYE closed\r\n"));
    const seen = async (yaml: string): Promise<string> => {
      const json = await compare({
        conf: conf({ port: 14_300 }).replaceAll("198.51.100.31", "2001:db8::31"),
        at: { "[2001:db8::31]:14300": real },
        yaml,
      });
      const { verdict, monitors } = rowOf(json);
      return [verdict, ...monitors.map(({ monitor }) => monitor)].join(" ");
    };
    expect(await seen('members: [{ match: "[2001:db8::31]:14300", protocol: imap }]')).toBe(
      "blind_monitor tcp imap_greeting",
    );
    expect(
      await seen(
        'members: [{ match: "[2001:db8::31]:14300", protocol: imap, looks: { mail: false } }]',
      ),
    ).toBe("agree_up tcp");
    expect(
      await seen('exclude: [{ member: "[2001:db8::31]:14300", from: judging, reason: x }]'),
    ).toBe("unknown tcp");
  },
);

worldTest.concurrent(
  "compare › looks with the configured host when a member is given by its address",
  async ({ web, compare }) => {
    const port = await web((request, response) => {
      response.writeHead(request.headers.host === "intra.example.net" ? 200 : 503).end("ok");
    });
    const json = await compare({
      conf: conf({ port: 8087, type: "HTTP" }),
      at: { "198.51.100.31:8087": port },
      yaml: 'members: [{ match: "198.51.100.31:8087", host: intra.example.net }]',
    });
    expect(rowOf(json)).toMatchObject({ verdict: "agree_up", opinions: { service: "up" } });
  },
);
