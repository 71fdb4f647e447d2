/**
 * What the two public guides to Exchange behind a NetScaler, and the readers' comments on the second, set up or complain
 *about: each with what in this program detects it, and the tests that prove it.
 */

/** A test by its file and its title as written there. */
export interface GuideTest {
  readonly file: string;
  readonly title: string;
}

export interface GuideRow {
  readonly what: string;
  /** What detects it, as text: monitor replica, look, transaction, lint rule or finding. */
  readonly seen: string;
  /** Names in `TESTS`; empty: nothing detects it. */
  readonly tests: readonly TestName[];
  /** If it is only partly detected: what is not. */
  readonly missing?: string;
}

/** A lint rule's cases are listed under its name. */
function rule(id: string): GuideTest {
  return { file: "test/lint/rule-cases.ts", title: `${id}:` };
}

export const TESTS = {
  planImap: plan("gives IMAP 30 s, 5 s, 2 min, send, recv and destination as the guide does"),
  planPop3: plan(
    "sends the scripted POP3 monitor from the NSIP and leaves it unsupported when no account is configured",
  ),
  paths2010: {
    file: "test/agent/plan-paths.test.ts",
    title: "plan paths › asks ActiveSync and Outlook Anywhere of Exchange 2010 at their own paths",
  },
  oauthOffered: {
    file: "test/probes/transactions/web-looks.test.ts",
    title: "OAuth, offered to an empty token alone, %s",
  },
  proxyRefused: {
    file: "test/probes/transactions/web-logins.test.ts",
    title:
      "owa_form reports backend_unavailable when another front end refuses the proxy, by the page of Exchange %s",
  },
  planRpc: plan("sends RPC to the monitor's fixed port when the service has every port"),
  planVip: plan(
    "repeats only application monitors through the VIP, IMAP and POP3 over TLS, without TCP and ping",
  ),
  lint2010: {
    file: "test/lint/guides.test.ts",
    title: "reports the expected findings of Exchange 2010, command summaries",
  },
  lint2010Full: {
    file: "test/lint/guides.test.ts",
    title: "reports the expected findings of Exchange 2010 with a second server under each monitor",
  },
  lint2016: {
    file: "test/lint/guides.test.ts",
    title: "reports the expected findings of Exchange 2016",
  },
  recognised: {
    file: "test/adc/recognise.test.ts",
    title: "names the members of Exchange 2010 that the guide gives only in words",
  },
  healthy: diagnosis(
    "demo scenarios › healthy: passes every probe, at the servers and through the VIPs",
  ),
  customBanner: story("custom-banner"),
  oldTls: story("tls10-off"),
  deadBackend: story("dead-backend"),
  mailboxDown: story("mailbox-down"),
  failover: diagnosis("demo scenarios › failover: follows the primary and reports no mismatch"),
  certificates: story("certificate"),
  maintenance: {
    file: "test/e2e/maintenance.test.ts",
    title:
      "maintenance › reports IMAPS as still routed, HTTPS as taken out, and agreement after the return",
  },
  anyPort: {
    file: "test/change/any-port-vip.test.ts",
    title: "VIP of every port › is probed at the monitor's own port and at the endpoint mapper",
  },
  anyPortGone: {
    file: "test/change/any-port-vip.test.ts",
    title: "is down when the connection is refused",
  },
  refused: {
    file: "test/change/vip-refuses.test.ts",
    title: "VIP that refuses this agent › is unknown, agent_path: %s",
  },
  wrongCertificate: {
    file: "test/e2e/vip.test.ts",
    title: "vip › is vip_wrong_certificate when it shows another certificate than the bound one",
  },
  drained: {
    file: "test/e2e/vip.test.ts",
    title: "vip › is vip_served_by_drained_server when a server in maintenance still answers",
  },
  oddSchemes: {
    file: "test/e2e/vip.test.ts",
    title: "vip › reports login schemes when one server alone offers others",
  },
  publicNames: {
    file: "test/e2e/public.test.ts",
    title: "are each a site of its own for every address, with the DNS comparison at the VIP",
  },
  redirects: {
    file: "test/agent/evaluate-vserver.test.ts",
    title:
      "evaluate vserver › agrees when a vserver that only redirects redirects as configured, whatever the ADC says",
  },
  computedRedirects: {
    file: "test/agent/plan-paths.test.ts",
    title: "has its computed target predicted when it is built of the request: %s",
  },
  aaaVserver: {
    file: "test/agent/evaluate-vserver.test.ts",
    title: "is asked for its login page by the host name that content switching routes to it",
  },
  aaaVserverDown: {
    file: "test/agent/evaluate-vserver.test.ts",
    title: "agrees or not with the ADC when it is %s",
  },
  unspoken: {
    file: "test/agent/vip-login.test.ts",
    title:
      "vip login › makes a member unknown when its configured login cannot be spoken and all else is well, until one works",
  },
  sourceBound: { file: "test/agent/evaluate-vserver.test.ts", title: "source-bound persistence" },
  clientAddress: {
    file: "test/agent/evaluate-vserver.test.ts",
    title: "client address through the VIP",
  },
  challenge: {
    file: "test/probes/transactions/web-looks.test.ts",
    title: "sends a client's request and keeps cookies out of the evidence",
  },
  configuredRedirect: {
    file: "test/probes/transactions/web-looks.test.ts",
    title: "matches the configured redirect alone",
  },
  sslRequired: { file: "test/probes/transactions/web-looks.test.ts", title: "ssl_required" },
  healthPage: {
    file: "test/probes/transactions/web-looks.test.ts",
    title: "reports component_offline when the request is aborted",
  },
  offloaded2010: {
    file: "test/probes/transactions/web-logins.test.ts",
    title:
      "owa_form and eas_options log in over clear text when Exchange 2010 is behind an offloading ADC",
  },
  paddedBody: {
    file: "test/probes/transactions/web-logins.test.ts",
    title: "ews_folder sends a padded body by %s",
  },
  addressBook: {
    file: "test/probes/transactions/web-logins.test.ts",
    title: "oab reads the manifest when its path is configured",
  },
  autodiscover: {
    file: "test/probes/transactions/web-logins.test.ts",
    title: "autodiscover reports bad_status when the mailbox is unknown",
  },
  mailLogin: {
    file: "test/probes/transactions/mail-logins.test.ts",
    title: "logs in once over one connection and hides the password",
  },
  deadMailbox: {
    file: "test/probes/transactions/mail-logins.test.ts",
    title: "%s fails at step login when the back end is dead",
  },
  mapper: {
    file: "test/probes/transactions/round-trip-and-rpc.test.ts",
    title: "reports bad_status when the mapper names another port",
  },
  roundTrip: {
    file: "test/probes/transactions/round-trip-and-rpc.test.ts",
    title: "matches and deletes the message when it arrives",
  },
  mailFrom: {
    file: "test/probes/transactions/smtp-mail-from.test.ts",
    title: "sends MAIL FROM, RSET and QUIT, but no RCPT and no DATA",
  },
  relay: {
    file: "test/probes/transactions/smtp-mail-from.test.ts",
    title:
      "matches with expect: blocked only when the outside recipient is refused, and sends no DATA",
  },
  imapGreeting: {
    file: "test/probes/transactions/imap-pop3-greeting.test.ts",
    title: "reports closed_without_data at step banner when closed without a byte",
  },
  infrastructure: {
    file: "test/probes/monitors/infrastructure-servers.test.ts",
    title: "OpenLDAP",
  },
  ntp: {
    file: "test/probes/transactions/real-support-servers.test.ts",
    title: "reports stratum and offset when the offset is within its limit",
  },
  staleMonitor: {
    file: "test/agent/login-monitors.test.ts",
    title: "leaves no replica UP, each keeping the rejection, while the account is suspended",
  },
  loginAtVip: {
    file: "test/agent/vip-login.test.ts",
    title: "is vip_login_broken when one transaction's login fails and another's works",
  },
  aaaLogin: {
    file: "test/probes/transactions/aaa.test.ts",
    title: "passes and hides the credential when AAA and Exchange accept it",
  },
  aaaForm: { file: "test/probes/transactions/aaa.test.ts", title: "AAA login form" },
  aaaBlocked: {
    file: "test/probes/transactions/aaa.test.ts",
    title: "matches when the path is behind the login",
  },
  aaaActiveSync: aaaStep("eas_options reaches ActiveSync through 401-based AAA"),
  aaaGroups: aaaStep(
    "owa_form reports aaa_not_authorized when the account is in no permitted group",
  ),
  aaaNames: aaaStep("owa_form logs in by account name, mail address and domain name"),
  aaaSso: aaaStep("owa_form reports sso_not_passed when single sign-on is broken"),
  aaaSecondFactor: aaaStep("owa_form reports second_factor when AAA asks for one"),
  aaaLargePost: aaaStep(
    "passes a small request and loses a padded one when large bodies are limited",
  ),
  aaaNoTraffic: aaaStep(
    "owa_form reports sso_not_passed when the ADC lacks the guide's traffic policy",
  ),
  aaaNoTarget: aaaStep(
    "owa_form reports aaa_no_target when the login host is outside the mail domain",
  ),
  pathsAsked: {
    file: "test/agent/plan-paths.test.ts",
    title: "asks each policy's path once, the target's own path first",
  },
  pathBlocked: {
    file: "test/agent/plan-paths.test.ts",
    title: "asks a path that no policy matches once at the VIP and at every server",
  },
  mailboxSide: {
    file: "test/agent/mailbox-side.test.ts",
    title: "is one mailbox_side finding and no blind monitor when all servers fail it",
  },
  gslb: {
    file: "test/adc/nitro/gslb.test.ts",
    title:
      "gives members and vserver states, under names of their own when a service has the same name",
  },
  tcpOnly: rule("tcp_only"),
  pingOnly: rule("ping_only"),
  headRequest: rule("head_request"),
  pinnedDestIp: rule("pinned_dest_ip"),
  lrtm: rule("lrtm_suppresses_probes"),
  unusedMonitor: rule("unused_monitor"),
  wildcardPort: rule("wildcard_port"),
  smtpBannerOnly: rule("smtp_banner_only"),
  authorizationPersistence: rule("authorization_persistence"),
  longPersistence: rule("persistence_longer_than_drain"),
  memberIsVip: rule("member_is_vip"),
  policiesOverlap: rule("cs_policies_overlap"),
  passesEveryUrl: rule("cs_passes_every_url"),
  anotherDirectory: rule("monitor_of_another_directory"),
  aaaPolicyFirst: rule("aaa_policy_first"),
  authenticationHost: rule("authentication_host_is_mail_host"),
  withoutSso: rule("authentication_without_sso"),
  defaultDeny: rule("default_deny_without_authorization"),
  ntlmWithoutKcd: rule("ntlm_without_kcd"),
  cache: rule("cache_on_exchange"),
  feo: rule("feo_on_exchange"),
  sourceLimit: rule("source_limit"),
  clientSource: rule("client_source_address"),
  clientTimeout: rule("client_timeout_too_short"),
  udpWithoutRecv: rule("udp_without_recv"),
  wrongKind: rule("wrong_kind_reference"),
} as const satisfies Record<string, GuideTest>;

