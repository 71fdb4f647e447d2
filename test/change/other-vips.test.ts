import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { TLSSocket, createSecureContext } from "node:tls";
import { expect } from "vitest";
import { memberKey } from "../../src/model/adc-state.ts";
import { serverTls } from "../probes/transactions/transaction-spec.ts";
import {
  member,
  worldTest,
  type Cleanup,
  type Compared,
  type WorldFixtures,
} from "../support/compared-world.ts";
import { closedPort, conversation, type Behaviour } from "../support/scripted-server.ts";

/* Virtual servers of the kinds that administrators report, with other names, ports and settings than elsewhere. */

const hangUp: Behaviour = (socket) => socket.end();
const imap = conversation("* OK ready\r\n", [
  [/^(\S+) CAPABILITY/i, "* CAPABILITY IMAP4REV1\r\na1 OK done\r\n"],
  [/LOGOUT/i, "* BYE\r\na9 OK\r\n"],
]);
const alive: RequestListener = (_request, response) => response.end("alive");

function verdictsOf({ rows, vservers, status }: Compared) {
  return {
    members: rows.map(({ server, verdict }) => `${server} ${verdict}`),
    vservers: vservers.map(
      ({ vserver, verdict, reason }) => `${vserver} ${verdict} ${reason ?? "-"}`,
    ),
    status,
  };
}

const TWO_IMAPS = `add server post1 198.51.100.51
add server post2 198.51.100.52
add service s1 post1 SSL_BRIDGE 993
add service s2 post2 SSL_BRIDGE 993
add lb vserver v_post SSL_BRIDGE 192.0.2.51 993
bind lb vserver v_post s1
bind lb vserver v_post s2
`;

worldTest.concurrent(
  "compare › reports the UP vserver too when both servers accept and hang up and have default monitors",
  async ({ listening, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: TWO_IMAPS,
        at: {
          "198.51.100.51:993": await listening(hangUp),
          "198.51.100.52:993": await listening(hangUp),
          "192.0.2.51:993": await listening(hangUp),
        },
      }),
    );
    expect(seen.vservers).toEqual(["v_post vip_up_members_down closed_without_data"]);
    expect(seen.members.every((each) => /(blind_monitor|routes_to_maintenance)$/.test(each))).toBe(
      true,
    );
    expect(seen.status).toBe(2);
  },
);

worldTest.concurrent(
  "compare › reports only the failing server when the other one works",
  async ({ listening, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: TWO_IMAPS,
        at: {
          "198.51.100.51:993": await listening(imap, true),
          "198.51.100.52:993": await listening(hangUp, true),
          "192.0.2.51:993": await listening(imap, true),
        },
      }),
    );
    expect(seen.vservers).toEqual(["v_post vip_agree_up ok"]);
    expect(seen.members[0]).toBe("post1 agree_up");
    expect(seen.members[1]).toMatch(/^post2 (blind_monitor|routes_to_maintenance)$/);
  },
);

type Servers = Pick<WorldFixtures, "listening" | "web">;

const OFFLOADED = `add server app1 198.51.100.61
add serviceGroup sg_app HTTP
bind serviceGroup sg_app app1 8090
add lb monitor m_app HTTP-ECV -send "GET /alive" -recv alive -interval 10 -resptimeout 3
bind serviceGroup sg_app -monitorName m_app
add lb vserver v_app SSL 192.0.2.61 443
bind lb vserver v_app sg_app
`;

worldTest.concurrent.for<[string, (servers: Servers) => Promise<number>, string]>([
  [
    "the ADC's own 503",
    ({ web }) =>
      web(
        (_request, response) => response.writeHead(503).end("Http/1.1 Service Unavailable"),
        true,
      ),
    "v_app vip_down_members_up adc_no_service",
  ],
  ["a closed port", closedPort, "v_app vip_down_members_up refused"],
  [
    "a reset in the handshake",
    ({ listening }) => listening((socket) => socket.resetAndDestroy()),
    "v_app vip_down_members_up reset",
  ],
  ["the application", ({ web }) => web(alive, true), "v_app vip_agree_up ok"],
])(
  "compare › judges an offloaded vserver behind %s",
  async ([, vip, told], { listening, web, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: OFFLOADED,
        at: {
          "198.51.100.61:8090": await web(alive),
          "192.0.2.61:443": await vip({ listening, web }),
        },
      }),
    );
    expect(seen.vservers).toEqual([told]);
    expect(seen.members).toEqual(["app1 agree_up"]);
  },
);

worldTest.concurrent(
  "compare › reports vip_wrong_certificate when the certificate lacks the name that clients use",
  async ({ web, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: OFFLOADED,
        at: { "198.51.100.61:8090": await web(alive), "192.0.2.61:443": await web(alive, true) },
        yaml: "vservers: { v_app: { names: [portal.example.net], host: portal.example.net, public: [] } }",
      }),
    );
    expect(seen.vservers[0]).toMatch(/^v_app vip_wrong_certificate/);
  },
);

worldTest.concurrent.for([
  ["denies this agent's", "::1", "v_six unknown agent_path"],
  ["denies another", "2001:db8::9", "v_six vip_down_members_up refused"],
] as const)(
  "compare › judges a dead IPv6 VIP when an ACL %s address",
  async ([, source, told], { web, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: `add server app6 2001:db8::61
add serviceGroup sg_six HTTP
bind serviceGroup sg_six app6 8091
add lb monitor m_six HTTP-ECV -send "GET /alive" -recv alive -interval 10 -resptimeout 3
bind serviceGroup sg_six -monitorName m_six
add lb vserver v_six HTTP 2001:db8::62 80
bind lb vserver v_six sg_six
add ns acl6 a6 DENY -srcIPv6 = ${source} -priority 10
`,
        at: { "[2001:db8::61]:8091": await web(alive) },
        mapped: { "[2001:db8::62]:80": `[::1]:${String(await closedPort())}` },
      }),
    );
    expect(seen.vservers).toEqual([told]);
  },
);

