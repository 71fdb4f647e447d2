/** The closed lists of steps and reasons. Every failure is one of each; free text belongs in the evidence. */

/** The step of an exchange at which it ended. */
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

/** Why it ended there. Dashboards, alerts and docs are checked against this list. */
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
  "slow",
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
  "policy_refused",
  "auth_schemes_differ",
  "scheme_unsupported",
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
  "post_lost",
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
  "pinned_certificate",
  "mep_down",
  "not_configured",
  "excluded",
  "agent_path",
  "agent_fault",
  "unsupported",
  "flapping",
] as const;
export type Reason = (typeof REASONS)[number];
export type FailureReason = Exclude<Reason, "ok">;

/** The text for a reason. */
interface ReasonWords {
  /** What happened, as the end of a sentence. */
  readonly label: string;
  /** What to check first. */
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
  ok: { label: "passed", advice: "Nothing to do." },
  dns_failure: {
    label: "the name could not be resolved",
    advice: "Check the name and this agent's DNS servers.",
  },
  refused: {
    label: "the connection was refused",
    advice:
      "Nothing listens on the port: start the service, or check for a firewall that rejects connections.",
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
    advice: "Check for a device in between that resets connections, or a crashing service.",
  },
  closed_without_data: {
    label: "the connection was accepted and closed without data",
    advice: "Exchange does this in maintenance: check the server's component states.",
  },
  tls_handshake: {
    label: "the TLS handshake failed",
    advice: "Check the certificate and cipher suites bound to the service.",
  },
  tls_timeout: {
    label: "the TLS handshake timed out",
    advice: "The service hangs after accepting, or a device in between drops the handshake.",
  },
  tls_protocol: {
    label: "no common TLS version",
    advice: "Compare the TLS versions of the monitor (or its profile) with those of the server.",
  },
  plaintext_on_tls_port: {
    label: "clear text received where TLS was expected",
    advice: "The service has no certificate for this protocol, or another service uses the port.",
  },
  banner_timeout: {
    label: "no banner within the timeout",
    advice: "The service accepts but hangs: check its worker process and the server's load.",
  },
  banner_mismatch: {
    label: "unexpected banner",
    advice: "The banner was customised, or another service answers on the port.",
  },
  response_timeout: {
    label: "no response within the timeout",
    advice: "The service hangs or is slower than the monitor's response timeout.",
  },
  slow: {
    label: "works, but slowly",
    advice:
      "Nothing is down: look at name resolution, tarpits and the server's load; look_timeout says how long looks wait.",
  },
  bad_status: {
    label: "unexpected status",
    advice: "Compare the request's path, method and Host with what the server expects.",
  },
  pattern_missing: {
    label: "expected text not received",
    advice: "Compare the monitor's expected string with the response in the evidence.",
  },
  protocol_error: {
    label: "protocol error in the response",
    advice: "Another service answers on the port, or a device in between changes the traffic.",
  },
  service_not_active: {
    label: "the server reports that it is not active",
    advice: "Exchange transport is in maintenance: check HubTransport and ServerWideOffline.",
  },
  bye: {
    label: "the server said BYE",
    advice: "Read its message in the evidence: a missing certificate or a refused connection.",
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
    label: "the server rejects mail because resources are low",
    advice: "Exchange back pressure: check disk space, queue database and memory.",
  },
  auth_rejected: {
    label: "the login was rejected",
    advice:
      "Check the account. A dead mailbox server gives the same message: compare with another server.",
  },
  auth_challenge: {
    label: "login challenge received",
    advice: "Point the monitor at a path that needs no login, or expect 401.",
  },
  policy_refused: {
    label: "the server's policy rejects this client",
    advice: "Nothing is down: allow this agent's address, or its request, in the server's policy.",
  },
  auth_schemes_differ: {
    label: "unexpected login schemes offered",
    advice: "Compare the virtual directory's authentication settings across the servers.",
  },
  scheme_unsupported: {
    label: "no login scheme that this agent speaks is offered",
    advice:
      "Nothing is known to fail: the login needs Kerberos, OAuth or another scheme. Use a transaction, or a virtual directory, that offers NTLM or Basic.",
  },
  aaa_login: {
    label: "the ADC's own login page answered",
    advice: "Authentication is enabled on the vserver: a look without an account ends here.",
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
    label: "the ADC's login led to no target",
    advice: "Check the session policy's home page and the load-balancing vserver behind the login.",
  },
  sso_not_passed: {
    label: "the ADC did not pass the login on to the server",
    advice: "Check the traffic policy's single sign-on, its form action or its KCD account.",
  },
  second_factor: {
    label: "a second factor is required",
    advice: "Give the probe an account that is exempt, or end the probe at this page.",
  },
  post_lost: {
    label: "a large request is lost on the way to the server",
    advice:
      "The ADC's AAA loses large POST requests with single sign-on: see CTX225681, and compare the request sizes.",
  },
  redirect_loop: {
    label: "redirect loop",
    advice:
      "Compare redirects on the ADC with those of the server; check that the certificates match.",
  },
  login_broken_by_adc: {
    label: "the login works at the server and fails through the ADC",
    advice: "Check authentication, rewrite and persistence policies of this vserver.",
  },
  adc_no_service: {
    label: "the ADC has no available service",
    advice: "The ADC considers no member of the vserver UP: check the members.",
  },
  adc_error_page: {
    label: "the ADC returned its own error page",
    advice: "Check the status in the evidence and the ADC's policies on this vserver.",
  },
  ssl_required: {
    label: "the server requires TLS",
    advice: "Make the monitor secure, or probe the TLS port.",
  },
  component_offline: {
    label: "the component is offline on the server",
    advice:
      "Exchange drops its health page when a component is inactive: check Get-ServerComponentState.",
  },
  backend_unavailable: {
    label: "the mailbox back end is unavailable",
    advice: "The front end works: check databases and back-end services, not the ADC.",
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
    label: "the certificate does not contain the name",
    advice: "Bind a certificate with the name that clients use, or check SNI.",
  },
  certificate_untrusted: {
    label: "the certificate's issuer is not trusted",
    advice: "Bind the whole chain, or configure the issuer as ca_file.",
  },
  pinned_certificate: {
    label: "the certificate does not match the pin",
    advice: "If it was renewed, compare it on the server, then set fingerprint_sha256.",
  },
  mep_down: {
    label: "the metric exchange with the site (MEP) is down, and the state is old",
    advice:
      "Check the connection between the sites (TCP 3011, or 3009 with TLS) and the RPC nodes; bind a monitor to the GSLB service meanwhile.",
  },
  not_configured: {
    label: "not configured",
    advice: "Add the missing setting; `plan` names it.",
  },
  excluded: {
    label: "excluded by the configuration",
    advice: "The entry under exclude gives its reason.",
  },
  agent_path: {
    label: "this agent has never reached the member, or is not allowed to",
    advice:
      "Open the firewall from this agent to the member's port. If the address is on the agent's own host, see allow_targets.",
  },
  agent_fault: {
    label: "fault of this agent",
    advice: "See the agent's log; the result says nothing about the service.",
  },
  unsupported: {
    label: "this monitor cannot be repeated",
    advice: "`plan` says why; other monitors and the service decide the member's verdict.",
  },
  flapping: {
    label: "the ADC changes it between up and down, and nothing else fails",
    advice:
      "Read the monitor's last responses on the ADC, and the ADC's load, licence and packet engine.",
  },
};