export type TestName = keyof typeof TESTS;

function plan(title: string): GuideTest {
  return { file: "test/agent/plan.test.ts", title };
}

function story(title: string): GuideTest {
  return { file: "test/e2e/demo-scenarios.test.ts", title };
}

function diagnosis(title: string): GuideTest {
  return { file: "test/e2e/demo-diagnoses.test.ts", title };
}

function aaaStep(title: string): GuideTest {
  return { file: "test/lab/adc/aaa-steps.test.ts", title };
}

function row(what: string, seen: string, tests: readonly TestName[], missing?: string): GuideRow {
  return missing === undefined ? { what, seen, tests } : { what, seen, tests, missing };
}

/** The guide to Exchange 2010. */
export const GUIDE_2010: readonly GuideRow[] = [
  row(
    "OWA: monitors `ping`, `http` (HEAD /, 200) on 80",
    "replicas; lint `head_request`, `ping_only`",
    ["lint2010", "headRequest", "pingOnly"],
  ),
  row("OWA as a client uses it", "look `https_challenge`; transaction `owa_form`", [
    "challenge",
    "offloaded2010",
  ]),
  row("Vserver on 80 with `-redirectURL` to 443", "look: the redirect as configured", [
    "redirects",
    "configuredRedirect",
  ]),
  row("Rewrite of / to /owa", "look at the path in the rewrite", ["recognised", "pathsAsked"]),
  row(
    "COOKIEINSERT persistence, least connection",
    "the servers that respond through the VIP are counted",
    ["drained"],
  ),
  row(
    "SSL offload, redirects to http (SSLOffloaded)",
    "look and login without TLS behind the ADC",
    ["offloaded2010"],
  ),
  row("IIS “Require SSL” behind offload: 403", "look, reason `ssl_required`", ["sslRequired"]),
  row(
    "Certificate: imported, bound, expiring",
    "`vip_wrong_certificate`, TLS facts of each probe",
    ["wrongCertificate", "certificates"],
  ),
  row(
    "ActiveSync services",
    "replica; a look at /Microsoft-Server-ActiveSync; transaction `eas_options`",
    ["paths2010", "aaaActiveSync"],
  ),
  row("Outlook Anywhere services", "replica; a look at /rpc/rpcproxy.dll; transaction `rpc_echo`", [
    "paths2010",
  ]),
  row("Persistence by the Authorization header", "lint `authorization_persistence`", [
    "authorizationPersistence",
    "lint2010Full",
  ]),
  row("IMAP4: TCP-ECV for the banner on 143", "replica; look `imap_greeting`", [
    "planImap",
    "healthy",
  ]),
  row("IMAP VIP on 993", "replica and look through the VIP over TLS", ["planVip", "healthy"]),
  row("Customised IMAP banner", "`strict_monitor`", ["customBanner"]),
  row("IMAP or POP service not started", "replica and look: refused; closed without data", [
    "imapGreeting",
  ]),
  row("POP3: login by nspop3.pl", "replica with an account of the configuration", [
    "planPop3",
    "deadMailbox",
    "staleMonitor",
  ]),
  row("POP3 VIP on 995", "replica and look through the VIP over TLS", ["planVip"]),
  row("POP3: banner instead of login", "replica; look `pop3_greeting`", [
    "planVip",
    "lint2010Full",
  ]),
  row("RPC: TCP 22902", "replica", ["planRpc"]),
  row("RPC: the port may differ", "transaction `rpc_endpoint_map`", ["mapper"]),
  row("RPC: service on every port", "lint `wildcard_port`", ["wildcardPort"]),
  row("RPC: VIP on every port", "the endpoint mapper and the monitor's port at the VIP", [
    "anyPort",
    "anyPortGone",
  ]),
  row("SMTP: nssmtp.pl", "replica; lint `smtp_banner_only`", ["smtpBannerOnly", "mailFrom"]),
  row("Edge VIP on 25", "look `smtp_mail_from` through the VIP", ["mailFrom", "healthy"]),
  row("GSLB between sites", "sites, services and vservers of GSLB; public addresses of each name", [
    "gslb",
    "publicNames",
  ]),
  row(
    "Mailbox role behind the Client Access servers",
    "finding on the mailbox side; failed back end",
    ["mailboxDown", "deadBackend"],
  ),
  row("“Simulate end-user protocols”", "logins by IMAP, POP3, SMTP, OWA, EWS; mail round trip", [
    "mailLogin",
    "roundTrip",
  ]),
  row("EWS, OAB and Autodiscover", "transactions `ews_folder`, `oab`, `autodiscover`", [
    "paddedBody",
    "addressBook",
    "autodiscover",
  ]),
  row("Pair of two nodes", "the agent follows the primary", ["failover"]),
  row("`-destIP` pinned to one server", "lint `pinned_dest_ip`", ["pinnedDestIp", "lint2010Full"]),
  row("LRTM", "lint `lrtm_suppresses_probes`", ["lrtm"]),
  row("Scripted monitors come from the NSIP", "`plan` names the source", ["planPop3"]),
  row("Password encrypted in ns.conf", "`not_configured` until the configuration gives one", [
    "planPop3",
  ]),
  row("SMTP monitor that is not bound", "lint `unused_monitor`", ["unusedMonitor", "lint2010"]),
];

