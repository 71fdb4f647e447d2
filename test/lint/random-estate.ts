import fc from "fast-check";
import { writeWord } from "../../src/adc/nsconf/statements.ts";

/** Names of one length and one of another: an ADC's names run to 127 characters, its monitors' to 31. */
const name = (prefix: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(6), fc.constantFrom("", "-of-a-department-with-a-long-name", " x"))
    .map(([number, tail]) => `${prefix}${String(number)}${tail}`);

const SERVICE_PORTS = [
  ["HTTP", 80],
  ["HTTP", 8080],
  ["SSL", 443],
  ["SSL", 8443],
  ["SSL_BRIDGE", 443],
  ["SSL_BRIDGE", 993],
  ["TCP", 25],
  ["TCP", 143],
  ["TCP", 993],
  ["TCP", 110],
  ["TCP", 389],
  ["TCP", 636],
  ["TCP", 1433],
  ["TCP", 3389],
  ["TCP", 9999],
  ["UDP", 123],
  ["UDP", 514],
  ["UDP", 999],
  ["DNS", 53],
  ["DNS_TCP", 53],
  ["RADIUS", 1812],
  ["FTP", 21],
  ["ANY", 0],
] as const;

const address = fc.nat(5).map((last) => `10.1.0.${String(last + 1)}`);
const word = fc.constantFrom(
  "ok",
  "200 OK",
  "200",
  "",
  'it\'s "quoted" \\ (so)',
  "HTTP/1.1 200 OK",
  "#start",
  "-dash",
  "ä €",
  "a;b|c",
);
const path = fc.constantFrom(
  "/",
  "/owa/healthcheck.htm",
  "/ews/healthcheck.htm",
  "/app?a=b#c",
  "/x y",
);

const options: fc.Arbitrary<string> = fc
  .record(
    {
      "-interval": fc.constantFrom("1", "2", "30", "10 MIN", "500 MSEC", "20"),
      "-resptimeout": fc.constantFrom("1", "5", "20", "400 MSEC"),
      "-downTime": fc.constantFrom("60", "2 MIN"),
      "-retries": fc.constantFrom("1", "2", "3", "10"),
      "-failureRetries": fc.constantFrom("1", "3"),
      "-destIP": fc.oneof(address, fc.constantFrom("127.0.0.1", "0.0.0.0")),
      "-destPort": fc.constantFrom("80", "143", "443", "993", "8202"),
      "-reverse": fc.constantFrom("YES", "NO"),
      "-secure": fc.constantFrom("YES", "NO"),
      "-LRTM": fc.constantFrom("ENABLED", "DISABLED"),
      "-state": fc.constantFrom("ENABLED", "DISABLED"),
    },
    { requiredKeys: [] },
  )
  .map((given) =>
    Object.entries(given)
      .map(([key, value]) => `${key} ${value}`)
      .join(" "),
  );

const headers = fc.constantFrom(
  "",
  '-customHeaders "Host: a.example.com\\r\\n"',
  '-customHeaders "Host: a.example.com"',
  '-customHeaders "hostname: a.example.com\\r\\n"',
  '-customHeaders "Authorization: Basic c2VjcmV0\\r\\n"',
  "-customHeaders Host:a.example.com\\r\\n",
);

const question: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("PING", "TCP", "UDP-ECV", "SMTP", "TCP-ECV"),
  fc
    .tuple(
      fc.constantFrom("GET", "HEAD"),
      path,
      fc.constantFrom("200", "200 301-302", "403 500", "401"),
      headers,
    )
    .map(
      ([method, page, codes, more]) =>
        `HTTP -httpRequest ${writeWord(`${method} ${page}`)} -respCode ${codes} ${more}`,
    ),
  fc
    .tuple(path, word, headers)
    .map(
      ([page, recv, more]) =>
        `HTTP-ECV -send ${writeWord(`GET ${page}`)} -recv ${writeWord(recv)} ${more}`,
    ),
  fc
    .tuple(word, word)
    .map(([send, recv]) => `TCP-ECV -send ${writeWord(send)} -recv ${writeWord(recv)}`),
  fc.constantFrom(
    "POP3 -userName a -password b -scriptName nspop3.pl",
    'USER -scriptName nsftp.pl -scriptArgs "user=x;password=secret"',
    'HTTP -httpRequest "GET /a HTTP/1.1\\r\\nHost: a.example.com\\r\\n\\r\\n"',
    "HTTP-ECV -send GET /x -recv ok",
    "DNS -query a.example.com -queryType Address -IPAddress 10.0.0.1",
  ),
);

const BUILT_INS = ["http", "https", "tcp", "tcps", "ping", "tcp-ecv", "http-ecv", "https-ecv"];
const rule = fc.constantFrom(
  'HTTP.REQ.URL.CONTAINS("/owa")',
  'HTTP.REQ.URL.PATH.STARTSWITH("/ews")',
  'HTTP.REQ.URL.CONTAINS("/ews") || HTTP.REQ.URL.CONTAINS("/autodiscover")',
  'HTTP.REQ.HOSTNAME.EQ("mail.example.com")',
  "true",
  'HTTP.REQ.URL.STARTSWITH("/shop")',
);

