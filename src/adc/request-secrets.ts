import { splitAt } from "./rule-expression.ts";

/**
 * Secrets that an administrator wrote into the request of a monitor: in `-customHeaders`, `-httpRequest`,
 * `-rtspRequest` or `-send`. The same reader serves the code that redacts them (plans, evidence, lint, modules) and the
 * code that sends them.
 */

/** The text that replaces a secret in the model and wherever text is shown. */
export const REDACTED = "<secret>";

/** The user that a request logs in, by the kind of exchange. */
export interface RequestLogin {
  readonly scheme: "basic" | "form" | "pop3" | "imap" | "smtp";
  readonly username: string;
  readonly password: string;
  /** In a line protocol, the number of commands up to and including the login; otherwise 0. */
  readonly commands: number;
  /** The IMAP tag of that command; otherwise empty. */
  readonly tag: string;
}

export interface RequestSecrets {
  /** The user that it logs in with a password; null: none, though it may carry a token or a cookie. */
  readonly login: RequestLogin | null;
  /** The secrets to redact, without repetitions. */
  readonly secrets: readonly string[];
}

const NOTHING: RequestSecrets = { login: null, secrets: [] };

/** Each matches within a line or a word: the text before the secret in group 1, the secret in group 2. */
const CARRIERS: readonly RegExp[] = [
  // Headers that grant access.
  /^([ \t]*(?:(?:proxy-)?authorization|cookie|[\w-]*(?:api-?key|token|secret|password))[ \t]*:[ \t]*)([^\s][^\r\n]*)/gim,
  // Fields of a query or a form.
  /((?:^|[?&;\s])[\w.-]*(?:passw(?:or)?d|passwort|pwd|pass|secret|token|api-?key)=)([^&\s"']+)/gi,
  // Members of JSON.
  /("[\w.-]*(?:passw(?:or)?d|passwort|pwd|secret|token|api-?key)"[ \t]{0,9}:[ \t]{0,9}")([^"\\]+)/gi,
  // The user part of a URL.
  /(:\/\/[^\s/@:]{1,256}:)([^\s/@]{1,256})(?=@)/g,
  // POP3 and FTP, IMAP, SMTP.
  /^(PASS )([^\r\n]+)/gim,
  /^(\S{1,32} LOGIN (?:"[^"\r\n]*"|\S+) )([^\r\n]+)/gim,
  /^((?:\S{1,32} AUTHENTICATE|AUTH) [\w-]{1,32}(?: |\r?\n))([^\s=]\S*(?:\r?\n[^\s=]\S*)?)/gim,
];

/** The text with every secret in it replaced. */
export function redactRequest(text: string): string {
  let shown = text;
  for (const carrier of CARRIERS) {
    shown = shown.replace(carrier, `$1${REDACTED}`);
  }
  return shown;
}

/** Commands that log in, with all their arguments, also in a text with escaped line ends. */
const LOGIN_COMMAND =
  /\b(LOGIN|PASS|AUTH(?:ENTICATE)?(?:[ \t]+(?:PLAIN|LOGIN|CRAM-MD5|NTLM|XOAUTH2))?|APOP|Authorization:)[ \t]+(?!<)[^\r\n\\]+/gi;

/** The text without anything that identifies who logs in, for readers outside the organisation. */
export function withoutLogins(text: string, instead: string): string {
  return text.replace(LOGIN_COMMAND, `$1 ${instead}`);
}

/** Redacting shorter texts would protect nothing and make the evidence unreadable. */
const MIN_PART = 4;

/** The secrets of a request or of header lines, and the users that they log in. */
export function requestSecrets(text: string): RequestSecrets {
  if (!/[:=]|\bPASS\b|\bLOGIN\b|\bAUTH/i.test(text)) {
    return NOTHING;
  }
  const found = CARRIERS.flatMap((carrier) =>
    [...text.matchAll(carrier)].map(([, , secret = ""]) => secret.trim()),
  ).filter((secret) => secret !== "" && secret !== REDACTED);
  const login = loginIn(text);
  if (found.length === 0 && login === null) {
    return NOTHING;
  }
  const parts = [...found.flatMap(partsOf), login?.password ?? ""];
  return {
    login,
    secrets: [...new Set([...found, ...parts.filter((part) => part.length >= MIN_PART)])],
  };
}

/** A header's value without its scheme, a quoted string without quotes, and the password inside base64. */
function partsOf(secret: string): readonly string[] {
  const token = secret.split(/\s+/).at(-1) ?? secret;
  return [token, unquoted(token), passwordOf(fromBase64(token))];
}

function loginIn(text: string): RequestLogin | null {
  const basic = /^[ \t]*(?:proxy-)?authorization[ \t]*:[ \t]*basic[ \t]+(\S+)/im.exec(text)?.[1];
  if (basic !== undefined) {
    const decoded = fromBase64(basic);
    const at = decoded.indexOf(":");
    return at <= 0
      ? null
      : {
          ...NO_COMMAND,
          scheme: "basic",
          username: decoded.slice(0, at),
          password: decoded.slice(at + 1),
        };
  }
  return byCommands(text) ?? byForm(text);
}

const NO_COMMAND = { commands: 0, tag: "" } as const;

/** The line number of a text, starting with 1. */
function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

/** A login of a line protocol, with its commands sent at once. */
function byCommands(text: string): RequestLogin | null {
  const pass = /^PASS ([^\r\n]+)/im.exec(text);
  const user = /^USER ([^\r\n]+)/im.exec(text)?.[1];
  if (pass?.[1] !== undefined && user !== undefined) {
    // FTP and POP3 log in with the same commands; the greeting shows which it was.
    const commands = lineAt(text, pass.index);
    return { scheme: "pop3", username: user.trim(), password: pass[1].trim(), commands, tag: "" };
  }
  const imap = /^(\S{1,32}) LOGIN ("[^"\r\n]*"|\S+) ("[^"\r\n]*"|\S+)/im.exec(text);
  if (imap !== null) {
    const [, tag = "", username = "", password = ""] = imap;
    const commands = lineAt(text, imap.index);
    return {
      scheme: "imap",
      username: unquoted(username),
      password: unquoted(password),
      commands,
      tag,
    };
  }
  const plain = /^(?:(\S{1,32}) AUTHENTICATE|AUTH) PLAIN(?: |\r?\n)(\S+)/im.exec(text);
  if (plain !== null) {
    const [, tag = "", token = ""] = plain;
    const [, username = "", password = ""] = fromBase64(token).split("\u0000");
    const scheme = tag === "" ? "smtp" : "imap";
    const commands = lineAt(text, plain.index);
    return username === "" ? null : { scheme, username, password, commands, tag };
  }
  const login = /^AUTH LOGIN(?: |\r?\n)(\S+)\r?\n(\S+)/im.exec(text);
  if (login === null) {
    return null;
  }
  const [, first = "", second = ""] = login;
  const [username, password] = [fromBase64(first), fromBase64(second)];
  return { scheme: "smtp", username, password, commands: lineAt(text, login.index), tag: "" };
}

/** The user and password of a form or a query, or those of a URL. */
function byForm(text: string): RequestLogin | null {
  const password = /(?:^|[?&\s])(?:j_)?(?:passw(?:or)?d|passwort|pwd|pass)=([^&\s"']+)/i.exec(
    text,
  )?.[1];
  const username = /(?:^|[?&\s])(?:j_)?(?:username|userid|user|login|email)=([^&\s"']+)/i.exec(
    text,
  )?.[1];
  if (password !== undefined && username !== undefined) {
    return formLogin(username, password);
  }
  const url = /:\/\/([^\s/@:]{1,256}):([^\s/@]{1,256})@/.exec(text);
  return url?.[1] === undefined || url[2] === undefined ? null : formLogin(url[1], url[2]);
}

function formLogin(username: string, password: string): RequestLogin {
  return {
    ...NO_COMMAND,
    scheme: "form",
    username: decodedField(username),
    password: decodedField(password),
  };
}

function decodedField(written: string): string {
  const spaced = written.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    // A stray percent sign: the server takes it literally, too.
    return spaced;
  }
}

function unquoted(word: string): string {
  return word.length > 1 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : word;
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

/** The parts of `user:password` and of SASL's `\0user\0password`. */
function passwordOf(decoded: string): string {
  const at = Math.max(decoded.indexOf(":"), decoded.lastIndexOf("\u0000"));
  return at === -1 ? "" : decoded.slice(at + 1);
}

/** A request as it is sent: the Host header, and the path with its query. */
export interface SentRequest {
  readonly host: string;
  readonly path: string;
}

/** Steps that do not change the text of a probe's own request. */
const TRANSPARENT_STEP =
  /\.(?:HTTP_URL_SAFE|URL_RESERVED_CHARS_SAFE|TO_LOWER|SET_TEXT_MODE\(\w{1,32}\))$/i;
const LITERAL = /^"((?:[^"\\]|\\.)*)"$/s;

/**
 * The result of an expression for a request: literals, host name and URL joined by `+` (`"https://" + HTTP.REQ.HOSTNAME
 * + HTTP.REQ.URL`). Null if it contains anything else.
 */
export function textFor(expression: string, request: SentRequest): string | null {
  const parts = splitAt(expression.trim(), "+").map((part) => partFor(part.trim(), request));
  return parts.every((part) => part !== null) ? parts.join("") : null;
}

/** A limit beyond any real expression: whoever can change the ADC could write one of any length. */
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

/** The redirect target of a literal response (`respondwith`): its Location, if the status is a redirect. */
export function locationIn(answer: string): string | null {
  const isRedirect = /^HTTP\/\d\.\d 3\d\d\b/.test(answer);
  return isRedirect ? (/^Location:[ \t]*(\S+)/im.exec(answer)?.[1] ?? null) : null;
}