worldTest.concurrent(
  "compare › sends a PROXY header V1 before TLS from replica and look",
  async ({ listening, compare }) => {
    const real = await listening((socket) => {
      socket.once("data", (data: Buffer) => {
        const end = data.indexOf("\r\n");
        if (!data.subarray(0, 6).equals(Buffer.from("PROXY ")) || end === -1) {
          socket.destroy();
          return;
        }
        socket.pause();
        socket.unshift(data.subarray(end + 2));
        const { key, cert } = serverTls();
        const secured = new TLSSocket(socket, {
          isServer: true,
          secureContext: createSecureContext({ key, cert }),
        });
        secured.on("error", () => undefined);
        secured.once("data", () =>
          secured.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive"),
        );
      });
    });
    const json = await compare({
      conf: `add netProfile np -proxyProtocol ENABLED
add server app1 198.51.100.71
add serviceGroup sg_p SSL -netProfile np
bind serviceGroup sg_p app1 8443
add lb monitor m_p HTTP-ECV -send "GET /alive" -recv alive -secure YES -interval 10 -resptimeout 3
bind serviceGroup sg_p -monitorName m_p
add lb vserver v_p SSL 0.0.0.0 0
bind lb vserver v_p sg_p
`,
      at: { "198.51.100.71:8443": real },
    });
    expect(member(json, "sg_p", "app1")).toMatchObject({
      verdict: "agree_up",
      opinions: { replica: "up", service: "up" },
    });
  },
);

worldTest.concurrent(
  "compare › reports drained_undeclared and no outage of the vserver when the ADC has taken a member out",
  async ({ listening, compare }) => {
    const seen = verdictsOf(
      await compare({
        conf: TWO_IMAPS,
        at: {
          "198.51.100.51:993": await listening(imap, true),
          "198.51.100.52:993": await listening(imap, true),
          "192.0.2.51:993": await listening(imap, true),
        },
        believes: ({ members }) => {
          members.set(memberKey("s2", "post2", 993), {
            state: "OUT OF SERVICE",
            sinceChangeMs: 3_600_000,
          });
        },
      }),
    );
    expect(seen.members).toEqual(["post1 agree_up", "post2 drained_undeclared"]);
    expect(seen.vservers).toEqual(["v_post vip_agree_up ok"]);
  },
);

/** A name server that knows one zone, over UDP. */
async function nameServer(zone: string, cleanUp: Cleanup): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    const name = question.subarray(12).toString("latin1").toLowerCase();
    const labels = zone.split(".").map((label) => String.fromCharCode(label.length) + label);
    const knows = name.startsWith(`${labels.join("")}\0`);
    const answer = Buffer.from(question);
    answer.writeUInt16BE(knows ? 0x8580 : 0x8583, 2);
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  cleanUp(() => {
    socket.close();
  });
  return socket.address().port;
}

worldTest.concurrent.for([
  ["no name is known to ask for", ""],
  ["the configuration names one", 'members: [{ match: "ns7:53", query: corp.example.net }]'],
] as const)(
  "compare › does not report a DNS vserver as down when %s",
  async ([, yaml], { compare, onTestFinished }) => {
    const port = await nameServer("corp.example.net", onTestFinished);
    const seen = verdictsOf(
      await compare({
        conf: `add server ns7 198.51.100.81
add serviceGroup sg_names DNS
bind serviceGroup sg_names ns7 53
add lb monitor m_names UDP-ECV -send x -recv x -state DISABLED
bind serviceGroup sg_names -monitorName m_names
add lb vserver v_names DNS 192.0.2.81 53
bind lb vserver v_names sg_names
`,
        at: { "198.51.100.81:53": port, "192.0.2.81:53": port },
        yaml,
      }),
    );
    expect(seen.vservers[0]).not.toMatch(/down|broken/);
    expect(seen.status).not.toBe(2);
  },
);

worldTest.concurrent.for([403, 404])(
  "compare › reports no outage of the vserver when only a monitor's page answers clients with %i",
  async (status, { web, compare }) => {
    const guarded: RequestListener = (request, response) =>
      request.url === "/alive" ? response.writeHead(status).end("no") : response.end("shop");
    const { vservers } = await compare({
      conf: OFFLOADED,
      at: { "198.51.100.61:8090": await web(alive), "192.0.2.61:443": await web(guarded, true) },
    });
    expect(vservers[0]).toMatchObject({
      verdict: "vip_agree_up",
      failing_replicas: [{ monitor: "m_app" }],
    });
  },
);

worldTest.concurrent(
  "compare › reports an outage of the vserver when every page is closed to clients",
  async ({ web, compare }) => {
    const closed: RequestListener = (_request, response) => response.writeHead(403).end("no");
    const seen = verdictsOf(
      await compare({
        conf: OFFLOADED,
        at: { "198.51.100.61:8090": await web(alive), "192.0.2.61:443": await web(closed, true) },
      }),
    );
    expect(seen.vservers[0]).toMatch(/^v_app vip_down_members_up/);
  },
);
