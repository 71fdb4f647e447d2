import { labCertificate } from "./certificates/lab-certificate.ts";
import { TLS10_ONLY } from "./adc/tls-range.ts";
import type { Condition, LabProtocol } from "./exchange/condition.ts";
import type { Named, Scenario, ScenarioStep, ScenarioWorld } from "./scenario.ts";

const CHANGE_AT_MS = 8_000;
/** When the expected verdict must have been given and its alert fired: test/lab/scenarios.test.ts adds it up. */
const RETURN_AT_MS = 240_000;

/** When the declared window of `left-inactive` is over. */
const WINDOW_OVER_AT_MS = 90_000;
/** Long enough for three retries 5 s apart, and over within grace. */
const FLAP_MS = 22_000;
const FLAP_EVERY_MS = 45_000;

/** Every scenario of the lab, by the name that the demo uses. */
export const SCENARIO_NAMES = [
  "healthy",
  "maintenance",
  "neutral-names",
  "custom-banner",
  "tls10-off",
  "dead-backend",
  "aaa",
  "aaa-sso-broken",
  "certificate",
  "mailbox-down",
  "false-up",
  "drained",
  "failover",
  "left-inactive",
  "flapping",
  "gslb",
  "split-brain",
  "login-monitor",
  "login-rejected",
  "hma",
  "proxy-protocol",
  "cluster",
  "partition",
  "redirect",
  "factory-certificate",
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export function isScenarioName(name: string): name is ScenarioName {
  return (SCENARIO_NAMES as readonly string[]).includes(name);
}

/** The scenario of that name. */
export function scenario(name: ScenarioName): Scenario {
  return { name, ...SCENARIOS[name] };
}

/** The other site: two servers, the web with a health page and IMAP with an open port. */
const FAR_CONF = `#NS13.1 Build 37.38
set ns config -IPAddress 203.0.113.1 -netmask 255.255.255.0
add ns ip 203.0.113.2 255.255.255.0 -vServer DISABLED
add server ex21 203.0.113.21
add server ex22 203.0.113.22
add ssl certKey mail.example.com -cert mail.pem -key mail.key.pem
add lb monitor mon_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -customHeaders "Host: mail.example.com\\r\\n" -recv "200 OK" -LRTM DISABLED -interval 5 -resptimeout 2 -downTime 5 -secure YES
add serviceGroup sg_owa SSL
add serviceGroup sg_imaps TCP
add lb vserver v_owa SSL 203.0.113.10 443
add lb vserver v_imaps TCP 203.0.113.20 993
bind lb vserver v_owa sg_owa
bind lb vserver v_imaps sg_imaps
bind serviceGroup sg_owa ex21 443
bind serviceGroup sg_owa ex22 443
bind serviceGroup sg_owa -monitorName mon_owa
bind serviceGroup sg_imaps ex21 993
bind serviceGroup sg_imaps ex22 993
bind serviceGroup sg_imaps -monitorName tcp
bind ssl vserver v_owa -certkeyName mail.example.com
`;

const ALL_WELL = at(
  0,
  "All is well: every server works, and every monitor of the NetScaler passes.",
);

const INTO_MAINTENANCE = [
  ALL_WELL,
  at(
    CHANGE_AT_MS,
    "ex02 goes into maintenance (ServerWideOffline Inactive): health pages are aborted, IMAP and POP hang up on new clients, SMTP says 421 at MAIL FROM. Nobody told the NetScaler.",
    set("ex02", "all", { kind: "maintenance" }),
  ),
  at(
    RETURN_AT_MS,
    "ex02 comes back (ServerWideOffline Active).",
    set("ex02", "all", { kind: "healthy" }),
  ),
];

const SCENARIOS: Readonly<Record<ScenarioName, Omit<Scenario, "name">>> = {
  healthy: { about: "Nothing happens: all opinions agree.", named: null, steps: [ALL_WELL] },
  maintenance: {
    about:
      "ex02 goes into maintenance and nobody tells the NetScaler: its plain TCP monitors go on sending clients there (routes_to_maintenance).",
    named: member("routes_to_maintenance", "sg_imaps"),
    steps: INTO_MAINTENANCE,
  },
  "neutral-names": {
    about:
      "The main use case without Exchange in any name: mbx02 goes into maintenance behind a monitor that only checks a port (routes_to_maintenance).",
    conf: withNeutralNames,
    named: {
      says: "routes_to_maintenance",
      of: { adcService: "sg_imaps", server: "mbx02" },
      fromMs: CHANGE_AT_MS,
      untilMs: RETURN_AT_MS,
    },
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "mbx02 goes into maintenance: port 993 opens, and the server hangs up on every client. Its name says nothing, and its monitor is the bare tcp.",
        set("mbx02", "all", { kind: "maintenance" }),
      ),
      at(RETURN_AT_MS, "mbx02 comes back.", set("mbx02", "all", { kind: "healthy" })),
    ],
  },
  "custom-banner": {
    about:
      "An administrator customises the IMAP banner of ex02: the NetScaler's banner monitor fails, mail clients notice nothing (strict_monitor).",
    named: member("strict_monitor", "sg_imap"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "The IMAP banner of ex02 is now “Welcome to Example Mail”.",
        set("ex02", "imap", { kind: "custom_banner", text: "Welcome to Example Mail" }),
      ),
      at(RETURN_AT_MS, "The original banner is back.", set("ex02", "imap", { kind: "healthy" })),
    ],
  },
  "tls10-off": {
    about:
      "An old NetScaler supports only TLS 1.0 towards its servers, and ex02 has just disabled that (false_down).",
    backendTls: TLS10_ONLY,
    named: member("false_down", "sg_owa"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "ex02 switches TLS 1.0 and 1.1 off. The NetScaler’s monitors know nothing newer: “Time out during SSL handshake stage”.",
        set("ex02", "all", { kind: "tls_range", min: "TLSv1.2", max: "TLSv1.3" }),
      ),
      at(RETURN_AT_MS, "ex02 speaks TLS 1.0 again.", set("ex02", "all", { kind: "healthy" })),
    ],
  },
  "dead-backend": {
    about:
      "The mailbox side of ex02 fails behind a working front end: banners and health pages are fine, but nobody can log in (blind_monitor).",
    named: member("blind_monitor", "sg_imaps"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "The back end of ex02 fails: banners and health pages still work, logins fail.",
        set("ex02", "all", { kind: "dead_backend" }),
      ),
      at(RETURN_AT_MS, "The back end of ex02 is back.", set("ex02", "all", { kind: "healthy" })),
    ],
  },
  aaa: {
    about:
      "The NetScaler requires a login for Outlook on the web (form) and ActiveSync (401), before clients reach any server (vip_protected; with an account, the login is tested).",
    conf: withAaa,
    named: {
      says: "vip_protected",
      of: { vserver: "v_activesync" },
      fromMs: 0,
      untilMs: Infinity,
    },
    steps: [
      at(
        0,
        "Outlook on the web and ActiveSync are behind the NetScaler’s own login; all servers are healthy.",
      ),
    ],
  },
  "aaa-sso-broken": {
    about:
      "The login at the NetScaler works, but it is not passed on: Exchange prompts again (vip_login_broken, sso_not_passed).",
    conf: withAaa,
    named: vserver("vip_login_broken", "v_owa"),
    steps: [
      at(0, "Outlook on the web stands behind the NetScaler’s login, and single sign-on works."),
      at(
        CHANGE_AT_MS,
        "Single sign-on fails: after the NetScaler’s login, Exchange shows its own.",
        (world) => {
          world.changeAaa({ sso: "broken" });
        },
      ),
      at(RETURN_AT_MS, "Single sign-on works again.", (world) => {
        world.changeAaa({ sso: "form" });
      }),
    ],
  },
  certificate: {
    about: "ex02 gets a different certificate from the other servers (certificate_differs).",
    named: vserver("certificate_differs", "v_imaps"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "ex02 presents a certificate with the same names and another key: somebody renewed it there alone.",
        set("ex02", "all", { kind: "certificate", name: "other" }),
      ),
      at(
        RETURN_AT_MS,
        "ex02 has the common certificate again.",
        set("ex02", "all", { kind: "healthy" }),
      ),
    ],
  },
  "mailbox-down": {
    about:
      "A mailbox database goes down behind all front ends: one finding on the mailbox side, not one for each front end.",
    named: { says: "mailbox_side", of: null, fromMs: CHANGE_AT_MS, untilMs: RETURN_AT_MS },
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "Database DB01 is dismounted: its mailboxes fail through every server.",
        (world) => {
          world.organisation.setMounted("DB01", false);
        },
      ),
      at(RETURN_AT_MS, "Database DB01 is mounted again.", (world) => {
        world.organisation.setMounted("DB01", true);
      }),
    ],
  },
  "false-up": {
    about:
      "The NetScaler’s monitoring of ex02 is stuck while ex02 stops: it still reports UP (false_up).",
    named: member("false_up", "sg_owa"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "ex02 stops altogether, and the NetScaler sends it no probe any more: the state it shows is an old one.",
        async (world) => {
          world.adc.setMonitorEngine(true, ({ server }) => server === "ex02");
          await world.server("ex02").set("all", { kind: "stopped" });
        },
      ),
      at(
        RETURN_AT_MS,
        "ex02 starts again, and so does the NetScaler’s monitoring.",
        async (world) => {
          await world.server("ex02").set("all", { kind: "healthy" });
          world.adc.setMonitorEngine(false);
        },
      ),
    ],
  },
  drained: {
    about:
      "An administrator disables ex02 on the NetScaler, with a delay, without declaring maintenance (drained_undeclared).",
    named: member("drained_undeclared", "sg_owa"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "An administrator types: disable server ex02 15. Its members are GOING OUT OF SERVICE, and out after 15 seconds.",
        (world) => {
          world.adc.disableServer("ex02", { delayMs: 15_000 });
        },
      ),
      at(RETURN_AT_MS, "enable server ex02.", (world) => {
        world.adc.enableServer("ex02");
      }),
    ],
  },
  gslb: {
    about:
      "Two sites with one name: dc2 goes into maintenance, its NetScaler’s plain TCP monitor still passes, and GSLB still returns the site (vip_up_members_down of imap.example.com).",
    conf: withGslb,
    farConf: FAR_CONF,
    named: {
      says: "vip_up_members_down",
      of: { vserver: "gslb_imap" },
      fromMs: CHANGE_AT_MS,
      untilMs: RETURN_AT_MS,
    },
    steps: [
      at(
        0,
        "All is well: imap.example.com and webmail.example.com alternate between two sites, dc1 and dc2.",
      ),
      at(
        CHANGE_AT_MS,
        "Site dc2 goes into maintenance: its servers disconnect new IMAP clients and abort health pages. GSLB removes the web site from DNS; port 993 is still open, so imap.example.com still points there.",
        async (world) => {
          await world.server("ex21").set("all", { kind: "maintenance" });
          await world.server("ex22").set("all", { kind: "maintenance" });
        },
      ),
      at(RETURN_AT_MS, "Site dc2 is back.", async (world) => {
        await world.server("ex21").set("all", { kind: "healthy" });
        await world.server("ex22").set("all", { kind: "healthy" });
      }),
    ],
  },
  failover: {
    about: "The NetScaler pair fails over: the other node is primary, and the agent follows.",
    haPair: true,
    named: null,
    steps: [
      at(0, "All is well; ns1 is the primary node."),
      at(CHANGE_AT_MS, "Failover: ns2 is the primary node now.", (world) => {
        world.adc.failover();
      }),
      at(RETURN_AT_MS, "Failover back: ns1 is the primary node.", (world) => {
        world.adc.failover();
      }),
    ],
  },
  "left-inactive": {
    about:
      "After declared work on ex02 its Outlook on the web stays Inactive: when the window is over, the NetScaler still has it DOWN (maintenance_overrun).",
    named: {
      says: "maintenance_overrun",
      of: { adcService: "sg_owa", server: "ex02" },
      fromMs: WINDOW_OVER_AT_MS,
      untilMs: RETURN_AT_MS,
    },
    steps: [
      at(0, "An administrator types: adc-witness maintenance start ex02 --for 90s.", (world) =>
        world.declare("ex02", WINDOW_OVER_AT_MS),
      ),
      at(
        CHANGE_AT_MS,
        "ex02 goes into maintenance (ServerWideOffline Inactive), as declared.",
        set("ex02", "all", { kind: "maintenance" }),
      ),
      at(
        60_000,
        "The work is done, and ex02 comes back; the component behind Outlook on the web is left Inactive.",
        async (world) => {
          await world.server("ex02").set("all", { kind: "healthy" });
          await world.server("ex02").set("owa", { kind: "maintenance" });
        },
      ),
      at(WINDOW_OVER_AT_MS, "The window of ex02 is over."),
      at(
        RETURN_AT_MS,
        "An administrator checks Get-ServerComponentState, and sets the component Active.",
        set("ex02", "owa", { kind: "healthy" }),
      ),
    ],
  },
  flapping: {
    about:
      "The NetScaler runs short of CPU, and its probes of ex02 time out repeatedly while ex02 is healthy: each time too briefly for a verdict, together a finding (adc_flapping).",
    named: {
      says: "adc_flapping",
      of: { adcService: "sg_owa", server: "ex02" },
      fromMs: CHANGE_AT_MS,
      untilMs: RETURN_AT_MS,
    },
    steps: [
      ALL_WELL,
      ...[0, 1, 2, 3].flatMap((count) => [
        at(
          CHANGE_AT_MS + count * FLAP_EVERY_MS,
          "The NetScaler’s probes of ex02 time out: “Time out during SSL handshake stage”.",
          probesTimeOut("Failure - Time out during SSL handshake stage"),
        ),
        at(
          CHANGE_AT_MS + count * FLAP_EVERY_MS + FLAP_MS,
          "They come through again.",
          probesTimeOut(null),
        ),
      ]),
      at(RETURN_AT_MS, "The NetScaler has processor enough again."),
    ],
  },
  "split-brain": {
    about:
      "The nodes of the pair lose contact and both claim to be the primary: neither is trusted, and every ADC opinion is unknown.",
    haPair: true,
    named: null,
    steps: [
      at(0, "All is well; ns1 is the primary node, ns2 the secondary."),
      at(
        CHANGE_AT_MS,
        "The link between the nodes fails: ns2 no longer sees ns1 and takes over as well.",
        (world) => {
          world.adc.setSplitBrain(true);
        },
      ),
      at(RETURN_AT_MS, "The link is back: ns2 is the secondary again.", (world) => {
        world.adc.setSplitBrain(false);
      }),
    ],
  },
  "login-monitor": {
    about:
      "The mailbox side of ex02 fails behind a working greeting, and only a POP3 monitor that logs in notices it (agree_down, backend_unavailable).",
    named: member("agree_down", "sg_pop3"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "The mailbox side of ex02 fails: POP3 still sends its greeting, but answers every login “Server Unavailable”. The NetScaler’s monitor logs in, and takes ex02 out.",
        set("ex02", "all", { kind: "dead_backend" }),
      ),
      at(RETURN_AT_MS, "The mailbox side is back.", set("ex02", "all", { kind: "healthy" })),
    ],
  },
  "login-rejected": {
    about:
      "The password of the POP3 monitor’s account expires: the NetScaler has every server DOWN, and their real state is unknown (unknown, auth_rejected).",
    named: member("unknown", "sg_pop3"),
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "The password of itest has expired. The NetScaler’s monitor fails at every server, and so does ours: only twice, so that no account is locked.",
        ({ organisation }) => {
          organisation.setExpired("itest", true);
        },
      ),
      at(
        RETURN_AT_MS,
        "The password is renewed. The NetScaler recovers immediately; our copy is tried again half an hour after the second rejection.",
        ({ organisation }) => {
          organisation.setExpired("itest", false);
        },
      ),
    ],
  },
  hma: {
    about:
      "Exchange accepts only tokens of Entra: our login is no longer possible, which says nothing about the servers (scheme_unsupported; all agree).",
    named: null,
    steps: [
      ALL_WELL,
      at(
        CHANGE_AT_MS,
        "Only hybrid modern authentication is allowed: Outlook on the web redirects to Entra’s page, everything else offers Bearer.",
        everywhere({ kind: "modern_authentication" }),
      ),
      at(RETURN_AT_MS, "The form and Basic are allowed again.", everywhere({ kind: "healthy" })),
    ],
  },
  "proxy-protocol": {
    about:
      "The NetScaler begins its connections with a PROXY header, and so do we; ex02 forgets to expect one (agree_down).",
    conf: withProxyProtocol,
    exchange: { awaitsProxyHeader: true },
    named: member("agree_down", "sg_owa"),
    steps: [
      at(
        0,
        "All is well: every server of Outlook on the web expects a PROXY header before TLS, and gets it.",
      ),
      at(
        CHANGE_AT_MS,
        "ex02 is set up anew, and the PROXY header is forgotten: it takes it for a broken TLS handshake.",
        set("ex02", "https", { kind: "no_proxy_header" }),
      ),
      at(RETURN_AT_MS, "ex02 expects the header again.", set("ex02", "https", { kind: "healthy" })),
    ],
  },
  cluster: {
    about:
      "The NetScaler is a cluster: it warns at each login, and has no HA node. Monitoring works (routes_to_maintenance).",
    management: "cluster",
    named: member("routes_to_maintenance", "sg_imaps"),
    steps: INTO_MAINTENANCE,
  },
  partition: {
    about:
      "The Exchange vservers are in an admin partition, which the configuration names: nitro.partition. Monitoring works (routes_to_maintenance).",
    management: "partition",
    named: member("routes_to_maintenance", "sg_imaps"),
    steps: INTO_MAINTENANCE,
  },
  redirect: {
    about:
      "The configuration says http, and the NetScaler redirects to https: no password is sent there, and the error says what to configure.",
    management: "redirect",
    isToldOnce: true,
    named: null,
    steps: [
      at(
        0,
        "adcs[].nitro.urls says http; the NSIP answers 307 to https. Nothing is known of the NetScaler’s opinion: the probes run by its ns.conf alone.",
      ),
      at(
        CHANGE_AT_MS,
        "An administrator types: set ns ip 192.0.2.1 -gui ENABLED. NITRO is answered over http too.",
        ({ nitro }) => {
          nitro.forEach((node) => {
            node.stopRedirecting();
          });
        },
      ),
    ],
  },
  "factory-certificate": {
    about:
      "The NSIP presents the certificate that the NetScaler came with: no password is sent, and the error says what to configure to trust it.",
    management: "factory_certificate",
    isToldOnce: true,
    named: null,
    steps: [
      at(
        0,
        "The NSIP’s certificate is “default ABCDEF”, which is self-signed. The NetScaler’s opinion is unknown: the probes are planned from its ns.conf only.",
      ),
      at(
        CHANGE_AT_MS,
        "An administrator binds a certificate of the internal CA to the NSIP.",
        ({ nitro }) => {
          const { key, certificate } = labCertificate("adc");
          nitro.forEach((node) => {
            node.present({ key, cert: certificate });
          });
        },
      ),
    ],
  },
};

