/** Who answered, as far as an answer tells, and whether it is Exchange. */
export interface Signs {
  /** In lower case, as sent. */
  readonly servedBy: string | null;
  readonly exchangeSeen: boolean;
  /** The mailbox server behind the front end that answered, in lower case; absent where it names none. */
  readonly backendServer?: string;
}

const NONE: Signs = { servedBy: null, exchangeSeen: false };
const HEALTH_BODY = /^\s*200 OK<br\/?>([A-Za-z0-9._-]+)\s*$/i;

/** The body of healthcheck.htm is `200 OK<br/>` and the front end's full name (Microsoft: health probe page). */
export function signsOfHealthBody(body: string): Signs {
  const name = HEALTH_BODY.exec(body)?.[1];
  return name === undefined ? NONE : { servedBy: name.toLowerCase(), exchangeSeen: true };
}

/** A name, so that what is told on pages and in findings is one, whatever a stranger sends. */
const SERVER_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/;

/** X-FEServer names the front end, X-CalculatedBETarget the mailbox server; X-OWA-Version is Exchange's too. */
export function signsOfHeaders(header: (name: string) => string | null): Signs {
  const frontEnd = header("x-feserver")?.trim().toLowerCase() ?? "";
  const target = header("x-calculatedbetarget");
  const named = target?.trim().toLowerCase() ?? "";
  return {
    servedBy: frontEnd === "" ? null : frontEnd,
    exchangeSeen: frontEnd !== "" || target !== null || header("x-owa-version") !== null,
    ...(SERVER_NAME.test(named) ? { backendServer: named } : {}),
  };
}

/** IMAP and POP greetings of Exchange name the product and, on premises, no server. */
export function signsOfGreeting(line: string): Signs {
  return /Microsoft Exchange.{0,80}(IMAP4|POP3) service/i.test(line)
    ? { servedBy: null, exchangeSeen: true }
    : NONE;
}

/** `220 <fqdn> …` and the first EHLO line `250-<fqdn> Hello …` name the server; the banner may name the product. */
export function signsOfSmtp(text: string): Signs {
  const name = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\s|$)/.exec(text)?.[1];
  const named = name !== undefined && name.includes(".") ? name.toLowerCase() : null;
  return {
    servedBy: named,
    exchangeSeen: /Microsoft ESMTP MAIL Service|X-ANONYMOUSTLS|X-EXPS/i.test(text),
  };
}
