/** For each rule, configurations that it must flag and such that come near and must pass. */
export interface RuleCases {
  readonly fires: readonly string[];
  readonly misses: readonly string[];
}

const conf = (...lines: readonly string[]): string => lines.join("\n");

const WEB = "add service s 10.0.0.1 HTTP 80";
const TLS = "add service s 10.0.0.1 SSL 443";
const IMAP = "add service s 10.0.0.1 TCP 143";
const IMAPS = "add service s 10.0.0.1 TCP 993";
const SMTP = "add service exchange_smtp 10.0.0.1 TCP 25";
const BIND = "bind service s -monitorName m";
const health = (keys: string): string => `add lb monitor m ${keys}`;

const bindTo = (service: string): string => `bind service ${service} -monitorName m`;
const onPorts = (ports: readonly number[], keys: string, type = "TCP"): string =>
  conf(
    `add serviceGroup g ${type}`,
    ...ports.map((port) => `bind serviceGroup g 10.0.0.1 ${String(port)}`),
    health(keys),
    "bind serviceGroup g -monitorName m",
  );

const SWITCH = [
  "add lb vserver lb_owa SSL 0.0.0.0 0",
  "add lb vserver lb_ews SSL 0.0.0.0 0",
  "add cs vserver cs SSL 10.0.1.1 443",
  "add cs action to_owa -targetLBVserver lb_owa",
  "add cs action to_ews -targetLBVserver lb_ews",
];
const switched = (owa: string, ews: string, ...more: readonly string[]): string =>
  conf(
    ...SWITCH,
    `add cs policy p_owa -rule q{${owa}} -action to_owa`,
    `add cs policy p_ews -rule q{${ews}} -action to_ews`,
    "bind cs vserver cs -policyName p_owa -priority 100",
    "bind cs vserver cs -policyName p_ews -priority 110",
    ...more,
  );
const startsWith = (path: string): string => `HTTP.REQ.URL.PATH.STARTSWITH("${path}")`;
const contains = (path: string): string => `HTTP.REQ.URL.CONTAINS("${path}")`;
/** `/owa` leads to the same vserver by a rule of its own. */
const OWA_POLICY = conf(
  'add cs policy p_path -rule q{HTTP.REQ.URL.PATH.STARTSWITH("/owa")} -action to_owa',
  "bind cs vserver cs -policyName p_path -priority 90",
);
const CLEAN_SWITCH = switched(startsWith("/owa"), startsWith("/ews"));

const AAA = [
  "add authentication vserver aaa SSL 0.0.0.0",
  "add cs action to_aaa -targetVserver aaa",
  'add cs policy p_aaa -rule "HTTP.REQ.HOSTNAME.EQ(\\"aaa.example.com\\")" -action to_aaa',
];
/** A server of Exchange's behind `v`, known by its health page. */
const EXCHANGE = [
  "add service exch 10.0.0.9 SSL 443",
  'add lb monitor health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
  "bind service exch -monitorName health",
];
const IMAP_OF_EXCHANGE = conf(...EXCHANGE, "add service s 10.0.0.9 TCP 143");
const before = (vserver: string, ...more: readonly string[]): string =>
  conf(...EXCHANGE, vserver, `bind lb vserver ${vserver.split(" ")[3] ?? ""} exch`, ...more);
const RADIUS = "RADIUS -userName u -password p -radKey k -respCode 2";
const BY_HEADER = '-persistenceType RULE -rule "HTTP.REQ.HEADER(\\"Authorization\\")"';
const DENY = "add lb vserver v SSL 10.0.1.1 443 -authn401 ON";
const SSO = [
  "add tm trafficAction sso -SSO ON",
  "add tm trafficPolicy sso true sso",
  "bind lb vserver v -policyName sso -priority 1 -type REQUEST",
];

const SAVED = "#NS13.1 Build 37.38";
/** A saved configuration with vservers that work. */
const WHOLE = [
  SAVED,
  "add service web 10.0.0.9 HTTP 80",
  ...[1, 2, 3].flatMap((last) => [
    `add lb vserver web${String(last)} HTTP 10.0.1.${String(last + 10)} 80`,
    `bind lb vserver web${String(last)} web`,
  ]),
];
const TO_TLS = [
  'add responder action to_tls redirect "\\"https://a.example\\""',
  "add responder policy to_tls true to_tls",
];

/** What takes 400,000 statements: shown by the importer's own test. */
export const WITHOUT_CASE: ReadonlySet<string> = new Set(["import_too_large"]);