const HEALTH_PAGES = ["OWA", "ECP", "EWS", "ActiveSync", "MAPI", "RPC", "Autodiscover"] as const;

/** The guide to Exchange 2016 and 2019. */
export const GUIDE_2016: readonly GuideRow[] = [
  ...HEALTH_PAGES.map((name) =>
    row(`Health page of ${name}, at the servers`, "replica; look `health_page`", [
      "healthPage",
      "healthy",
    ]),
  ),
  row("The health pages through the VIP", "replica and look through the VIP; `failing_replicas`", [
    "healthy",
  ]),
  row("Offline address book", "replica; transaction `oab`", ["addressBook"]),
  row("SMTP 25", "look `smtp_mail_from`; lint `tcp_only`", ["mailFrom", "tcpOnly"]),
  row("SMTP 465", "look: waits for Exchange's banner before TLS", ["mailFrom"]),
  row("SMTP 587", "look; transaction `smtp_submission`", ["mailFrom", "mailLogin"]),
  row("IMAP 143", "look `imap_greeting`", ["imapGreeting"]),
  row("IMAP 993", "look `imap_greeting` over TLS", ["imapGreeting", "maintenance"]),
  row("DNS", "replica; transaction `dns_lookup`", ["infrastructure", "healthy"]),
  row("NTP", "transaction `ntp_time`; lint `udp_without_recv`", ["ntp", "udpWithoutRecv"]),
  row("LDAP 389", "replica; transaction `ldap_bind`", ["infrastructure"]),
  row("LDAP 636", "replica; transaction `ldap_bind` over TLS", ["infrastructure"]),
  row("Content switching on 443", "every policy's path is probed", ["pathsAsked"]),
  row(
    "Content switching on 80",
    "the redirect of a responder policy, also if its URL is built from the request",
    ["redirects", "computedRedirects"],
  ),
  row("Wildcard certificate", "names and serial number of the certificate at the VIP", [
    "wrongCertificate",
  ]),
  row(
    "The authentication vserver itself",
    "a separate row: state, certificate, and whether its login page responds; the login itself",
    ["aaaVserver", "aaaVserverDown", "aaaLogin", "aaaForm"],
  ),
  row("Default authorization DENY", "lint `default_deny_without_authorization`", [
    "defaultDeny",
    "aaaGroups",
  ]),
  row(
    "POST over 10 KB behind AAA",
    "transaction `ews_folder` with a padded body; `vip_login_broken`",
    ["aaaLargePost", "loginAtVip"],
  ),
  row("LDAP policies for sAMAccountName and UPN", "login by either name", ["aaaLogin", "aaaNames"]),
  row("Single sign-on policy", "lint `authentication_without_sso`; `sso_not_passed`", [
    "withoutSso",
    "aaaSso",
  ]),
  row("Priority of the AAA policy", "lint `aaa_policy_first`", ["aaaPolicyFirst"]),
  row("Group filter", "`aaa_not_authorized`", ["aaaGroups"]),
  row("Front-end optimisation", "lint `feo_on_exchange`", ["feo"]),
  row("Integrated caching", "lint `cache_on_exchange`", ["cache"]),
  row(
    "SOURCEIP persistence for 30 minutes",
    "probes pause while a member leaves; lint `persistence_longer_than_drain`",
    ["sourceBound", "longPersistence"],
  ),
  row("NSIP or SNIP as source", "`plan` names the source", ["planPop3"]),
  row("Public address, DNAT", "probes at `public` addresses", ["publicNames"]),
  row("401-based login on MAPI, RPC, OAB, EWS", "logins through 401-based AAA", [
    "aaaActiveSync",
    "loginAtVip",
  ]),
];