function at(atMs: number, text: string, run: ScenarioStep["run"] = () => undefined): ScenarioStep {
  return { atMs, text, run };
}

/** A verdict on ex02's member of a group, from the change to the return. */
function member(says: string, adcService: string): Named {
  const of = { adcService, server: "ex02" };
  return { says, of, fromMs: CHANGE_AT_MS, untilMs: RETURN_AT_MS };
}

function vserver(says: string, name: string): Named {
  return { says, of: { vserver: name }, fromMs: CHANGE_AT_MS, untilMs: RETURN_AT_MS };
}

/** Only on the NetScaler: ex02's Outlook on the web is healthy. */
function probesTimeOut(response: string | null): ScenarioStep["run"] {
  return ({ adc }) => {
    adc.setMonitorFault(response, ({ server, port }) => server === "ex02" && port === 443);
  };
}

function set(server: string, protocol: LabProtocol, condition: Condition): ScenarioStep["run"] {
  return (world: ScenarioWorld) => world.server(server).set(protocol, condition);
}

function everywhere(condition: Condition): ScenarioStep["run"] {
  return async (world) => {
    for (const name of ["ex01", "ex02", "ex03"]) {
      await world.server(name).set("https", condition);
    }
  };
}

/** A PROXY header before every connection to a web service, the monitors' among them. */
function withProxyProtocol(conf: string): string {
  const groups = [...conf.matchAll(/^add serviceGroup (\S+) SSL /gm)].map(([, name = ""]) => name);
  return [
    conf.trimEnd(),
    "add netProfile np_proxy -proxyProtocol ENABLED -proxyProtocolTxVersion V1",
    ...groups.map((name) => `set serviceGroup ${name} -netProfile np_proxy`),
    "",
  ].join("\n");
}

