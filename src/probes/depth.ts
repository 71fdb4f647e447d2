import { exchangeDirectory, requestPath } from "../adc/recognise.ts";
import type { Depth, Sight } from "../model/observation.ts";
import type { Monitor } from "../model/monitor.ts";
import type { TransactionName } from "../model/transactions.ts";
import { isSupported, monitorTypeOf } from "./monitors/registry.ts";
import { defaultPath, hasWebPath, loginPath } from "./transactions/web-session.ts";

/** Depth of a type, regardless of parameters. Measured against the lab where possible: docs/dev/blind-spots.md. */
const DEPTH_OF_TYPE: Readonly<Record<string, Depth>> = {
  PING: "reach",
  ARP: "reach",
  ND6: "reach",
  LOAD: "reach",
  "LDNS-PING": "reach",
  "LDNS-TCP": "reach",
  // Greeting, EHLO, QUIT: a server with a draining transport still answers these.
  SMTP: "greeting",
  RTSP: "greeting",
  "SIP-UDP": "dialogue",
  "SIP-TCP": "dialogue",
  DNS: "dialogue",
  "DNS-TCP": "dialogue",
  "LDNS-DNS": "dialogue",
  NNTP: "dialogue",
  SNMP: "dialogue",
  FTP: "login",
  "FTP-EXTENDED": "login",
  POP3: "login",
  LDAP: "login",
  RADIUS: "login",
  MYSQL: "login",
};

/** If it is unknown what a monitor checks, no result here can contradict it. */
const UNKNOWN_DEPTH: Depth = "mailbox";

/** Depth of a monitor, by its type and parameters. */
export function monitorSight(monitor: Monitor): Sight {
  const kind = monitorTypeOf(monitor);
  const type = isSupported(kind) ? kind.type : monitor.type.toUpperCase();
  switch (type) {
    case "TCP":
      return { depth: handshake(monitor), path: null };
    case "TCP-ECV":
      return tcpEcvSight(monitor);
    case "UDP-ECV":
      return { depth: hasText(monitor.parameters.recv) ? "dialogue" : "reach", path: null };
    case "HTTP":
    case "HTTP-INLINE":
    case "HTTP-ECV":
      return webSight(monitor);
    default:
      return { depth: DEPTH_OF_TYPE[type] ?? UNKNOWN_DEPTH, path: null };
  }
}

function handshake({ secure }: Monitor): Depth {
  return secure ? "tls" : "reach";
}

const LOGIN_COMMAND = /^[ \t]*(?:USER|PASS|AUTH|APOP|\w{1,16} LOGIN|\w{1,16} AUTHENTICATE) /im;
const MAIL_FROM = /^[ \t]*MAIL FROM:/im;
const HTTP_REQUEST = /^\s*(?:GET|HEAD|POST|OPTIONS) \//i;

/** Without `recv`, an open connection passes. */
function tcpEcvSight(monitor: Monitor): Sight {
  const { send, recv } = monitor.parameters;
  if (!hasText(recv)) {
    return { depth: handshake(monitor), path: null };
  }
  const sent = send ?? "";
  if (LOGIN_COMMAND.test(sent)) {
    return { depth: "login", path: null };
  }
  if (HTTP_REQUEST.test(sent)) {
    return webSight(monitor);
  }
  return { depth: MAIL_FROM.test(sent) ? "dialogue" : "greeting", path: null };
}

const AUTHORIZATION = /^[ \t]*(?:Proxy-)?Authorization[ \t]*:/im;

/**
 * A status of the root is a greeting; a page of one of Exchange's virtual directories is a dialogue with that directory. Any
 * other page whose text is searched may be a deep health page of an application, which counts like a login.
 */
function webSight(monitor: Monitor): Sight {
  const { httpRequest, send, recv, customHeaders } = monitor.parameters;
  const path = pathOfPage(requestPath(monitor) ?? "/");
  const withLogin = [httpRequest, send, customHeaders].some(
    (text) => text !== null && AUTHORIZATION.test(text),
  );
  if (withLogin) {
    return { depth: "login", path };
  }
  if (path === null) {
    return { depth: "greeting", path };
  }
  const isExchanges = !path.startsWith("/");
  return { depth: isExchanges || !hasText(recv) ? "dialogue" : "login", path };
}

/** Null for the root. */
function pathOfPage(path: string): string | null {
  const end = path.search(/[?#]/);
  const page = end === -1 ? path : path.slice(0, end);
  return page === "/" || page === "" ? null : (exchangeDirectory(page) ?? page.toLowerCase());
}

function hasText(text: string | null): boolean {
  return text !== null && text !== "";
}

const DEPTH_OF_TRANSACTION: Readonly<Record<TransactionName, Depth>> = {
  imap_greeting: "greeting",
  pop3_greeting: "greeting",
  smtp_greeting: "greeting",
  smtp_mail_from: "dialogue",
  https_challenge: "dialogue",
  web_answer: "dialogue",
  health_page: "dialogue",
  rpc_endpoint_map: "dialogue",
  ldap_root: "dialogue",
  dns_lookup: "dialogue",
  ntp_time: "dialogue",
  imap_login: "mailbox",
  pop3_login: "mailbox",
  smtp_submission: "login",
  mail_round_trip: "mailbox",
  owa_form: "mailbox",
  eas_options: "login",
  ews_folder: "mailbox",
  autodiscover: "login",
  mapi_endpoint: "login",
  oab: "login",
  rpc_echo: "login",
  ldap_bind: "login",
};

/** Depth of a transaction, whatever path it requests. */
export function depthOfTransaction(transaction: TransactionName): Depth {
  return DEPTH_OF_TRANSACTION[transaction];
}

/** Depth of a transaction; `path` from its specification. */
export function transactionSight(transaction: TransactionName, path: string | null): Sight {
  const asked = hasWebPath(transaction)
    ? (path ?? loginPath(transaction) ?? defaultPath(transaction))
    : null;
  return {
    depth: depthOfTransaction(transaction),
    path: asked === null ? null : pathOfPage(asked),
  };
}
