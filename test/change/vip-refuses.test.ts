import { once } from "node:events";
import type { createServer as createHttpServer } from "node:http";
import { type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { labCa } from "../../lab/certificates/lab-certificate.ts";
import { serverTls } from "../probes/transactions/transaction-spec.ts";
import { compareWorld, type Cleanup, type World } from "../support/compared-world.ts";
import { closedPort, serve, type Behaviour } from "../support/scripted-server.ts";

/*
 * A VIP that refuses this agent and serves others: by the ADC's own configuration, as NITRO tells it. The members are good
 * each time; the failure through the VIP then says nothing about clients.
 */

async function listening(
  server: ReturnType<typeof createHttpServer>,
  cleanUp: Cleanup,
): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server of a test, listening until the test is over. */
type Listen = (cleanUp: Cleanup) => Promise<number>;

const web =
  (answer: RequestListener, tls: object = {}): Listen =>
  async (cleanUp) => {
    const server = createHttpsServer({ ...serverTls(), ...tls }, answer);
    server.on("tlsClientError", () => undefined);
    return listening(server, cleanUp);
  };

const scripted =
  (behaviour: Behaviour, tls: object | null = null): Listen =>
  async (cleanUp) => {
    const server = await serve(behaviour, tls);
    cleanUp(() => server.close());
    return server.port;
  };

const owa: RequestListener = (request, response) => {
  response.setHeader("X-FEServer", "EX01");
  if (request.url?.endsWith("healthcheck.htm") === true) {
    response.end("200 OK<br/>EX01.example.com");
  } else {
    response.writeHead(302, { location: "https://mail.example.com/owa/auth/logon.aspx" }).end();
  }
};

const smtp: Behaviour = (socket) => {
  socket.write("220 ex01.example.com Microsoft ESMTP MAIL Service ready\r\n");
  socket.on("data", (data: Buffer) => {
    for (const line of data.toString().split("\r\n").slice(0, -1)) {
      socket.write(/^QUIT/i.test(line) ? "221 bye\r\n" : "250 ok\r\n");
    }
  });
};

const OWA = `add server EX01 198.51.100.11
add serviceGroup sg_owa SSL
bind serviceGroup sg_owa EX01 443
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 10 -resptimeout 9
bind serviceGroup sg_owa -monitorName m_owa
add lb vserver v_owa SSL 192.0.2.20 443
bind lb vserver v_owa sg_owa
`;
const SMTP = `add server EX01 198.51.100.11
add serviceGroup sg_exch_smtp TCP
bind serviceGroup sg_exch_smtp EX01 25
add lb monitor m_tcp TCP -interval 10 -resptimeout 9
bind serviceGroup sg_exch_smtp -monitorName m_tcp
`;
const V_SMTP = "add lb vserver v_smtp TCP 192.0.2.20 25\nbind lb vserver v_smtp sg_exch_smtp\n";
const FOREIGN = "CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16).NOT";
const YAML = "vservers: { v_owa: { host: mail.example.com } }";
/** With addresses in the configuration, and by the routes of this machine: to each of these VIPs they lead from 127.0.0.1. */
const SOURCES = ['source_addresses: ["127.0.0.1"]', ""] as const;
const respond = (status: string): string => `"\\"HTTP/1.1 ${status}\\r\\n\\r\\n\\""`;
const bindResponder = (policy: string): string =>
  `bind lb vserver v_owa -policyName ${policy} -priority 10 -gotoPriorityExpression END -type REQUEST\n`;

interface Case {
  readonly conf: string;
  readonly vip: Listen;
  readonly words?: string;
}

async function judged({ conf, vip }: Case, sources: string, cleanUp: Cleanup) {
  const isMail = conf.includes("v_smtp");
  const world: World = {
    conf,
    at: isMail
      ? { "198.51.100.11:25": await scripted(smtp)(cleanUp), "192.0.2.20:25": await vip(cleanUp) }
      : { "198.51.100.11:443": await web(owa)(cleanUp), "192.0.2.20:443": await vip(cleanUp) },
    yaml: `${sources}\n${YAML}`,
  };
  const { rows, vservers } = await compareWorld(world, cleanUp);
  expect(rows.map(({ verdict }) => verdict)).toEqual(["agree_up"]);
  const [vserver] = vservers;
  return vserver;
}

const rejecting = { requestCert: true, rejectUnauthorized: true, ca: labCa() };
const forbidden: RequestListener = (_, response) => {
  response.writeHead(403, { "content-length": 0 }).end();
};
const MANDATORY = "set ssl vserver v_owa -clientAuth ENABLED -clientCert Mandatory\n";
const IN_PROFILE = `add ssl profile fe -sslProfileType FrontEnd -clientAuth ENABLED -clientCert Mandatory
set ssl vserver v_owa -sslProfile fe
`;
const RESET = `add responder policy rp "${FOREIGN}" RESET\n`;

const REFUSED: readonly (readonly [name: string, refused: Case])[] = [
  [
    "a listen policy, connections are refused",
    {
      conf:
        SMTP +
        V_SMTP.replace(
          " 25\n",
          ' 25 -Listenpolicy "CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)" -Listenpriority 10\n',
        ),
      vip: closedPort,
      words: "-Listenpolicy of v_smtp refuses this agent",
    },
  ],
  [
    "an ACL, before any byte",
    {
      conf: `${SMTP}${V_SMTP}add ns acl allow_lan ALLOW -srcIP = 10.1.0.0-10.1.255.255 -destIP = 192.0.2.20 -destPort = 25 -protocol TCP -priority 10
add ns acl deny_smtp DENY -destIP = 192.0.2.20 -destPort = 25 -protocol TCP -priority 20
`,
      vip: scripted((socket) => socket.resetAndDestroy()),
      words: "acl deny_smtp refuses this agent",
    },
  ],
  [
    "a mandatory client certificate, TLS 1.3",
    {
      conf: OWA + MANDATORY,
      vip: web(owa, rejecting),
      words: "v_owa requires a client certificate",
    },
  ],
  [
    "a mandatory client certificate, TLS 1.2",
    { conf: OWA + MANDATORY, vip: web(owa, { ...rejecting, maxVersion: "TLSv1.2" }) },
  ],
  [
    "a mandatory client certificate in a profile",
    { conf: OWA + IN_PROFILE, vip: web(owa, rejecting) },
  ],
  [
    "a responder that resets by source",
    {
      conf: OWA + RESET + bindResponder("rp"),
      vip: scripted((socket) => socket.on("data", () => socket.destroy()), serverTls()),
      words: "responder policy rp refuses this agent",
    },
  ],
  [
    "a responder that drops by source, bound globally",
    {
      conf: `${OWA}add responder policy rp "${FOREIGN}" DROP\nbind responder global rp 10 END -type REQ_DEFAULT\n`,
      vip: scripted((socket) => socket.on("data", () => socket.end()), serverTls()),
    },
  ],
  [
    "a responder that answers 403 by source",
    {
      conf: `${OWA}add responder action ra respondwith ${respond("403 Forbidden")}\nadd responder policy rp "${FOREIGN}" ra\n${bindResponder("rp")}`,
      vip: web(forbidden),
    },
  ],
  [
    "a simple ACL, for this address alone",
    {
      conf: `${SMTP}${V_SMTP}add ns simpleacl stop DENY -srcIP 127.0.0.1\n`,
      vip: closedPort,
      words: "simpleacl stop refuses this agent",
    },
  ],
  [
    "the application firewall, by source",
    {
      conf: `${OWA}add appfw policy waf "${FOREIGN}" APPFW_BLOCK\n${bindResponder("waf")}`,
      vip: web(forbidden),
      words: "appfw policy waf refuses this agent",
    },
  ],
  [
    "the application firewall, by what it thinks of a request",
    {
      conf: `${OWA}add appfw policy waf TRUE prof_owa\nbind appfw global waf 10 END -type REQ_DEFAULT\n`,
      vip: scripted((socket) => socket.on("data", () => socket.destroy()), serverTls()),
      words: "appfw policy waf may refuse this agent",
    },
  ],
  [
    "a rule that names a pattern set of addresses",
    {
      conf: `${OWA}add responder policy rp "CLIENT.IP.SRC.TYPECAST_TEXT_T.EQUALS_ANY(\\"friends\\").NOT" RESET\n${bindResponder("rp")}`,
      vip: scripted((socket) => socket.on("data", () => socket.destroy()), serverTls()),
      words: "responder policy rp may refuse this agent",
    },
  ],
];

test.concurrent.for(REFUSED)(
  "VIP that refuses this agent › is unknown, agent_path: %s",
  async ([, refused], context) => {
    for (const sources of SOURCES) {
      const seen = await judged(refused, sources, context.onTestFinished);
      expect(seen).toMatchObject({ verdict: "unknown", reason: "agent_path" });
      expect(seen?.refuses_agent).toContain(refused.words ?? "refuse");
    }
  },
);

const OUTAGES: readonly (readonly [name: string, refused: Case])[] = [
  ["nothing of the kind is configured", { conf: OWA, vip: web(forbidden) }],
  [
    "the responder takes other addresses than ours",
    {
      conf: `${OWA}add responder policy rp "CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)" RESET\n${bindResponder("rp")}`,
      vip: scripted((socket) => socket.on("data", () => socket.destroy()), serverTls()),
    },
  ],
  [
    "the listen policy lets us in",
    {
      conf:
        SMTP +
        V_SMTP.replace(" 25\n", ' 25 -Listenpolicy "CLIENT.IP.SRC.IN_SUBNET(127.0.0.0/8)"\n'),
      vip: closedPort,
    },
  ],
  [
    "the ACL drops others, or another port",
    {
      conf: `${SMTP}${V_SMTP}add ns acl one DENY -srcIP = 203.0.113.9 -priority 10
add ns acl other DENY -destIP = 192.0.2.20 -destPort = 587 -priority 20
add ns acl off DENY -destIP = 192.0.2.20 -priority 30 -state DISABLED
`,
      vip: closedPort,
    },
  ],
  [
    "a client certificate is optional",
    {
      conf: `${OWA}set ssl vserver v_owa -clientAuth ENABLED -clientCert Optional\n`,
      vip: scripted((socket) => socket.destroy(), serverTls()),
    },
  ],
  [
    "a responder answers 503 to everybody",
    {
      conf: `${OWA}add responder action ra respondwith ${respond("503 Later")}\nadd responder policy rp TRUE ra\n${bindResponder("rp")}`,
      vip: web((_, response) => response.writeHead(503).end("later")),
    },
  ],
  [
    "the application firewall stops everybody, or lets all by",
    {
      conf: `${OWA}add appfw policy all TRUE APPFW_BLOCK\n${bindResponder("all")}add appfw policy none TRUE APPFW_BYPASS\n${bindResponder("none").replace("10", "20")}`,
      vip: web(forbidden),
    },
  ],
  [
    "the application firewall refuses no connection",
    {
      conf: `${OWA}add appfw policy waf TRUE prof_owa\n${bindResponder("waf")}`,
      vip: closedPort,
    },
  ],
  [
    "a client certificate is asked of nobody who cannot connect",
    { conf: OWA + MANDATORY, vip: closedPort },
  ],
  [
    "a responder that resets by source answers nothing",
    { conf: OWA + RESET + bindResponder("rp"), vip: web(forbidden) },
  ],
  [
    "a responder that answers by source ends no connection, and none before it is made",
    {
      conf: `${OWA}add responder action ra respondwith ${respond("403 Forbidden")}\nadd responder policy rp "${FOREIGN}" ra\n${bindResponder("rp")}`,
      vip: closedPort,
    },
  ],
  [
    "the ADC itself says that it has no service, and no responder does",
    {
      conf: `${OWA}add responder action ra respondwith ${respond("403 Forbidden")}\nadd responder policy rp "${FOREIGN}" ra\n${bindResponder("rp")}`,
      vip: web((_, response) => response.writeHead(503).end("Http/1.1 Service Unavailable")),
    },
  ],
  [
    "the failure is none that the listen policy makes",
    {
      conf: OWA.replace(
        " 443\nbind lb",
        ` 443 -Listenpolicy "CLIENT.IP.SRC.EQ(10.1.1.1)"\nbind lb`,
      ),
      vip: web((_, response) => response.writeHead(500).end("broken")),
    },
  ],
];

test.concurrent.for(OUTAGES)(
  "VIP that fails › is vip_down_members_up when %s",
  async ([, outage], context) => {
    for (const sources of SOURCES) {
      const seen = await judged(outage, sources, context.onTestFinished);
      expect(seen).toMatchObject({ verdict: "vip_down_members_up", refuses_agent: null });
    }
  },
);