/** A configuration that an administrator could have: every kind of object that lint looks at, with all its mistakes. */
export const randomEstate: fc.Arbitrary<string> = fc
  .record({
    services: fc.uniqueArray(
      fc.record({
        name: name("svc"),
        group: fc.boolean(),
        place: fc.constantFrom(...SERVICE_PORTS),
        address,
        more: fc.constantFrom(
          "",
          "-healthMonitor NO",
          "-monThreshold 1",
          "-monThreshold 2",
          "-usip YES",
          '-comment "a; b"',
        ),
      }),
      { selector: (one) => one.name, minLength: 1, maxLength: 6 },
    ),
    monitors: fc.uniqueArray(
      fc.record({ name: name("mon").map((text) => text.slice(0, 31)), question, options }),
      { selector: (one) => one.name, maxLength: 6 },
    ),
    bindings: fc.array(
      fc.record({
        service: fc.nat(5),
        monitor: fc.nat(12),
        how: fc.constantFrom("", "-weight 3", "-monState DISABLED"),
      }),
      { maxLength: 10 },
    ),
    vservers: fc.uniqueArray(
      fc.record({
        name: name("vip"),
        type: fc.constantFrom("HTTP", "SSL", "TCP"),
        keys: fc.constantFrom(
          "",
          "-persistenceType SOURCEIP -timeout 240",
          "-lbMethod LRTM",
          "-cltTimeout 60",
          "-authn401 ON",
          "-persistenceType COOKIEINSERT -timeout 0 -Authentication ON -AuthenticationHost mail.example.com",
        ),
        services: fc.array(fc.nat(5), { maxLength: 3 }),
      }),
      { selector: (one) => one.name, maxLength: 4 },
    ),
    policies: fc.array(fc.record({ rule, target: fc.nat(4) }), { maxLength: 4 }),
    deny: fc.boolean(),
    others: fc.record({
      user: fc.constantFrom("none", "gslb", "route"),
      monitor: fc.nat(5),
      endsInPartition: fc.boolean(),
    }),
  })
  .map(({ services, monitors, bindings, vservers, policies, deny, others }) => {
    const lines = services.flatMap(
      ({ name: own, group, place: [type, port], address: ip, more }) => {
        const where = port === 0 ? "*" : String(port);
        return group
          ? [
              `add serviceGroup ${writeWord(own)} ${type} ${more}`,
              `bind serviceGroup ${writeWord(own)} ${ip} ${where}`,
            ]
          : [`add service ${writeWord(own)} ${ip} ${type} ${where} ${more}`];
      },
    );
    for (const { name: own, question: asked, options: given } of monitors) {
      lines.push(`add lb monitor ${writeWord(own)} ${asked} ${given}`);
    }
    for (const { service, monitor, how } of bindings) {
      const to = services[service % services.length];
      const all = [...monitors.map((one) => one.name), ...BUILT_INS];
      if (to !== undefined) {
        const kind = to.group ? "serviceGroup" : "service";
        lines.push(
          `bind ${kind} ${writeWord(to.name)} -monitorName ${writeWord(all[monitor % all.length] ?? "")} ${how}`,
        );
      }
    }
    vservers.forEach(({ name: own, type, keys, services: behind }, at) => {
      lines.push(
        `add lb vserver ${writeWord(own)} ${type} 10.9.0.${String(at + 1)} ${type === "HTTP" ? "80" : "443"} ${keys}`,
      );
      for (const service of new Set(
        behind.map((one) => services[one % services.length]?.name ?? ""),
      )) {
        lines.push(`bind lb vserver ${writeWord(own)} ${writeWord(service)}`);
      }
    });
    if (policies.length > 0 && vservers.length > 0) {
      lines.push("add cs vserver cs SSL 10.9.1.1 443");
      policies.forEach(({ rule: text, target }, at) => {
        const to = vservers[target % vservers.length]?.name ?? "";
        lines.push(
          `add cs action act${String(at)} -targetLBVserver ${writeWord(to)}`,
          `add cs policy pol${String(at)} -rule ${writeWord(text)} -action act${String(at)}`,
          `bind cs vserver cs -policyName pol${String(at)} -priority ${String(100 + at)}`,
        );
      });
    }
    const named = monitors[others.monitor]?.name;
    if (named !== undefined && others.user === "gslb") {
      lines.push(
        "add gslb site here 10.8.0.1",
        "add gslb service elsewhere 10.8.0.2 HTTP 80 -siteName here",
        `bind gslb service elsewhere -monitorName ${writeWord(named)}`,
      );
    }
    if (named !== undefined && others.user === "route") {
      lines.push(
        `add route 10.7.0.0 255.255.0.0 10.1.0.254 -msr ENABLED -monitor ${writeWord(named)}`,
      );
    }
    return [
      ...lines,
      ...(deny ? ["set tm sessionParameter -defaultAuthorizationAction DENY"] : []),
      ...(others.endsInPartition ? ["switch ns partition P1", "add server other 10.1.0.9"] : []),
    ].join("\n");
  });
