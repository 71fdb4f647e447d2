import { expect } from "vitest";
import { member, worldTest, type WorldFixtures } from "../support/compared-world.ts";

/*
 * Servers that accept connections and refuse service in their greeting, behind a monitor that checks the port alone. Names tell
 * nothing; at odd ports the configuration gives the protocol.
 */

interface Refusing {
  readonly what: string;
  readonly greeting: string;
  readonly port: number;
  readonly tls?: true;
  /** `members:` of the configuration, where the port says nothing. */
  readonly spoken?: string;
}

const CLOSING = "421 relay.example.net Service not available, closing transmission channel\r\n";
const BYE = "* BYE Server shutting down\r\n";
const NO = "-ERR server is closed for the night\r\n";

const REFUSING: readonly Refusing[] = [
  { what: "SMTP", greeting: CLOSING, port: 25 },
  { what: "SMTP, a reply of two lines", greeting: `421-node7\r\n${CLOSING}`, port: 587 },
  { what: "SMTP over TLS", greeting: CLOSING, port: 465, tls: true },
  { what: "SMTP, no longer active", greeting: "421 4.3.2 Service not active\r\n", port: 25 },
  { what: "SMTP, no service here", greeting: "554 No SMTP service here\r\n", port: 25 },
  { what: "SMTP at an odd port", greeting: CLOSING, port: 2525, spoken: "smtp" },
  { what: "IMAP", greeting: BYE, port: 143 },
  { what: "IMAP over TLS", greeting: BYE, port: 993, tls: true },
  { what: "IMAP, unavailable", greeting: "* BYE [UNAVAILABLE] later\r\n", port: 143 },
  { what: "IMAP at an odd port", greeting: BYE, port: 14300, spoken: "imap" },
  { what: "POP3", greeting: NO, port: 110 },
  { what: "POP3 over TLS", greeting: NO, port: 995, tls: true },
  { what: "POP3, a passing fault", greeting: "-ERR [SYS/TEMP] later\r\n", port: 110 },
  { what: "POP3 at an odd port", greeting: NO, port: 11000, spoken: "pop3" },
];

async function judged(
  { greeting, port, tls, spoken }: Refusing,
  { listening, compare }: Pick<WorldFixtures, "listening" | "compare">,
) {
  const real = await listening((socket) => socket.end(greeting), tls);
  const json = await compare({
    conf: `add server node7 198.51.100.17
add serviceGroup sg_7 TCP
bind serviceGroup sg_7 node7 ${String(port)}
bind serviceGroup sg_7 -monitorName tcp
add lb vserver v_7 TCP 0.0.0.0 0
bind lb vserver v_7 sg_7
`,
    at: { [`198.51.100.17:${String(port)}`]: real },
    ...(spoken === undefined
      ? {}
      : { yaml: `members: [ { match: "node7:${String(port)}", protocol: ${spoken} } ]` }),
  });
  return member(json, "sg_7", "node7");
}

worldTest.concurrent.for(REFUSING)(
  "greeting that refuses everybody › is blind_monitor: $what",
  async (refusing, { listening, compare }) => {
    expect(await judged(refusing, { listening, compare })).toMatchObject({
      verdict: "blind_monitor",
      opinions: { adc: "up", replica: "up", service: "down" },
    });
  },
);

worldTest.concurrent.for<Refusing>([
  {
    what: "no receive connector for this agent",
    greeting: "421 4.3.2 Service not available\r\n",
    port: 25,
  },
  {
    what: "no receive connector, at an odd port",
    greeting: "421 4.3.2 Service not available\r\n",
    port: 2525,
    spoken: "smtp",
  },
  {
    what: "too many from this source",
    greeting: "421 4.3.2 Too many connections from this source\r\n",
    port: 25,
  },
  { what: "a policy", greeting: "554 5.7.1 Access denied\r\n", port: 25 },
])(
  "greeting that refuses this agent alone › leaves the service unknown: $what",
  async (refusing, { listening, compare }) => {
    expect(await judged(refusing, { listening, compare })).toMatchObject({
      verdict: "agree_up",
      opinions: { service: "unknown" },
    });
  },
);
