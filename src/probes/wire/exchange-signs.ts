/** Who answered, as far as an answer tells, and whether it is Exchange. */
export interface Signs {
  /** In lower case, as sent. */
  readonly servedBy: string | null;
  readonly exchangeSeen: boolean;
}

const NONE: Signs = { servedBy: null, exchangeSeen: false };
const HEALTH_BODY = /^\s*200 OK<br\/?>([A-Za-z0-9._-]+)\s*$/i;

/** The body of healthcheck.htm is `200 OK<br/>` and the front end's full name (Microsoft: health probe page). */
export function signsOfHealthBody(body: string): Signs {
  const name = HEALTH_BODY.exec(body)?.[1];
  return name === undefined ? NONE : { servedBy: name.toLowerCase(), exchangeSeen: true };
}

/** X-FEServer names the front end; X-OWA-Version and the back end's name are Exchange's too but say less. */
export function signsOfHeaders(header: (name: string) => string | null): Signs {
  const frontEnd = header("x-feserver");
  if (frontEnd !== null && frontEnd !== "") {
    return { servedBy: frontEnd.trim().toLowerCase(), exchangeSeen: true };
  }
  const exchange = header("x-owa-version") !== null || header("x-calculatedbetarget") !== null;
  return exchange ? { servedBy: null, exchangeSeen: true } : NONE;
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
