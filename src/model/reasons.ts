/** The two closed lists every failure is named from (design: verdicts and reasons). Free text goes into evidence, never here. */

/** How far an exchange came. */
export const STEPS = [
  "resolve",
  "connect",
  "tls",
  "banner",
  "greeting",
  "starttls",
  "send",
  "response",
  "login",
  "mail_from",
  "transaction",
] as const;
export type Step = (typeof STEPS)[number];

/** Why it ended there. Add deliberately: dashboards, alerts and docs are checked against this list. */
export const REASONS = [
  "ok",
  "dns_failure",
  "refused",
  "unreachable",
  "connect_timeout",
  "reset",
  "closed_without_data",
  "tls_handshake",
  "tls_timeout",
  "tls_protocol",
  "plaintext_on_tls_port",
  "banner_timeout",
  "banner_mismatch",
  "response_timeout",
  "bad_status",
  "pattern_missing",
  "protocol_error",
  "service_not_active",
  "bye",
  "throttled",
  "source_limit",
  "back_pressure",
  "auth_rejected",
  "auth_challenge",
  "auth_schemes_differ",
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
  "redirect_loop",
  "login_broken_by_adc",
  "adc_no_service",
  "adc_error_page",
  "ssl_required",
  "component_offline",
  "backend_unavailable",
  "mail_in_junk",
  "mail_lost",
  "certificate_expired",
  "certificate_not_yet_valid",
  "certificate_name",
  "certificate_untrusted",
  "not_configured",
  "agent_path",
  "agent_fault",
  "unsupported",
] as const;
export type Reason = (typeof REASONS)[number];
export type FailureReason = Exclude<Reason, "ok">;

/** How a reason reads to people. */
interface ReasonWords {
  /** What happened, as the end of a sentence. */
  readonly label: string;
  /** Where to look first. */
  readonly advice: string;
}

export const STEP_WORDS: Readonly<Record<Step, string>> = {
  resolve: "while resolving the name",
  connect: "while connecting",
  tls: "in the TLS handshake",
  banner: "while waiting for the banner",
  greeting: "at the greeting",
  starttls: "at STARTTLS",
  send: "while sending the request",
  response: "in the response",
  login: "at the login",
  mail_from: "at MAIL FROM",
  transaction: "in the transaction",
};

