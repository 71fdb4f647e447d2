import { splitAt } from "./rule-expression.ts";

/** A request as it is sent: the Host header, and path with query. */
export interface SentRequest {
  readonly host: string;
  readonly path: string;
}

/** Steps that leave a text the same as far as a probe's own request goes. */
const TRANSPARENT_STEP =
  /\.(?:HTTP_URL_SAFE|URL_RESERVED_CHARS_SAFE|TO_LOWER|SET_TEXT_MODE\(\w{1,32}\))$/i;
const LITERAL = /^"((?:[^"\\]|\\.)*)"$/s;

/**
 * What an expression makes of a request: literals, host name and URL joined by `+`
 * (`"https://" + HTTP.REQ.HOSTNAME + HTTP.REQ.URL`). Null where it holds anything else.
 */
export function textFor(expression: string, request: SentRequest): string | null {
  const parts = splitAt(expression.trim(), "+").map((part) => partFor(part.trim(), request));
  return parts.every((part) => part !== null) ? parts.join("") : null;
}

/** More steps than any expression has; what is written by whoever can change the ADC has no end of its own. */
const MAX_STEPS = 8;

function partFor(part: string, { host, path }: SentRequest): string | null {
  const literal = LITERAL.exec(part)?.[1];
  if (literal !== undefined) {
    return literal.replace(/\\(.)/gs, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
  }
  let subject = part;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    subject = subject.replace(TRANSPARENT_STEP, "");
  }
  switch (subject.toUpperCase().replace(/\s/g, "")) {
    case "HTTP.REQ.HOSTNAME":
    case 'HTTP.REQ.HEADER("HOST")':
    case 'HTTP.REQ.HEADER("HOST").VALUE(0)':
      return host;
    case "HTTP.REQ.HOSTNAME.SERVER":
      return host.replace(/:\d{1,5}$/, "");
    case "HTTP.REQ.URL":
    case "HTTP.REQ.URL.PATH_AND_QUERY":
      return path;
    case "HTTP.REQ.URL.PATH":
      return path.split("?", 1)[0] ?? path;
    case "HTTP.REQ.URL.QUERY":
      return path.split("?").slice(1).join("?");
    default:
      return null;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t" };

/** Where an answer that is written out sends to (`respondwith`): its Location, of a redirect's status alone. */
export function locationIn(answer: string): string | null {
  const isRedirect = /^HTTP\/\d\.\d 3\d\d\b/.test(answer);
  return isRedirect ? (/^Location:[ \t]*(\S+)/im.exec(answer)?.[1] ?? null) : null;
}
