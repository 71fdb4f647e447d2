import { hostName } from "../lib/host-port.ts";

/**
 * The server's name in an answer, and whether it is Exchange. All names reported by servers are read here: text that is no
 * valid host name is ignored.
 */
export interface Signs {
  /** A host name in lower case; null where none is given. */
  readonly servedBy: string | null;
  readonly exchangeSeen: boolean;
  /** Host name of the mailbox server behind the front end, in lower case; absent where none is given. */
  readonly backendServer?: string;
}

const NONE: Signs = { servedBy: null, exchangeSeen: false };
const HEALTH_BODY = /^\s*200 OK<br\/?>(\S{1,255})\s*$/i;

/** The body of healthcheck.htm is `200 OK<br/>` and the front end's full name (Microsoft: health probe page). */
export function signsOfHealthBody(body: string): Signs {
  const name = hostName(HEALTH_BODY.exec(body)?.[1] ?? "");
  return name === null ? NONE : { servedBy: name, exchangeSeen: true };
}

/** X-FEServer names the front end, X-CalculatedBETarget the mailbox server; X-OWA-Version is Exchange's too. */
export function signsOfHeaders(header: (name: string) => string | null): Signs {
  const frontEnd = hostName(header("x-feserver")?.trim() ?? "");
  const target = header("x-calculatedbetarget");
  const backend = hostName(target?.trim() ?? "");
  return {
    servedBy: frontEnd,
    exchangeSeen: frontEnd !== null || target !== null || header("x-owa-version") !== null,
    ...(backend === null ? {} : { backendServer: backend }),
  };
}

const CAFE = /\bCafe:\s{0,8}([A-Za-z0-9._-]{1,255})(?![A-Za-z0-9._-])/;
const MAILBOX = /\bMailbox:\s{0,8}([A-Za-z0-9._-]{1,255})(?![A-Za-z0-9._-])/;

/** The connectivity page of MAPI over HTTP names the front end (`Cafe: `) and the mailbox server (`Mailbox: `). */
export function nameOnMapiPage(page: string, field: "Cafe" | "Mailbox"): string | null {
  const named = field === "Cafe" ? CAFE : MAILBOX;
  return hostName(named.exec(page)?.[1] ?? "");
}

/** IMAP and POP greetings of Exchange name the product and, on premises, no server. */
export function signsOfGreeting(line: string): Signs {
  return /Microsoft Exchange.{0,80}(IMAP4|POP3) service/i.test(line)
    ? { servedBy: null, exchangeSeen: true }
    : NONE;
}

/** `220 <fqdn> …` and the first EHLO line `250-<fqdn> Hello …` name the server; the banner may name the product. */
export function signsOfSmtp(text: string): Signs {
  const name = hostName(/^(\S{1,255})(?:\s|$)/.exec(text)?.[1] ?? "");
  return {
    servedBy: name?.includes(".") === true ? name : null,
    // The SMTP service of IIS, which is not Exchange, reports its version.
    exchangeSeen: /Microsoft ESMTP MAIL Service(?!, Version:)|X-ANONYMOUSTLS|X-EXPS/i.test(text),
  };
}
