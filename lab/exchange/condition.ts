import type { CertificateName } from "../certificates/lab-certificate.ts";

/** Protocols of one server that can be given a condition of their own. */
export const VIRTUAL_DIRECTORIES = [
  "owa",
  "ecp",
  "ews",
  "eas",
  "mapi",
  "rpc",
  "oab",
  "autodiscover",
  "powershell",
] as const;
export type VirtualDirectory = (typeof VIRTUAL_DIRECTORIES)[number];

export const LISTENER_GROUPS = [
  "https",
  "imap",
  "pop3",
  "smtp",
  "rpc_client_access",
  "endpoint_mapper",
] as const;
export type ListenerGroup = (typeof LISTENER_GROUPS)[number];

/** `https` is ports 80 and 443 with every virtual directory behind them; `all` is every group. */
export type LabProtocol = VirtualDirectory | ListenerGroup | "all";

export type LabTlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/**
 * The conditions of a protocol. A condition that does not apply to a protocol (back pressure on IMAP) has no effect on
 * it. Conditions of the listener (`stopped` to `no_certificate`) do not apply to a single virtual directory: use
 * `https` for those.
 */
export type Condition =
  | { readonly kind: "healthy" }
  /**
   * ServerWideOffline: health pages are aborted while the virtual directories go on serving, IMAP and POP accept and
   * close without a byte (or their services stop), SMTP greets and says 421 at AUTH or MAIL FROM. Open sessions live on
   * (the restart of the transport service, seconds of refusal, is left out). Exchange 2010 has no such state: there the
   * services are stopped.
   */
  | {
      readonly kind: "maintenance";
      /** Default `accept_then_close`, as seen on 2013; `stopped` is what Microsoft's cmdlet page documents. */
      readonly imapPop?: "accept_then_close" | "stopped";
      /** With `stopped`: IMAP and POP stay stopped after the return, until `restart`. */
      readonly manualRestart?: boolean;
    }
  /** Only this component drains: health pages stay 200, SMTP says 421 at connect, IMAP and POP serve. */
  | { readonly kind: "draining" }
  /** HubTransport left draining: SMTP is fine up to MAIL FROM, which gets `421 4.3.2 Service not available`. */
  | { readonly kind: "hub_draining" }
  /** The process is down: connections are refused, open ones cut. The same port is used again afterwards. */
  | { readonly kind: "stopped" }
  /** The kernel accepts and TLS is answered, then nothing at all. */
  | { readonly kind: "hung" }
  /** Accepts, and never sends a byte, TLS included. */
  | { readonly kind: "open_port_silent" }
  /** Accepts, then closes without a byte. */
  | { readonly kind: "accept_then_close" }
  /** Accepts, then resets. */
  | { readonly kind: "reset" }
  /** Every greeting and every answer comes this much later. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** IMAP, POP, SMTP: text after `* OK `, `+OK `, `220 `. */
  | { readonly kind: "custom_banner"; readonly text: string }
  | { readonly kind: "certificate"; readonly name: CertificateName }
  | { readonly kind: "tls_range"; readonly min: LabTlsVersion; readonly max: LabTlsVersion }
  /** The server no longer understands the PROXY header that it was started to expect. */
  | { readonly kind: "no_proxy_header" }
  /** No certificate bound: cleartext BYE on 993 and 995, no STARTTLS, a reset handshake on 443. */
  | { readonly kind: "no_certificate" }
  /** Front end alive, mailbox side not: banner yes, login no; health page 200, HTTP 503 with X-FEServer. */
  | { readonly kind: "dead_backend" }
  /** As dead_backend, but the back end does not even refuse: login and HTTP answer (504) only after this time. */
  | { readonly kind: "hung_backend"; readonly afterMs: number }
  /** OWA of 2010: this front end passes the mailbox's pages on to another one, which refuses it (401): an error page. */
  | { readonly kind: "proxy_refused" }
  /** HTTP: http.sys answers 503 for the application pool, without X-FEServer. */
  | { readonly kind: "app_pool_stopped" }
  /** HTTP: every request of the virtual directory, its health page included, gets this. */
  | { readonly kind: "http_answer"; readonly status: number; readonly body: string }
  /** HTTP: the health page says 200 whatever the component's state (HealthCheckResponderEnabled=false). */
  | { readonly kind: "health_always_up" }
  /** HTTP: Extended Protection of the virtual directory. */
  | { readonly kind: "extended_protection"; readonly mode: ExtendedProtection }
  /** HTTP: schemes that a 401 offers, in this order; Bearer (OAuth) only to clients with a token. */
  | { readonly kind: "auth_schemes"; readonly schemes: readonly HttpAuthScheme[] }
  /** HTTP: hybrid modern authentication. Entra's page instead of the form, and a 401 that offers Bearer alone. */
  | { readonly kind: "modern_authentication" }
  /** SMTP: `452 4.3.1 Insufficient system resources` at connect or MAIL FROM. */
  | { readonly kind: "back_pressure"; readonly at: "connect" | "mail_from" }
  /** SMTP: maximum number of sessions from one address; the next gets `421 4.3.2 The maximum number …`. */
  | { readonly kind: "source_limit"; readonly connections: number }
  /** SMTP: delays the refusal of unauthenticated clients (TarpitInterval). */
  | { readonly kind: "tarpit"; readonly delayMs: number }
  /** SMTP: messages are accepted and delivered to Junk Email, or nowhere. */
  | { readonly kind: "delivery"; readonly to: "junk" | "nowhere" };

export type ExtendedProtection = "none" | "allow" | "require";
export type HttpAuthScheme = "Basic" | "NTLM" | "Negotiate" | "Bearer";