export const REASON_WORDS: Readonly<Record<Reason, ReasonWords>> = {
  ok: { label: "all well", advice: "Nothing to do." },
  dns_failure: {
    label: "the name could not be resolved",
    advice: "Check the name and this agent's DNS servers.",
  },
  refused: {
    label: "the connection was refused",
    advice: "Nothing listens on the port: start the service, or look for a firewall that rejects.",
  },
  unreachable: {
    label: "no route to the address",
    advice: "Check routing and firewalls between this agent and the server.",
  },
  connect_timeout: {
    label: "the connection timed out",
    advice: "The host is down or a firewall drops the packets.",
  },
  reset: {
    label: "the connection was reset",
    advice: "Look for a device in between that cuts the connection, or a crashing service.",
  },
  closed_without_data: {
    label: "the connection was accepted and closed without a byte",
    advice: "Exchange does this in maintenance: check the server's component states.",
  },
  tls_handshake: {
    label: "the TLS handshake failed",
    advice: "Check the certificate and cipher suites bound to the service.",
  },
  tls_timeout: {
    label: "the TLS handshake timed out",
    advice: "The service hangs after accepting, or a device in between swallows the handshake.",
  },
  tls_protocol: {
    label: "the two sides share no TLS version",
    advice: "Compare the TLS versions of the monitor (or its profile) with those of the server.",
  },
  plaintext_on_tls_port: {
    label: "clear text answered where TLS was expected",
    advice: "The service has no certificate for this protocol, or the port is another one's.",
  },
  banner_timeout: {
    label: "no banner came in time",
    advice: "The service accepts but hangs: check its worker process and the server's load.",
  },
  banner_mismatch: {
    label: "the banner is another one",
    advice: "The banner was customised, or another service answers on the port.",
  },
  response_timeout: {
    label: "no answer came in time",
    advice: "The service hangs or is slower than the monitor's response time-out allows.",
  },
  bad_status: {
    label: "another status than expected",
    advice: "Compare the request's path, method and Host with what the server expects.",
  },
  pattern_missing: {
    label: "the expected text did not come",
    advice: "Compare the monitor's expected string with the answer in the evidence.",
  },
  protocol_error: {
    label: "the answer breaks the protocol",
    advice: "Another service answers on the port, or a device in between changes the traffic.",
  },
  service_not_active: {
    label: "the server says it is not active",
    advice: "Exchange transport is in maintenance: check HubTransport and ServerWideOffline.",
  },
  bye: {
    label: "the server said BYE",
    advice: "Read its words in the evidence: a missing certificate or a refused connection.",
  },
  throttled: {
    label: "the server limits connections",
    advice: "Raise the connection limits for monitoring sources, or probe less often.",
  },
  source_limit: {
    label: "the server limits connections from one address",
    advice: "Raise the limit per source for the ADC and this agent.",
  },
  back_pressure: {
    label: "the server refuses mail for want of resources",
    advice: "Exchange back pressure: check disk space, queue database and memory.",
  },
  auth_rejected: {
    label: "the login was rejected",
    advice:
      "Check the account. The same words hide a dead mailbox server: compare with another server.",
  },
  auth_challenge: {
    label: "the answer was a login challenge",
    advice: "Bind the monitor to a path that needs no login, or expect 401.",
  },
  auth_schemes_differ: {
    label: "other login schemes are offered than expected",
    advice: "Compare the virtual directory's authentication settings across the servers.",
  },
  aaa_login: {
    label: "the ADC's own login page answered",
    advice: "Authentication is on at the vserver: a look without an account ends here.",
  },
  aaa_rejected: {
    label: "the ADC's login rejected the account",
    advice: "Check the account and the authentication policies of the AAA vserver.",
  },
  aaa_not_authorized: {
    label: "the ADC logged in and then denied access",
    advice: "Check the authorization policies and the default authorization action.",
  },
  aaa_no_target: {
    label: "the ADC's login led nowhere",
    advice: "Check the session policy's home page and the load-balancing vserver behind the login.",
  },
  sso_not_passed: {
    label: "the ADC did not pass the login on to the server",
    advice: "Check the traffic policy's single sign-on, its form action or its KCD account.",
  },
  second_factor: {
    label: "a second factor is asked for",
    advice: "Give the probe an account that is exempt, or end the probe at this page.",
  },
  redirect_loop: {
    label: "redirects lead in a circle",
    advice: "Compare redirects on the ADC with those of the server; check the certificates match.",
  },
  login_broken_by_adc: {
    label: "the login works at the server and fails through the ADC",
    advice: "Look at authentication, rewrite and persistence policies on this vserver.",
  },
  adc_no_service: {
    label: "the ADC has no service to give",
    advice: "No member of the vserver is UP in the ADC's eyes: look at the members.",
  },
  adc_error_page: {
    label: "the ADC answered with an error of its own",
    advice: "Read the status in the evidence and the ADC's policies at this vserver.",
  },
  ssl_required: {
    label: "the server insists on TLS",
    advice: "Make the monitor secure, or probe the TLS port.",
  },
  component_offline: {
    label: "the server takes this component offline",
    advice:
      "Exchange drops its health page when a component is inactive: check Get-ServerComponentState.",
  },
  backend_unavailable: {
    label: "the mailbox side is not available",
    advice: "The front end works: look at databases and backend services, not at the ADC.",
  },
  mail_in_junk: {
    label: "the mail was delivered to the junk folder",
    advice: "Exempt the probe's sender from the anti-spam rules.",
  },
  mail_lost: {
    label: "the mail did not arrive",
    advice: "Check the transport queues and message tracking.",
  },
  certificate_expired: {
    label: "the certificate has expired",
    advice: "Renew the certificate and bind it again.",
  },
  certificate_not_yet_valid: {
    label: "the certificate is not valid yet",
    advice: "Check the clocks, or wait for the certificate's first day.",
  },
  certificate_name: {
    label: "the certificate does not hold the name",
    advice: "Bind a certificate with the name clients use, or check SNI.",
  },
  certificate_untrusted: {
    label: "the certificate's issuer is not trusted",
    advice: "Bind the whole chain, or give this agent the issuer as ca_file.",
  },
  not_configured: {
    label: "the configuration leaves it out",
    advice: "Add what is missing to the configuration; `plan` names it.",
  },
  agent_path: {
    label: "this agent has never reached the member",
    advice: "Open the firewall from this agent to the member's port.",
  },
  agent_fault: {
    label: "a fault of this agent",
    advice: "See the agent's log; it says nothing about the service.",
  },
  unsupported: {
    label: "this monitor cannot be repeated",
    advice: "`plan` says why; its member is judged by the other monitors and the service.",
  },
};