const BROKEN_LOGIN = "a configured login through the VIP: `vip_login_broken` with the failing step";

/** Readers' comments below that guide, by their numbers there. */
export const COMMENTS: readonly GuideRow[] = [
  row("2: which monitors are better", "lint `tcp_only` and others", ["tcpOnly", "lint2016"]),
  row("3: service on every port", "lint `wildcard_port`; VIP of every port", [
    "wildcardPort",
    "anyPort",
  ]),
  row(
    "4: the ADC sends clients to a server in maintenance because 993 is open",
    "`routes_to_maintenance`",
    ["maintenance"],
  ),
  row(
    "7: Outlook prompts repeatedly; one server offers other login methods",
    "`auth_schemes_differ`; OAuth counts among them, which Exchange offers only in response to an empty token",
    ["oddSchemes", "oauthOffered"],
  ),
  row("8: a policy bound to a cs vserver by `bind lb vserver`", "lint `wrong_kind_reference`", [
    "wrongKind",
  ]),
  row(
    "9, 11 to 16: one server's service stops, clients lose the mailbox",
    "one finding on the mailbox side",
    ["mailboxDown", "mailboxSide"],
  ),
  row("10: single sign-on is not passed on by the form", BROKEN_LOGIN, ["loginAtVip", "aaaSso"]),
  row("23: ActiveSync and Autodiscover behind AAA lack single sign-on", BROKEN_LOGIN, [
    "loginAtVip",
    "aaaNoTraffic",
  ]),
  row("33: calendars and free-busy fail behind AAA", BROKEN_LOGIN, ["loginAtVip", "aaaNoTraffic"]),
  row("38: the page reloads endlessly after the login", BROKEN_LOGIN, ["loginAtVip", "aaaSso"]),
  row("52: mail with an attachment is not sent behind AAA", BROKEN_LOGIN, [
    "loginAtVip",
    "aaaLargePost",
  ]),
  row("53: RPC behind AAA returns Internal Server Error 43550", BROKEN_LOGIN, [
    "loginAtVip",
    "aaaNoTraffic",
  ]),
  row("57: Autodiscover behind AAA prompts repeatedly", BROKEN_LOGIN, [
    "loginAtVip",
    "autodiscover",
  ]),
  row("66: a blinking page after the login", BROKEN_LOGIN, ["loginAtVip", "aaaSso"]),
  row("69: Autodiscover and RPC behind AAA fail", BROKEN_LOGIN, ["loginAtVip", "aaaNoTraffic"]),
  row(
    "17: Outlook prompts again with persistence by Authorization",
    "lint `authorization_persistence`",
    ["authorizationPersistence"],
  ),
  row(
    "18, 20, 44, 45: who may relay by SMTP; ACL or listen policy",
    "`smtp_mail_from` with `outside_address`; a VIP that refuses the agent",
    ["relay", "refused"],
  ),
  row("19: IMAP clients see another certificate name", "`vip_wrong_certificate`", [
    "wrongCertificate",
  ]),
  row("21, 27, 56: two sites, GSLB", "sites, services and vservers of GSLB", [
    "gslb",
    "publicNames",
  ]),
  row("22: some clients only", "`auth_schemes_differ`; lint `ntlm_without_kcd`", [
    "oddSchemes",
    "ntlmWithoutKcd",
  ]),
  row(
    "24: persistence and idle times",
    "lint `persistence_longer_than_drain`, `client_timeout_too_short`",
    ["longPersistence", "clientTimeout"],
  ),
  row("25: an ADC in front of another ADC", "lint `member_is_vip`", ["memberIsVip"]),
  row("28: CONTAINS matches other directories' URLs", "lint `cs_policies_overlap`", [
    "policiesOverlap",
  ]),
  row(
    "29, 30: “Target URL not found” after the login",
    "lint `aaa_policy_first`; `aaa_no_target`",
    ["aaaPolicyFirst", "aaaNoTarget"],
  ),
  row("31: the authentication host is the mail host", "lint `authentication_host_is_mail_host`", [
    "authenticationHost",
  ]),
  row("32: TLS 1.0 switched off at the servers", "`false_down`, with the handshake explained", [
    "oldTls",
  ]),
  row("34: only ActiveSync from outside", "`expect: blocked`", ["pathBlocked", "aaaBlocked"]),
  row(
    "35: NTLM or Kerberos behind AAA",
    "lint `ntlm_without_kcd`; a password at AAA that the ADC cannot turn into a ticket: `sso_not_passed`; if only Kerberos is offered, the result is `unknown` (`scheme_unsupported`)",
    ["ntlmWithoutKcd", "aaaSso", "unspoken"],
    "a client's own Kerberos ticket, which requires a domain member: if nothing else is offered, a login stays `unknown`",
  ),
  row(
    "36: one Client Access server is refused by another (401)",
    "transaction `owa_form`: the error page after the login gives the reason; `vip_login_broken` if it only fails through the ADC",
    ["proxyRefused", "loginAtVip"],
  ),
  row("37: monitors of DNS, LDAP, NTP and their source", "`plan` names the source", ["planPop3"]),
  row("39, 40: 993 works inside and not outside", "probes at `public` addresses", ["publicNames"]),
  row(
    "41: Outlook prompts again when the client's address changes",
    "a vserver's persistence by address (SOURCEIP) is shown, with the member that our own address sticks to",
    ["sourceBound"],
    "what Outlook does when its client's address changes: the agent's own address does not change, and it does not see Outlook's sessions",
  ),
  row(
    "42: logoff.owa never reaches the server",
    "",
    [],
    "whether OWA's script requests logoff.owa: testing that requires a browser",
  ),
  row(
    "43: SMTP sees the ADC's address; limits by source",
    "`source_limit` as reason and lint rule; whether the client's address is kept",
    ["sourceLimit", "clientAddress"],
  ),
  row("46: “Time out during SSL handshake stage”", "`false_down`, with the handshake explained", [
    "oldTls",
  ]),
  row("48: the session policy is not bound", "lint `authentication_without_sso`", ["withoutSso"]),
  row(
    "49: the default redirect passes every URL",
    "lint `cs_passes_every_url`, `monitor_of_another_directory`",
    ["passesEveryUrl", "anotherDirectory"],
  ),
  row("51: a cache policy breaks OWA", "lint `cache_on_exchange`; transaction `owa_form`", [
    "cache",
    "loginAtVip",
  ]),
  row("54, 55: what the authentication host is", "lint `authentication_host_is_mail_host`", [
    "authenticationHost",
  ]),
  row("58: a second factor", "`second_factor` as the failing step", ["aaaSecondFactor"]),
  row(
    "59: the relay must see the client's address",
    "lint `client_source_address`; `client_address_kept`",
    ["clientSource", "clientAddress"],
  ),
  row(
    "61, 70: Outlook for iOS fails behind AAA on ActiveSync",
    "login through 401-based AAA",
    ["aaaActiveSync"],
    "the behaviour of that app: its requests come from its vendor's cloud, not from the agent's network",
  ),
  row("62: caching and optimisation break OWA", "lint `cache_on_exchange`, `feo_on_exchange`", [
    "cache",
    "feo",
  ]),
  row(
    "64: the traffic policy for single sign-on is missing",
    "lint `authentication_without_sso`; `sso_not_passed`",
    ["withoutSso", "aaaNoTraffic"],
  ),
  row("67, 68: client source addresses and the return path", "lint `client_source_address`", [
    "clientSource",
  ]),
];