export const CASES: Readonly<Record<string, RuleCases>> = {
  ping_only: {
    fires: [
      conf(WEB, "bind service s -monitorName ping"),
      conf("add service s 10.0.0.1 UDP 123"),
      conf(WEB, "bind lb monitor ping s"),
      conf(WEB, "bind service s -monitorName arp"),
      conf(WEB, health("ARP"), BIND, "bind service s -monitorName ping"),
      conf(WEB, health("ND6"), BIND),
      conf(
        "add serviceGroup s SSL",
        "bind serviceGroup s 10.0.0.1 443",
        "bind serviceGroup s -monitorName PING",
      ),
    ],
    misses: [
      conf(WEB, "bind service s -monitorName ping", "bind service s -monitorName http"),
      conf("add service s 10.0.0.1 ANY *"),
      conf("add serviceGroup empty UDP"),
      conf("add ns ip 10.25.180.12 255.255.255.0", "add service s 10.25.180.12 ADNS 53"),
      "add service syslog 10.0.0.1 UDP 514",
      conf(WEB, health("PING -destIP 127.0.0.1"), BIND),
    ],
  },
  tcp_only: {
    fires: [
      IMAP,
      conf(SMTP, "bind service exchange_smtp -monitorName tcp"),
      conf(IMAP, "bind service s -monitorName tcp", "bind service s -monitorName ping"),
      conf(IMAP, "bind service s -monitorName tcp", "bind service s -monitorName arp"),
      conf(WEB, health("TCP"), BIND),
    ],
    misses: [
      conf(IMAP, health('TCP-ECV -recv "* OK"'), BIND),
      conf(IMAP, "bind service s -monitorName tcp", health('TCP-ECV -recv "* OK"'), BIND),
      conf("add service s 10.0.0.1 TCP *", health("TCP -destPort 22902"), BIND),
      IMAPS,
      // What no monitor decides is another finding.
      `${WEB} -healthMonitor NO`,
    ],
  },
  tcp_on_tls: {
    fires: [
      IMAPS,
      TLS,
      conf("add service s 10.0.0.1 SSL_TCP 636", "bind service s -monitorName tcp"),
    ],
    misses: [
      conf(IMAPS, "bind service s -monitorName tcps"),
      conf(TLS, "bind service s -monitorName https"),
      IMAP,
      "add service s 10.0.0.1 SSL_BRIDGE 443",
    ],
  },
  ssl_bridge_tcp: {
    fires: ["add service s 10.0.0.1 SSL_BRIDGE 443", "add service s 10.0.0.1 SSL_BRIDGE 9999"],
    misses: [
      conf("add service s 10.0.0.1 SSL_BRIDGE 443", "bind service s -monitorName tcps"),
      TLS,
    ],
  },
  smtp_banner_only: {
    fires: [
      conf(
        SMTP,
        "add lb monitor m SMTP -resptimeout 8 -interval 30",
        "bind service exchange_smtp -monitorName m",
      ),
    ],
    misses: [
      conf(
        "add service relay 10.0.0.1 TCP 25",
        "add lb monitor m SMTP",
        "bind service relay -monitorName m",
      ),
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -send "EHLO a\\r\\nMAIL FROM:<>\\r\\n" -recv "250 2.1.0"',
        "bind service exchange_smtp -monitorName m",
      ),
    ],
  },
  udp_without_recv: {
    fires: [conf("add service s 10.0.0.1 UDP 123", health("UDP-ECV"), BIND)],
    misses: [conf("add service s 10.0.0.1 UDP 123", health("UDP-ECV -send a -recv b"), BIND)],
  },
  http_ignores_body: {
    fires: [conf(TLS, health('HTTP -httpRequest "GET /owa/healthcheck.htm" -secure YES'), BIND)],
    misses: [
      conf(
        TLS,
        health('HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES'),
        BIND,
      ),
      conf(WEB, health('HTTP -httpRequest "GET /status"'), BIND),
    ],
  },
  header_without_line_end: {
    fires: [
      conf(WEB, health('HTTP -httpRequest "GET /a" -customHeaders "Host: app.example.com"'), BIND),
    ],
    misses: [
      conf(
        WEB,
        health('HTTP -httpRequest "GET /a" -customHeaders "Host: a.example.com\\r\\n"'),
        BIND,
      ),
      conf(WEB, health('HTTP -httpRequest "GET /a"'), BIND),
    ],
  },
  header_without_colon: {
    fires: [
      conf(WEB, health('HTTP -httpRequest "GET /" -customHeaders "Host a.example\\r\\n"'), BIND),
      conf(WEB, health('HTTP-ECV -recv ok -customHeaders "Host: a.example\\r\\nfoo\\r\\n"'), BIND),
    ],
    misses: [
      conf(WEB, health('HTTP -httpRequest "GET /" -customHeaders "Host: a.example\\r\\n"'), BIND),
      conf(WEB, health('HTTP-ECV -recv ok -customHeaders "X-A: a,\\r\\n b\\r\\n"'), BIND),
      conf(WEB, health('TCP-ECV -send "GET /" -recv ok'), BIND),
    ],
  },
  host_in_request: {
    fires: [
      conf(
        WEB,
        health('HTTP -httpRequest "GET /a HTTP/1.1\\r\\nHost: a.example.com\\r\\n\\r\\n"'),
        BIND,
      ),
    ],
    misses: [
      conf(WEB, health('TCP-ECV -send "GET /a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" -recv ok'), BIND),
      conf(WEB, health('HTTP -httpRequest "GET /a?host=b"'), BIND),
    ],
  },
  resp_codes_accept_errors: {
    fires: [
      conf(WEB, health('HTTP -respCode 200 403 404 500 -httpRequest "GET /a"'), BIND),
      conf(WEB, health('HTTP -respCode 503 -httpRequest "GET /a"'), BIND),
      conf(WEB, health('HTTP -respCode 200-499 -httpRequest "GET /a"'), BIND),
    ],
    misses: [
      conf(WEB, health('HTTP -respCode 200 301-302 401 -httpRequest "GET /a"'), BIND),
      conf(WEB, health('HTTP -respCode 404 -httpRequest "GET /a" -reverse YES'), BIND),
    ],
  },
  monitor_of_another_directory: {
    fires: [
      conf(
        switched(startsWith("/owa"), startsWith("/ews")),
        ...EXCHANGE,
        "bind lb vserver lb_ews exch",
      ),
      conf(...EXCHANGE, "add lb vserver v_ews SSL 0.0.0.0 0", "bind lb vserver v_ews exch"),
    ],
    misses: [
      conf(
        switched(startsWith("/owa"), startsWith("/ews")),
        ...EXCHANGE,
        "bind lb vserver lb_owa exch",
      ),
      before("add lb vserver v SSL 10.0.1.1 443"),
    ],
  },
  head_request: {
    fires: [
      conf(WEB, "bind service s -monitorName http"),
      conf(WEB, health('HTTP -httpRequest "HEAD /owa/healthcheck.htm"'), BIND),
      conf(
        "add service Exchange_2010_owa 10.0.0.1 HTTP 80",
        "bind service Exchange_2010_owa -monitorName http",
      ),
    ],
    misses: [
      conf(WEB, health('HTTP -httpRequest "GET /"'), BIND),
      conf(WEB, health('HTTP -httpRequest "HEAD /pki/root.crl"'), BIND),
      conf(WEB, health('HTTP -respCode 200 302 -httpRequest "HEAD /"'), BIND),
      conf(WEB, health('HTTP -respCode 200 403 -httpRequest "HEAD /"'), BIND),
      conf(WEB, health('HTTP -httpRequest "HEAD /"'), `${BIND} -monState DISABLED`),
      conf(WEB, "set lb monitor http HTTP -interval 7"),
    ],
  },
  ecv_without_recv: {
    fires: [
      conf(WEB, health('HTTP-ECV -send "GET /"'), BIND),
      conf(WEB, health('HTTP-ECV -send "GET /" -recv ""'), BIND),
      conf(TLS, "bind service s -monitorName https-ecv"),
    ],
    misses: [
      conf(WEB, health('HTTP-ECV -send "GET /" -recv ok'), BIND),
      conf(WEB, health("HTTP"), BIND),
    ],
  },
  recv_bare_200: {
    fires: [
      conf(WEB, health('HTTP-ECV -send "GET /" -recv 200'), BIND),
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1\\r\\n\\r\\n" -recv "200"'), BIND),
    ],
    misses: [conf(WEB, health('HTTP-ECV -send "GET /" -recv "200 OK"'), BIND)],
  },
  recv_outside_window: {
    fires: [
      conf(WEB, health('HTTP-ECV -send "GET /" -recv "HTTP/1.1 200 OK"'), BIND),
      conf(WEB, health('HTTP-ECV -send "GET /" -recv "X-FEServer: EX01"'), BIND),
      conf(WEB, health(`HTTP-ECV -send "GET /" -recv ${"a".repeat(24_577)}`), BIND),
    ],
    misses: [
      conf(WEB, health('HTTP-ECV -send "GET /" -recv "200 OK"'), BIND),
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1\\r\\n\\r\\n" -recv "HTTP/1.1 200 OK"'), BIND),
      conf(WEB, health(`HTTP-ECV -send "GET /" -recv ${"a".repeat(24_576)}`), BIND),
    ],
  },
  wrong_host_header: {
    fires: [
      conf(
        WEB,
        health('HTTP-ECV -send "GET /" -recv ok -customHeaders "hostname: a.example.com\\r\\n"'),
        BIND,
      ),
    ],
    misses: [
      conf(
        WEB,
        health('HTTP-ECV -send "GET /" -recv ok -customHeaders "host:a.example.com\\r\\n"'),
        BIND,
      ),
    ],
  },
  lost_backslashes: {
    fires: [
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1rnHost: a.example.comrnrn" -recv ok'), BIND),
      conf(
        WEB,
        health("HTTP-ECV -send GET -recv ok -customHeaders Host:a.example.com\\r\\n"),
        BIND,
      ),
    ],
    misses: [
      conf(
        WEB,
        health('TCP-ECV -send "GET / HTTP/1.1\\r\\nHost: a.example.com\\r\\n\\r\\n" -recv ok'),
        BIND,
      ),
      conf(WEB, health('HTTP-ECV -send "GET /internal/return" -recv turn'), BIND),
    ],
  },
  tcp_ecv_empty: {
    fires: [conf(IMAP, health("TCP-ECV"), BIND), conf(IMAP, "bind service s -monitorName tcp-ecv")],
    misses: [
      conf(IMAP, health('TCP-ECV -recv "* OK"'), BIND),
      conf(IMAP, health("TCP-ECV -send a"), BIND),
    ],
  },
  send_too_long: {
    fires: [conf(IMAP, health(`TCP-ECV -send ${"é".repeat(257)} -recv a`), BIND)],
    misses: [conf(IMAP, health(`TCP-ECV -send ${"a".repeat(512)} -recv a`), BIND)],
  },
  recv_too_long: {
    fires: [conf(IMAP, health(`TCP-ECV -recv ${"a".repeat(129)}`), BIND)],
    misses: [
      conf(IMAP, health(`TCP-ECV -recv ${"a".repeat(128)}`), BIND),
      conf(WEB, health(`HTTP-ECV -recv ${"a".repeat(129)}`), BIND),
    ],
  },
  speaks_before_greeting: {
    fires: [
      conf(SMTP, health('TCP-ECV -send "EHLO a\\r\\n" -recv 250'), bindTo("exchange_smtp")),
      conf(
        "add service s 10.0.0.1 TCP 2525",
        health('TCP-ECV -send "MAIL FROM:<a@b.example>\\r\\n" -recv 250 -destPort 587'),
        BIND,
      ),
    ],
    misses: [
      conf(SMTP, health("TCP-ECV -recv 220"), bindTo("exchange_smtp")),
      conf(SMTP, health('TCP-ECV -send "QUIT\\r\\n" -recv 220'), bindTo("exchange_smtp")),
      conf(
        "add service s 10.0.0.1 TCP 8025",
        health('TCP-ECV -send "EHLO a\\r\\n" -recv 250'),
        BIND,
      ),
    ],
  },
  request_without_end: {
    fires: [
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1" -recv 200'), BIND),
      conf(
        WEB,
        health('TCP-ECV -send "GET / HTTP/1.1\\r\\nHost: a.example\\r\\n" -recv "OK"'),
        BIND,
      ),
      conf(WEB, health('TCP-ECV -send "HEAD /internal HTTP/1.0\\r\\n" -recv "OK"'), BIND),
      conf(
        WEB,
        health('TCP-ECV -send "GET / HTTP/1.1\\r\\nAuthorization: Basic YTpi" -recv "OK"'),
        BIND,
      ),
    ],
    misses: [
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.0\\r\\n\\r\\n" -recv OK'), BIND),
      conf(WEB, health('HTTP-ECV -send "GET / HTTP/1.1" -recv OK'), BIND),
      conf(WEB, health('TCP-ECV -send "GET /" -recv OK'), BIND),
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1\\n\\n" -recv OK'), BIND),
      conf(WEB, health('TCP-ECV -send "GET / HTTP/1.1rnrn" -recv OK'), BIND),
    ],
  },
  missing_secure: {
    fires: [
      conf(TLS, health('HTTP-ECV -send "GET /" -recv ok'), BIND),
      conf(IMAPS, health('TCP-ECV -recv "* OK"'), BIND),
      conf(IMAP, health('TCP-ECV -recv "* OK" -destPort 993'), BIND),
      conf(TLS, health("STOREFRONT -storename Store -storefrontacctservice YES"), BIND),
      conf(TLS, health("CITRIX-XML-SERVICE"), BIND),
      conf(TLS, health("citrix-xd-ddc"), BIND),
      conf(TLS, health('CITRIX-WEB-INTERFACE -sitePath "/Citrix/PNAgent/"'), BIND),
      conf("add service s 10.0.0.1 TCP 443", health("CITRIX-XNC-ECV"), BIND),
      conf(TLS, health("CITRIX-STA-SERVICE"), BIND, "bind service s -monitorName sta"),
    ],
    misses: [
      conf(TLS, health('HTTP-ECV -send "GET /" -recv ok -secure YES'), BIND),
      conf(TLS, health("STOREFRONT -storename Store -secure YES"), BIND),
      conf(TLS, health("CITRIX-AG"), BIND),
      conf(WEB, health("STOREFRONT -storename Store"), BIND),
      conf(TLS, "bind service s -monitorName stasecure"),
      conf(IMAP, health('TCP-ECV -recv "* OK"'), BIND),
      conf(TLS, health('HTTP-ECV -send "GET /" -recv ok -destPort 80'), BIND),
      conf("add service s 10.0.0.1 TCP 465", health('TCP-ECV -recv "220 "'), BIND),
      // Type HTTP speaks clear text to whatever port, and so may its monitors.
      conf("add service s 10.0.0.1 HTTP 443", health('HTTP -httpRequest "GET /a"'), BIND),
      conf("add service s 10.0.0.1 TCP 8443", health('HTTP -httpRequest "GET /a"'), BIND),
    ],
  },
  secure_to_clear_port: {
    fires: [
      conf(WEB, health('HTTP -httpRequest "GET /a" -secure YES'), BIND),
      conf(WEB, "bind service s -monitorName https"),
      conf(
        IMAP,
        'add lb monitor m TCP-ECV -recv "* OK" -secure YES',
        BIND,
        IMAPS.replace(" s ", " t "),
        "bind service t -monitorName m",
      ),
    ],
    misses: [
      conf(TLS, health('HTTP -httpRequest "GET /a" -secure YES'), BIND),
      conf(
        "add service s 10.0.0.1 HTTP 8443",
        health('HTTP -httpRequest "GET /a" -secure YES'),
        BIND,
      ),
      conf(WEB, health('HTTP -httpRequest "GET /a" -secure YES -destPort 443'), BIND),
    ],
  },
  unquoted_value: {
    fires: [
      conf(WEB, health('HTTP-ECV -send GET -recv "all is well"'), BIND),
      conf(WEB, health("HTTP-ECV -send GET /a -recv ok"), BIND),
    ],
    misses: [conf(WEB, health('HTTP-ECV -send "GET /a" -recv ok'), BIND)],
  },
  option_of_another_type: {
    fires: [
      conf(WEB, health('HTTP -httpRequest "GET /a" -recv ok'), BIND),
      conf("add service s 10.0.0.1 UDP 123", health("UDP-ECV -send a -recv ok -secure YES"), BIND),
      conf("add service s 10.0.0.1 DNS 53", health("DNS -query a.example -secure YES"), BIND),
    ],
    misses: [
      conf("add service s 10.0.0.1 UDP 123", health("UDP-ECV -send a -recv ok -secure NO"), BIND),
      conf(WEB, health("STOREFRONT -storename Store -respCode 200"), BIND),
      conf(WEB, health('HTTP-ECV -send "GET /a" -recv ok'), BIND),
      conf(WEB, health("STOREFRONT -storename Store -storefrontacctservice YES"), BIND),
    ],
  },
  required_option_missing: {
    fires: [
      conf(IMAP, health("POP3 -scriptName nspop3.pl"), BIND),
      conf(WEB, health("LDAP -scriptName nsldap.pl -filter cn=builtin"), BIND),
      conf(WEB, health("TCP -transparent YES -destPort 80"), BIND),
      conf(WEB, health("TCP -tos YES -destIP 10.0.0.9 -destPort 80"), BIND),
    ],
    misses: [
      conf(IMAP, health("POP3 -scriptName nspop3.pl -userName u -password p"), BIND),
      conf(WEB, health('LDAP -scriptName nsldap.pl -baseDN "dc=a" -password p -encrypted'), BIND),
      conf(WEB, health("TCP -tos YES -tosId 3 -destIP 10.0.0.9 -destPort 80"), BIND),
    ],
  },
  refused_by_adc: {
    fires: [
      conf(WEB, health(`HTTP -respCode ${"200 ".repeat(17).trim()}`), BIND),
      conf(IMAP, health('TCP-ECV -recv "* OK"'), `${BIND} -passive`),
      conf("add service s 10.0.0.1 DNS 53", "bind service s -monitorName ldns-dns"),
    ],
    misses: [
      conf(WEB, health(`HTTP -respCode ${"200 ".repeat(16).trim()}`), BIND),
      conf(WEB, health("LOAD"), `${BIND} -passive`),
      health("LDNS-DNS -query a.example -queryType Address"),
    ],
  },
  password_in_script_args: {
    fires: [
      conf(IMAP, health('USER -scriptName nsftp.pl -scriptArgs "user=x;password=secret"'), BIND),
      conf(IMAP, health('USER -scriptName nspop3.pl -scriptArgs "itest;secret"'), BIND),
      conf(IMAP, health('USER -scriptName a.pl -scriptArgs "--user a --pwd geheim"'), BIND),
      conf(IMAP, health('USER -scriptName a.pl -scriptArgs "-u a -p geheim -H host"'), BIND),
      conf(IMAP, health('USER -scriptName a.pl -scriptArgs "u=a;pass=geheim"'), BIND),
      conf(IMAP, health('USER -scriptName a.pl -scriptArgs "secret=geheim"'), BIND),
      // Readable although nothing uses it, or the ADC rejects it.
      conf(
        `${IMAP} -state DISABLED`,
        health('USER -scriptName a.pl -scriptArgs "password=x"'),
        BIND,
      ),
    ],
    misses: [
      conf(IMAP, health('USER -scriptName own.pl -scriptArgs "10.0.0.1;143"'), BIND),
      conf(IMAP, health('USER -scriptName own.pl -scriptArgs "-u a -p 993"'), BIND),
      conf(IMAP, health('USER -scriptName own.pl -scriptArgs "-u a -p /srv/x"'), BIND),
      conf(IMAP, health('USER -scriptName own.pl -scriptArgs "-H host -p tcp"'), BIND),
      conf(IMAP, health('USER -scriptName nsnntp.pl -scriptArgs "a.group"'), BIND),
      conf(
        IMAP,
        health('USER -scriptName nsftp.pl -scriptArgs "file=/pub/x" -secureArgs "password=x"'),
        BIND,
      ),
    ],
  },
  pinned_dest_ip: {
    fires: [
      conf(IMAP, health("TCP -destIP 10.0.0.7"), BIND),
      conf(
        IMAP,
        "add service t 10.0.0.2 TCP 143",
        health("TCP -destIP 10.0.0.1"),
        BIND,
        "bind service t -monitorName m",
      ),
    ],
    misses: [
      conf(IMAP, health("TCP -destIP 0.0.0.0 -destPort 143"), BIND),
      conf(IMAP, health("TCP -destIP 10.0.0.1"), BIND),
      conf(IMAP, health("PING -destIP 127.0.0.1"), BIND),
      conf(IMAP, health("TCP -destIP 10.0.0.7 -destPort 143 -reverse YES"), BIND),
      conf(IMAP, health("TCP -destIP 10.0.0.7 -destPort 143 -transparent YES"), BIND),
      conf(IMAP, "add lb vserver v TCP 10.0.0.7 143", health("TCP -destIP 10.0.0.7"), BIND),
    ],
  },
  dest_port_of_another_protocol: {
    fires: [
      conf(IMAPS, health('TCP-ECV -recv "* OK" -destPort 143'), BIND),
      conf(IMAP, health("TCP -destPort 25"), BIND),
      conf("add service s 10.0.0.1 RADIUS 1813", health(RADIUS), BIND),
      conf("add service s 10.0.0.1 RADIUS 1812", health("RADIUS_ACCOUNTING -radKey k"), BIND),
    ],
    misses: [
      conf(IMAP, health("TCP -destPort 143"), BIND),
      conf("add service s 10.0.0.1 RADIUS 1812", health(RADIUS), BIND),
      conf("add service s 10.0.0.1 RADIUS 1813", health("RADIUS_ACCOUNTING -radKey k"), BIND),
      conf("add service s 10.0.0.1 RADIUS 18120", health(RADIUS), BIND),
      conf("add service s 10.0.0.1 TCP *", health("TCP -destPort 22902"), BIND),
      conf(WEB, health("HTTP -destPort 9000"), BIND),
      conf(TLS, health('HTTP-ECV -send "GET /" -recv ok -secure YES -destPort 8443'), BIND),
    ],
  },
  monitor_of_another_protocol: {
    fires: [
      conf(WEB, health("DNS -query a.example -queryType Address"), BIND),
      onPorts([80, 443], "DNS-TCP -query a.example -queryType Address"),
      conf(IMAP, health("SMTP -scriptName nssmtp.pl"), BIND),
      conf(WEB, health("DNS -query a.example -queryType Address -destIP 10.0.0.2"), BIND),
    ],
    misses: [
      conf(WEB, health("DNS -query a.example -queryType Address -destPort 53"), BIND),
      "add service s 10.0.0.1 DNS 53\nadd lb monitor m DNS -query a.example -queryType Address\nbind service s -monitorName m",
      "add service s 10.0.0.1 UDP 5353\nadd lb monitor m DNS -query a.example -queryType Address\nbind service s -monitorName m",
    ],
  },
  monitor_fits_some_members: {
    fires: [
      onPorts([143, 993], 'TCP-ECV -recv "* OK"'),
      onPorts([143, 993], 'TCP-ECV -recv "* OK" -secure YES'),
      onPorts([143, 110], 'TCP-ECV -recv "* OK"'),
      onPorts([25, 110], "TCP-ECV -recv 220"),
      onPorts([25, 465], "TCP-ECV -recv 220 -secure YES"),
      onPorts([80, 443], "HTTP"),
      onPorts([80, 443], "TCP -secure YES"),
      onPorts([389, 636], "LDAP -scriptName nsldap.pl -baseDN dc=a -bindDN b -password c"),
    ],
    misses: [
      onPorts([25, 587], "TCP-ECV -recv 220"),
      onPorts([143, 110], "TCP-ECV -recv OK"),
      onPorts([143, 1143], 'TCP-ECV -recv "* OK"'),
      onPorts([143, 993], 'TCP-ECV -recv "* OK" -destPort 143'),
      onPorts([143, 993], 'TCP-ECV -recv "* OK"', "SSL_TCP"),
      onPorts([80, 443], "HTTP", "HTTP"),
      onPorts([80, 443], "HTTP -respCode 200 400"),
      onPorts([80, 443], "TCP"),
    ],
  },
  wildcard_port: {
    fires: [
      "add service s 10.0.0.1 TCP *",
      conf("add service s 10.0.0.1 TCP *", health("TCP -destPort 22902"), BIND),
    ],
    misses: [IMAP],
  },
  member_is_vip: {
    fires: [conf(WEB, "add lb vserver v HTTP 10.0.0.1 80")],
    misses: [
      conf(WEB, "add lb vserver v HTTP 10.0.0.1 8080"),
      conf(WEB, "add lb vserver v HTTP 10.0.0.2 80"),
    ],
  },
  client_source_address: {
    fires: [conf(...EXCHANGE, "set service exch -usip YES")],
    misses: [`${WEB} -usip YES`, conf(...EXCHANGE)],
  },
  source_limit: {
    fires: [
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -send "EHLO adc.example.com\\r\\n" -recv 250',
        "bind service exchange_smtp -monitorName m",
      ),
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -recv "220 "',
        "bind service exchange_smtp -monitorName m",
      ),
    ],
    misses: [`${SMTP} -usip YES`, `${SMTP} -maxClient 20`, "add service relay 10.0.0.1 TCP 25"],
  },
  interval_not_above_timeout: {
    fires: [
      conf(WEB, health("HTTP -interval 2"), BIND),
      conf(WEB, health("HTTP -interval 500 MSEC -resptimeout 1"), BIND),
      // The other one has its default: 5 s and 2 s.
      conf(WEB, health("HTTP -resptimeout 5"), BIND),
      conf(WEB, health("HTTP -resptimeout 5000 MSEC"), BIND),
      conf(WEB, health("HTTP -interval 2000 MSEC"), BIND),
      conf(WEB, health("HTTP -interval 1 MIN -resptimeout 60"), BIND),
      conf(WEB, health("HTTP -interval 119 -resptimeout 2 MIN"), BIND),
    ],
    misses: [
      conf(WEB, health("HTTP -interval 3"), BIND),
      conf(WEB, health("HTTP -interval 2 -resptimeout 1990 MSEC"), BIND),
      conf(WEB, health("HTTP -interval 2 MIN -resptimeout 119"), BIND),
    ],
  },
  milliseconds_not_in_tens: {
    fires: [
      conf(WEB, health("HTTP -resptimeout 155 MSEC"), BIND),
      conf(WEB, health("HTTP -interval 5001MSEC"), BIND),
      conf(WEB, health("TCP -downTime 15 msec -deviation 5 MSEC"), BIND),
    ],
    misses: [
      conf(WEB, health("HTTP -interval 2010 MSEC -resptimeout 150 MSEC"), BIND),
      conf(WEB, health("HTTP -interval 7 -resptimeout 3 -downTime 1 MIN"), BIND),
    ],
  },
  failure_retries_not_below_retries: {
    fires: [conf(WEB, health("HTTP -retries 3 -failureRetries 3"), BIND)],
    misses: [
      conf(WEB, health("HTTP -retries 3 -failureRetries 2"), BIND),
      conf(WEB, health("HTTP"), BIND),
    ],
  },
  slow_detection: {
    fires: [conf(WEB, health("HTTP -interval 10 MIN -resptimeout 20 -retries 10"), BIND)],
    misses: [
      conf(WEB, health("HTTP -interval 2 MIN"), BIND),
      conf(WEB, health("HTTP -interval 5 MIN -retries 10 -failureRetries 1"), BIND),
    ],
  },
  timeout_below_tarpit: {
    fires: [
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -send "EHLO adc\\r\\nMAIL FROM:<>\\r\\n" -recv 250',
        "bind service exchange_smtp -monitorName m",
      ),
      conf(
        SMTP,
        "add lb monitor m TCP-ECV -send x -recv 250",
        "bind service exchange_smtp -monitorName m",
      ),
    ],
    misses: [
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -send "MAIL FROM:<>\\r\\n" -recv 250 -resptimeout 6 -interval 30',
        "bind service exchange_smtp -monitorName m",
      ),
      // Ends at EHLO, which is never delayed.
      conf(
        SMTP,
        "add lb monitor m SMTP -resptimeout 2",
        "bind service exchange_smtp -monitorName m",
      ),
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -send "EHLO adc\\r\\nQUIT\\r\\n" -recv 250',
        "bind service exchange_smtp -monitorName m",
      ),
      conf(
        SMTP,
        'add lb monitor m TCP-ECV -recv "220 "',
        "bind service exchange_smtp -monitorName m",
      ),
    ],
  },
  lrtm_suppresses_probes: {
    fires: [conf(IMAP_OF_EXCHANGE, health("TCP -LRTM DISABLED"), BIND)],
    misses: [
      conf(IMAP_OF_EXCHANGE, health("TCP -LRTM ENABLED"), BIND),
      conf(IMAP_OF_EXCHANGE, health("TCP -secure YES"), BIND),
      conf(IMAP_OF_EXCHANGE, health("TCP -LRTM DISABLED -destPort 8284"), BIND),
      conf(IMAP_OF_EXCHANGE, "bind service s -monitorName tcp"),
      conf(IMAP, health("TCP -LRTM DISABLED"), BIND),
      IMAP_OF_EXCHANGE,
    ],
  },
  lrtm_prefers_failing: {
    fires: [
      conf(
        WEB,
        "bind service s -monitorName tcp",
        "add lb vserver v HTTP 10.0.1.1 80 -lbMethod LRTM",
        "bind lb vserver v s",
      ),
    ],
    misses: [
      conf(
        WEB,
        "bind service s -monitorName tcp",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v s",
      ),
      // An error page is another status than the monitor awaits.
      conf(
        WEB,
        "bind service s -monitorName http",
        "add lb vserver v HTTP 10.0.1.1 80 -lbMethod LRTM",
        "bind lb vserver v s",
      ),
      conf(
        WEB,
        health("HTTP-ECV -recv ok"),
        BIND,
        "add lb vserver v HTTP 10.0.1.1 80 -lbMethod LRTM",
        "bind lb vserver v s",
      ),
    ],
  },
  health_monitor_off: {
    fires: [`${WEB} -healthMonitor NO`, "add serviceGroup g HTTP -healthMonitor NO"],
    misses: [
      `${WEB} -healthMonitor YES`,
      "add service s 1.1.1.1 HTTP 80 -healthMonitor NO",
      conf(
        `${WEB} -healthMonitor NO`,
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v s",
        'add responder action to_https redirect q{"https://" + HTTP.REQ.HOSTNAME}',
        "add responder policy redirects HTTP.REQ.IS_VALID to_https",
        "bind lb vserver v -policyName redirects -priority 1 -type REQUEST",
      ),
    ],
  },
  threshold_out_of_reach: {
    fires: [
      conf(
        "add service s 10.0.0.96 HTTP 80 -monThreshold 10",
        "bind service s -monitorName http -weight 3",
        "bind service s -monitorName tcp -weight 4",
      ),
      `${WEB} -monThreshold 5`,
    ],
    misses: [
      conf(
        "add service s 10.0.0.96 HTTP 80 -monThreshold 7",
        "bind service s -monitorName http -weight 3",
        "bind service s -monitorName tcp -weight 4",
      ),
    ],
  },
  unknown_service_type: {
    fires: ["add service s 10.0.0.1 HTTPS 443", "add lb vserver v IMAP 10.0.1.1 143"],
    misses: [TLS, "add serviceGroup g SSL_BRIDGE"],
  },
  monitor_disabled: {
    fires: [conf(WEB, health("HTTP -state DISABLED"), BIND)],
    misses: [conf(WEB, health("HTTP"), BIND), conf(WEB, health("HTTP -state DISABLED"))],
  },
  binding_disabled: {
    fires: [conf(WEB, health("HTTP"), `${BIND} -monState DISABLED`)],
    misses: [conf(WEB, health("HTTP"), BIND)],
  },
  unused_monitor: {
    fires: [
      conf(
        SAVED,
        "set ns config -IPAddress 10.9.9.9 -netmask 255.255.255.0",
        WEB,
        'add lb monitor bound HTTP-ECV -send "GET /x" -recv ok',
        "bind service s -monitorName bound",
        health("HTTP"),
      ),
    ],
    misses: [
      conf(WEB, health("HTTP"), BIND),
      conf(WEB, health("HTTP"), "bind service not_in_this_text -monitorName m"),
      conf(WEB, health("HTTP"), "bind serviceGroup not_in_this_text -monitorName M"),
      conf(WEB, health("HTTP"), "bind lb monitor m not_in_this_text"),
      conf(health("HTTP"), "bind gslb service g -monitorName m"),
      conf(
        health("PING"),
        "add gslb service g 10.0.1.1 SSL 443 -siteName a",
        "bind lb monitor m g",
      ),
      conf(health("PING"), "add route 0.0.0.0 0.0.0.0 10.0.0.254 -msr ENABLED -monitor m"),
    ],
  },
  single_login_account: {
    fires: [conf("add service s 10.0.0.1 TCP 110", health("POP3 -userName a -password b"), BIND)],
    misses: [
      conf(
        "add service s 10.0.0.1 TCP 110",
        health("POP3 -userName a -password b"),
        "add lb monitor n POP3 -userName c -password d",
        BIND,
        "bind service s -monitorName n",
      ),
      conf("add service s 10.0.0.1 TCP 110", health('TCP-ECV -recv "+OK"'), BIND),
    ],
  },
  cs_without_stateupdate: {
    fires: [conf(CLEAN_SWITCH, WEB, "bind lb vserver lb_owa s")],
    misses: [
      conf(CLEAN_SWITCH, WEB, "bind lb vserver lb_owa s", "set cs vserver cs -stateupdate ENABLED"),
      conf(CLEAN_SWITCH, WEB, "bind lb vserver lb_owa s", "set cs parameter -stateupdate ENABLED"),
      CLEAN_SWITCH,
      "add cs vserver redirects HTTP 10.0.1.1 80",
    ],
  },
  cs_passes_every_url: {
    fires: [
      switched('HTTP.REQ.HOSTNAME.EQ("mail.example.com")', startsWith("/ews"), OWA_POLICY),
      switched("true", startsWith("/ews"), OWA_POLICY),
      conf(CLEAN_SWITCH, "bind cs vserver cs -lbvserver lb_owa"),
    ],
    misses: [
      CLEAN_SWITCH,
      switched(startsWith("/owa"), 'HTTP.REQ.URL.EQ("/")'),
      switched('HTTP.REQ.HOSTNAME.EQ("shop.example.com")', startsWith("/cart")),
      switched(startsWith("/shop"), "true"),
      conf(CLEAN_SWITCH, ...AAA, "bind cs vserver cs -policyName p_aaa -priority 200"),
    ],
  },
  cs_policies_overlap: {
    fires: [
      switched(contains("/owa"), contains("/ews")),
      switched(startsWith("/owa"), contains("/ews")),
    ],
    misses: [
      CLEAN_SWITCH,
      switched('HTTP.REQ.URL.EQ("/")', contains("/ews")),
      switched('HTTP.REQ.HOSTNAME.EQ("a")', contains("/ews")),
      switched(contains("/shop"), contains("/cart")),
      switched(contains("/owa"), contains("/mapi")),
    ],
  },
  vserver_without_certificate: {
    fires: [
      "add lb vserver v SSL 10.0.1.1 443",
      "add lb vserver v SSL 0.0.0.0 0",
      conf(
        "add cs vserver v SSL 10.0.1.1 443",
        "add ssl certKey ca -cert c",
        "bind ssl vserver v -certkeyName ca -CA",
      ),
    ],
    misses: [
      conf(
        "add lb vserver v SSL 10.0.1.1 443",
        "add ssl certKey k -cert c -key k",
        "bind ssl vserver v -certkeyName k",
      ),
      "add lb vserver v SSL_BRIDGE 10.0.1.1 443",
    ],
  },
  vserver_without_service: {
    fires: [
      conf(
        ...WHOLE,
        "add lb vserver v HTTP 10.0.1.1 80",
        ...TO_TLS,
        "bind lb vserver v -policyName to_tls -priority 1",
      ),
      conf(...WHOLE, CLEAN_SWITCH),
      conf(...WHOLE, CLEAN_SWITCH, "add lb vserver d HTTP", "bind cs vserver cs -lbvserver d"),
      conf(
        ...WHOLE,
        CLEAN_SWITCH,
        WEB,
        "bind lb vserver lb_owa s",
        "bind lb vserver lb_ews s",
        "disable lb vserver lb_owa",
        "disable lb vserver lb_ews",
      ),
    ],
    misses: [
      // Extracts with a saved configuration's first line: they bind services to no vserver, or to hardly any.
      conf(SAVED, CLEAN_SWITCH),
      conf(...WHOLE.slice(0, 4), CLEAN_SWITCH),
      // Vservers of other kinds answer.
      ...["vpn", "cr"].map((kind) =>
        conf(
          ...WHOLE,
          "add lb vserver lb HTTP",
          `add ${kind} vserver w HTTP 10.0.1.3 80`,
          "add cs vserver cs HTTP 10.0.1.1 80",
          "add cs action to_w -targetVserver w",
          'add cs policy p -rule "HTTP.REQ.URL.STARTSWITH(\\"/vpn\\")" -action to_w',
          "bind cs vserver cs -policyName p -priority 1",
          "bind cs vserver cs -lbvserver lb",
        ),
      ),
      // The rest of the configuration may bind the services.
      conf(
        "add lb vserver v HTTP 10.0.1.1 80",
        ...TO_TLS,
        "bind lb vserver v -policyName to_tls -priority 1",
      ),
      // A dummy keeps the vserver UP for its redirect.
      conf(
        ...WHOLE,
        "add service always_up 1.1.1.1 ANY * -healthMonitor NO",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v always_up",
        ...TO_TLS,
        "bind lb vserver v -policyName to_tls -priority 1",
      ),
      // DOWN, and so redirected.
      conf(
        ...WHOLE,
        "add lb vserver v HTTP 10.0.1.1 80 -redirectURL https://a.example",
        ...TO_TLS,
        "bind lb vserver v -policyName to_tls -priority 1",
      ),
      conf(...WHOLE, "add lb vserver v HTTP 10.0.1.1 80"),
      // Content switching is UP without a target.
      conf(
        ...WHOLE,
        "add cs vserver v HTTP 10.0.1.1 80",
        ...TO_TLS,
        "bind cs vserver v -policyName to_tls -priority 1",
      ),
      conf(...WHOLE, CLEAN_SWITCH, WEB, "bind lb vserver lb_owa s"),
      conf(
        ...WHOLE,
        CLEAN_SWITCH,
        WEB,
        "add lb vserver d HTTP",
        "bind lb vserver d s",
        "bind cs vserver cs -lbvserver d",
      ),
      conf(...WHOLE, CLEAN_SWITCH, "set cs vserver cs -backupVServer lb_owa"),
      conf(
        ...WHOLE,
        CLEAN_SWITCH,
        ...TO_TLS,
        "bind cs vserver cs -policyName to_tls -priority 1 -type REQUEST",
      ),
    ],
  },
  persistence_longer_than_drain: {
    fires: [
      before("add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 240"),
      before("add lb vserver v HTTP 10.0.1.1 80 -persistenceType COOKIEINSERT -timeout 0"),
    ],
    misses: [
      before("add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 30"),
      before("add lb vserver v HTTP 10.0.1.1 80 -persistenceType NONE -timeout 240"),
      before(
        "add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 240 -state DISABLED",
      ),
      before(
        "add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 240",
        "disable service exch",
      ),
      before(
        "add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 240",
        "add service mapper 10.0.0.9 TCP 135",
      ),
      "add lb vserver v HTTP 10.0.1.1 80 -persistenceType SOURCEIP -timeout 240",
    ],
  },
  authorization_persistence: {
    fires: [before(`add lb vserver v SSL 10.0.1.1 443 ${BY_HEADER}`)],
    misses: [
      `add lb vserver v SSL 10.0.1.1 443 ${BY_HEADER}`,
      before(
        `add lb vserver v SSL 10.0.1.1 443 ${BY_HEADER}`,
        'set lb monitor health HTTP-ECV -send "GET /Microsoft-Server-ActiveSync/healthcheck.htm"',
      ),
      before(
        'add lb vserver v SSL 10.0.1.1 443 -persistenceType RULE -rule "HTTP.REQ.COOKIE.VALUE(\\"a\\")"',
      ),
    ],
  },
  client_timeout_too_short: {
    fires: [
      conf(IMAP, "add lb vserver v TCP 10.0.1.1 143 -cltTimeout 600", "bind lb vserver v s"),
      conf(
        TLS,
        health(
          'HTTP-ECV -send "GET /Microsoft-Server-ActiveSync/healthcheck.htm" -recv "200 OK" -secure YES',
        ),
        BIND,
        "add lb vserver v SSL 10.0.1.1 443",
        "bind lb vserver v s",
      ),
    ],
    misses: [
      conf(IMAP, "add lb vserver v TCP 10.0.1.1 143", "bind lb vserver v s"),
      conf(IMAP, "add lb vserver v TCP 10.0.1.1 143 -cltTimeout 1800", "bind lb vserver v s"),
      conf(WEB, "add lb vserver v HTTP 10.0.1.1 80 -cltTimeout 180", "bind lb vserver v s"),
      // A client of POP3 does not wait.
      conf(
        "add service s 10.0.0.1 TCP 110",
        "add lb vserver v TCP 10.0.1.1 110 -cltTimeout 180",
        "bind lb vserver v s",
      ),
    ],
  },
  cache_on_exchange: {
    fires: [
      before(
        "add lb vserver v SSL 10.0.1.1 443",
        "add cache policy c -rule true -action CACHE",
        "bind lb vserver v -policyName c -priority 1",
      ),
    ],
    misses: [
      conf(
        "add cache policy c -rule true -action CACHE",
        "add lb vserver shop SSL 10.0.1.1 443",
        "bind lb vserver shop -policyName c -priority 1",
      ),
      conf(
        before("add lb vserver v SSL 10.0.1.1 443"),
        "add responder policy c true NOOP",
        "bind lb vserver v -policyName c -priority 1",
      ),
    ],
  },
  feo_on_exchange: {
    fires: [
      conf(
        "add feo policy f true MODERATE",
        CLEAN_SWITCH,
        "bind cs vserver cs -policyName f -priority 1",
      ),
    ],
    misses: [
      conf(
        "add feo policy f true MODERATE",
        "add lb vserver shop SSL 10.0.1.1 443",
        "bind lb vserver shop -policyName f -priority 1",
      ),
    ],
  },
  authentication_without_sso: {
    fires: [
      before(
        "add lb vserver v SSL 10.0.1.1 443 -Authentication ON -AuthenticationHost aaa.example.com",
      ),
      before("add lb vserver v SSL 10.0.1.1 443 -authn401 ON"),
    ],
    misses: [
      "add lb vserver v SSL 10.0.1.1 443 -authn401 ON",
      before("add lb vserver v SSL 10.0.1.1 443 -authn401 ON", "set tm sessionParameter -SSO ON"),
      before(
        "add lb vserver v SSL 10.0.1.1 443 -authn401 ON",
        "add tm sessionAction a -SSO ON",
        "add tm sessionPolicy p true a",
        "bind tm global -policyName p -priority 1",
      ),
      before("add lb vserver v SSL 10.0.1.1 443 -authn401 ON", ...SSO),
      before(
        "add lb vserver v SSL 10.0.1.1 443 -authn401 ON -authnVsName aaa",
        "add authentication vserver aaa SSL 0.0.0.0",
        "add tm sessionAction a -SSO ON",
        "add tm sessionPolicy p true a",
        "bind authentication vserver aaa -policy p -priority 1",
      ),
      before("add lb vserver v SSL 10.0.1.1 443"),
    ],
  },
  default_deny_without_authorization: {
    fires: [
      conf(DENY, "set tm sessionParameter -defaultAuthorizationAction DENY"),
      conf(
        DENY,
        "add tm sessionAction a -SSO ON -defaultAuthorizationAction DENY",
        "add tm sessionPolicy p true a",
        "bind tm global -policyName p -priority 1",
      ),
      conf(
        DENY,
        "set tm sessionParameter -defaultAuthorizationAction DENY",
        "bind aaa group staff -userName itest",
      ),
    ],
    misses: [
      DENY,
      conf(DENY, "set tm sessionParameter -defaultAuthorizationAction ALLOW"),
      conf(
        DENY,
        "set tm sessionParameter -defaultAuthorizationAction DENY",
        "add authorization policy all true ALLOW",
        "bind lb vserver v -policyName all -priority 10",
      ),
      conf(
        DENY,
        "set tm sessionParameter -defaultAuthorizationAction DENY",
        "bind aaa group staff -policy all -priority 10",
      ),
    ],
  },
  aaa_policy_first: {
    fires: [conf(...AAA, CLEAN_SWITCH, "bind cs vserver cs -policyName p_aaa -priority 90")],
    misses: [
      conf(...AAA, CLEAN_SWITCH, "bind cs vserver cs -policyName p_aaa -priority 200"),
      CLEAN_SWITCH,
    ],
  },
  authentication_host_is_mail_host: {
    fires: [
      conf(
        switched(
          'HTTP.REQ.HOSTNAME.EQ("mail.example.com") && HTTP.REQ.URL.STARTSWITH("/owa")',
          startsWith("/ews"),
        ),
        "set lb vserver lb_owa -Authentication ON -AuthenticationHost Mail.example.com",
      ),
    ],
    misses: [
      conf(
        switched(
          'HTTP.REQ.HOSTNAME.EQ("mail.example.com") && HTTP.REQ.URL.STARTSWITH("/owa")',
          startsWith("/ews"),
        ),
        "set lb vserver lb_owa -Authentication ON -AuthenticationHost aaa.example.com",
      ),
    ],
  },
  ntlm_without_kcd: {
    fires: [conf(CLEAN_SWITCH, "set lb vserver lb_ews -authn401 ON")],
    misses: [
      conf(CLEAN_SWITCH, "set lb vserver lb_owa -authn401 ON"),
      conf(
        CLEAN_SWITCH,
        "set lb vserver lb_ews -authn401 ON",
        "add tm trafficAction k -SSO ON -kcdAccount kcd",
        "add tm trafficPolicy k true k",
        "bind lb vserver lb_ews -policyName k -priority 1",
      ),
    ],
  },
  dangling_reference: {
    fires: [
      conf("#NS13.1 Build 37.38", WEB, BIND),
      conf(WEB, BIND, "bind service not_in_this_text -monitorName http"),
    ],
    misses: [conf(WEB, "bind service s -monitorName http")],
  },
  wrong_kind_reference: {
    fires: [
      conf(
        "add lb vserver v SSL 10.0.1.1 443",
        "add ssl certKey K -cert k.pem",
        "bind lb vserver v K",
      ),
      "add cs vserver cs HTTP 10.0.1.1 80\nbind lb vserver cs -policyName p -priority 1",
    ],
    misses: [
      "add cs policy p -rule true\nadd cs vserver cs HTTP 10.0.1.1 80\nbind cs vserver cs -policyName p",
    ],
  },
  duplicate_name: {
    fires: [conf(WEB, WEB.replace("80", "81"))],
    misses: [conf(WEB, WEB), conf(WEB, WEB.replace(" s ", " t "))],
  },
  duplicate_binding: {
    fires: [conf(WEB, health("HTTP-ECV -recv ok"), BIND, BIND)],
    misses: [conf(WEB, health("HTTP-ECV -recv ok"), BIND)],
  },
  duplicate_vserver_endpoint: {
    fires: [
      "add lb vserver a HTTP 10.0.1.1 80\nadd lb vserver b HTTP 10.0.1.1 80",
      "add lb vserver a HTTP 2001:db8:10::1 80\nadd lb vserver b HTTP 2001:0db8:0010:0::1 80",
    ],
    misses: ["add lb vserver a HTTP 10.0.1.1 80\nadd lb vserver b HTTP 10.0.1.1 80 -td 10"],
  },
  service_without_monitor: {
    fires: ["add serviceGroup g HTTP -nodefaultBindings YES\nbind serviceGroup g 10.0.0.1 80"],
    misses: [
      "add serviceGroup g HTTP\nbind serviceGroup g 10.0.0.1 80",
      "add serviceGroup g HTTP -nodefaultBindings YES\nbind serviceGroup g 10.0.0.1 80\nbind serviceGroup g -monitorName http",
    ],
  },
  duplicate_priority: {
    fires: [
      `${CLEAN_SWITCH}\n${OWA_POLICY}\nadd cs policy p_more -rule q{${startsWith("/oab")}} -action to_owa\nbind cs vserver cs -policyName p_more -priority 90`,
      conf(
        "add authentication vserver aaa SSL 10.0.0.9 443",
        "add authentication Policy p1 -rule true -action a",
        'add authentication Policy p2 -rule "HTTP.REQ.URL.CONTAINS(\\"a\\")" -action a',
        "bind authentication vserver aaa -policy p1 -priority 100",
        "bind authentication vserver aaa -policy p2 -priority 100",
      ),
    ],
    misses: [
      conf(
        "add responder policy p1 true NOOP",
        "add rewrite policy p2 true NOREWRITE",
        "add rewrite policy p3 true NOREWRITE",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v -policyName p1 -priority 10",
        "bind lb vserver v -policyName p2 -priority 10 -type REQUEST",
        "bind lb vserver v -policyName p3 -priority 10 -type RESPONSE",
        "bind lb vserver v -policyName p1 -priority 10",
      ),
      // Classic ones may share a priority: several domain controllers, each with its policy.
      conf(
        "add authentication vserver aaa SSL 10.0.0.9 443",
        "add authentication ldapPolicy p1 ns_true a",
        "add authentication ldapPolicy p2 ns_true a",
        "bind authentication vserver aaa -policy p1 -priority 100",
        "bind authentication vserver aaa -policy p2 -priority 100",
      ),
      // The login schemas of a vserver are another list.
      conf(
        "add authentication vserver aaa SSL 10.0.0.9 443",
        "add authentication Policy p1 -rule true -action a",
        "add authentication loginSchemaPolicy p2 -rule true -action b",
        "bind authentication vserver aaa -policy p1 -priority 100",
        "bind authentication vserver aaa -policy p2 -priority 100",
      ),
    ],
  },
  duplicate_service_endpoint: {
    fires: [
      conf(WEB, WEB.replace(" s ", " t ")),
      conf("add serviceGroup g HTTP", "bind serviceGroup g web 80", "bind serviceGroup g web 80"),
    ],
    misses: [conf(WEB, WEB.replace(" s ", " t ").replace("80", "81"))],
  },
  incomplete_statement: { fires: ["add service s 10.0.0.1 HTTP"], misses: [WEB] },
  unknown_monitor_type: {
    fires: [conf(IMAP, health("IMAP"), BIND)],
    misses: [conf(IMAP, health('TCP-ECV -recv "* OK"'), BIND)],
  },
  unreadable_value: {
    fires: [
      conf(WEB, health("HTTP-ECV -recv ok -interval soon"), BIND),
      "add lb vserver v TCP 10.0.1.1 80 -lbMethod ROUNDROBIN-cltTimeout 9000",
      "add lb vserver v TCP 10.0.1.1 80 -persistenceType NONE-timeout 2",
    ],
    misses: [conf(WEB, health("HTTP-ECV -recv ok -interval 30"), BIND)],
  },
  value_out_of_range: {
    fires: [conf(WEB, health("HTTP-ECV -recv ok -interval 99999"), BIND)],
    misses: [conf(WEB, health("HTTP-ECV -recv ok -interval 20940"), BIND)],
  },
  unreadable_lines: { fires: [`what is this\n${WEB}`], misses: [`# what is this\n${WEB}`] },
  doubtful_option: {
    fires: [
      conf(WEB, health('HTTP -httpReq "GET /owa/healthcheck.htm"'), BIND),
      "add service s 10.0.0.1 HTTP 80\nbind service s -monitorName http -mons DISABLED",
      "add lb vserver v HTTP 10.0.1.1 80 -persistenceT SOURCEIP",
      // The beginning of two: -respCode and -resptimeout.
      conf(WEB, health("HTTP -resp 200"), BIND),
    ],
    misses: [
      conf(WEB, health("HTTP -HTTPREQUEST 'GET /' -devno 7"), BIND),
      conf(WEB, health("STOREFRONT -storeName a -storefrontAcctService YES -hostName a"), BIND),
    ],
  },
  unknown_option: {
    fires: [
      "add service s 10.0.0.1 HTTP 80 -healtMonitor NO",
      "add serviceGroup s HTTP\nbind serviceGroup s 10.0.0.1 80 -wieght 5",
      "add lb vserver v HTTP 10.0.1.1 80 -fooBar 7",
      "add cs vserver v HTTP 10.0.1.1 80\nset cs vserver v -lbMethd ROUNDROBIN",
      "add ssl profile p -sslProfileKind BackEnd",
      "set ssl parameter -defaultProfiles ENABLED",
      "add ns tcpProfile p -windowScale ENABLED",
      "add gslb vserver v HTTP -domainName a.example",
    ],
    misses: [
      "add service s 10.0.0.1 HTTP 80 -healthMonitor NO -cip ENABLED X-Forwarded-For -devno 7",
      "add serviceGroup s HTTP\nbind serviceGroup s 10.0.0.1 80 -weight 5 -CustomServerID a -order 1",
      "add lb vserver v HTTP 10.0.1.1 80 -probeProtocol HTTP -toggleorder ASCENDING -quicProfileName q",
      "add cs vserver v HTTP 10.0.1.1 80 -persistenceType NONE -persistenceId 7 -dnsOverHttps NO",
      "add ssl profile p -sslProfileType BackEnd -sessionTicket ENABLED",
      "add ns tcpProfile p -WS ENABLED -SACK ENABLED",
    ],
  },
  stray_words: {
    fires: [
      conf(WEB, health("HTTP-ECV -recv = ok"), BIND),
      "add lb vserver v HTTP 10.0.1.1 80 -persistenceType = NONE",
      "add lb vserver v HTTP 10.0.1.1 80\nrm lb vserver v HTTP",
      conf(WEB, health("TCP"), BIND, "rm service s HTTP 80"),
      conf(WEB, health("HTTP-ECV recv ok"), BIND),
      conf(WEB, health('HTTP-ECV -send "GET /a" -recv 200 OK'), BIND),
      conf(WEB, health("HTTP -interval 1 MIN 5"), BIND),
      `${CLEAN_SWITCH}\nbind cs vserver cs -policyName p_owa -priority 120 lb_owa`,
    ],
    misses: [
      conf(WEB, health("HTTP-ECV -recv ok"), BIND),
      conf(WEB, health("HTTP-ECV -recv ="), BIND),
      "add lb vserver v HTTP 10.0.1.1 80\nadd lb vserver HTTP HTTP 10.0.1.2 80\nrm lb vserver v HTTP",
      conf(
        WEB,
        health('HTTP -respCode 200 301-302 401 -interval 1 MIN -httpRequest "GET /a"'),
        BIND,
      ),
      `${CLEAN_SWITCH}\nbind cs vserver cs lb_owa -policyName p_owa -priority 120`,
    ],
  },
  removed_while_bound: {
    fires: [
      conf(WEB, health("HTTP"), BIND, "rm lb monitor m HTTP"),
      conf(
        "add serviceGroup s HTTP",
        health("HTTP"),
        "bind serviceGroup s -monitorName M",
        "rm mon m HTTP",
      ),
      conf(
        health("HTTP"),
        "add gslb service s 10.0.0.1 HTTP 80 -siteName a",
        "bind gslb service s -monitorName m",
        "rm lb monitor m",
      ),
    ],
    misses: [
      conf(WEB, health("HTTP"), BIND, "unbind service s -monitorName m", "rm lb monitor m HTTP"),
      conf(WEB, health("HTTP"), BIND, "rm service s", "rm lb monitor m HTTP"),
      conf(WEB, health("HTTP"), "rm lb monitor m HTTP"),
    ],
  },
  unknown_command: {
    fires: [
      "dis serv one",
      "> enab serv one\n Done",
      "add lb virtual server v DNS 0.0.0.0 0",
      "bind sslvserver v -certkeyName c",
      "add cs virtual server v HTTP 10.0.1.1 80",
    ],
    misses: [
      "add lb route 10.0.0.0 255.0.0.0 v",
      "set lb sipParameters -retryDur 5",
      "bind lb group g v",
      "add cs policylabel l HTTP",
      "dis server one",
    ],
  },
  typographic_characters: {
    fires: [
      conf(WEB, "add lb monitor m HTTP-ECV -send \u201cGET /a\u201d -recv \u201cok\u201d", BIND),
      conf(WEB, 'add lb monitor m HTTP-ECV \u2013send "GET /a" -recv ok', BIND),
    ],
    misses: [
      conf(WEB, 'add lb monitor m HTTP-ECV -send "GET /a" -recv ok', BIND),
      conf(WEB.replace("HTTP 80", 'HTTP 80 -comment "the \u201cold\u201d one \u2013 soon gone"')),
    ],
  },
  broken_line: {
    fires: [conf('add lb monitor m TCP-ECV -recv "* OK', IMAP, BIND)],
    misses: [conf('add lb monitor m TCP-ECV -recv "* OK"', IMAP, BIND)],
  },
};