/** Only IMAP over TLS, with neutral server names. */
function withNeutralNames(conf: string): string {
  return conf
    .split("\n")
    .filter((line) => /^#|^set ns |^enable |^add server ex0[1-3] |\b(sg|v)_imaps\b/.test(line))
    .map((line) => line.replace(/\bex0(\d)(?= )/g, "mbx0$1"))
    .concat("")
    .join("\n");
}

/** The login of the second guide: a form in front of Outlook on the web, a 401 in front of ActiveSync. */
function withAaa(conf: string): string {
  return [
    conf.trimEnd(),
    "set lb vserver v_owa -AuthenticationHost aaa.example.com -Authentication ON -authnVsName aaa_exchange",
    "set lb vserver v_activesync -authn401 ON -authnVsName aaa_exchange",
    "",
  ].join("\n");
}

/** The names of both sites, answered by this ADC's own DNS. */
function withGslb(conf: string): string {
  return [
    conf.trimEnd(),
    "enable ns feature GSLB",
    "add service adns 192.0.2.53 ADNS 53 -gslb NONE",
    "add service adns_tcp 192.0.2.53 ADNS_TCP 53 -gslb NONE",
    "add gslb site dc1 LOCAL 192.0.2.53",
    "add gslb site dc2 REMOTE 203.0.113.53",
    "add gslb vserver gslb_webmail SSL -lbMethod ROUNDROBIN",
    "add gslb vserver gslb_imap TCP -lbMethod ROUNDROBIN",
    "add gslb service gs_webmail_dc1 192.0.2.10 SSL 443 -siteName dc1",
    "add gslb service gs_webmail_dc2 203.0.113.10 SSL 443 -siteName dc2",
    "add gslb service gs_imap_dc1 192.0.2.20 TCP 993 -siteName dc1",
    "add gslb service gs_imap_dc2 203.0.113.20 TCP 993 -siteName dc2",
    "bind gslb vserver gslb_webmail -serviceName gs_webmail_dc1",
    "bind gslb vserver gslb_webmail -serviceName gs_webmail_dc2",
    "bind gslb vserver gslb_webmail -domainName webmail.example.com -TTL 5",
    "bind gslb vserver gslb_imap -serviceName gs_imap_dc1",
    "bind gslb vserver gslb_imap -serviceName gs_imap_dc2",
    "bind gslb vserver gslb_imap -domainName imap.example.com -TTL 5",
    "",
  ].join("\n");
}

/** The default scenario of the demo. */
export const DEFAULT_SCENARIO = "maintenance";
