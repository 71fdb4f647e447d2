import { REDACTED, redactRequest } from "../request-secrets.ts";

const SECRET_KEYS: ReadonlySet<string> = new Set([
  "password",
  "secondarypassword",
  "radkey",
  "radaccountkey",
  "secureargs",
  "snmpcommunity",
  "passplain",
  "passcrypt",
  "kcdpassword",
]);

/** The keys of a statement as written, every secret replaced. */
export function redactKeys(
  keys: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...keys].map(([key, values]): [string, readonly string[]] => [
      key,
      SECRET_KEYS.has(key) ? values.map(() => REDACTED) : values.map(redactionOf(key)),
    ]),
  );
}

function redactionOf(key: string): (value: string) => string {
  switch (key) {
    case "scriptargs":
      return redactScriptArgs;
    case "customheaders":
    case "send":
    case "httprequest":
    case "rtsprequest":
      return redactRequest;
    default:
      return (value) => value;
  }
}

const SCRIPT_PASSWORD = /((?:^|[;\s])(?:password|passwd|pwd|pass|secret|community)=)[^;]*/gi;

/** `user=itest;password=…` as the scripts of the ADC take their arguments. */
export function redactScriptArgs(scriptArgs: string): string {
  return scriptArgs.replace(SCRIPT_PASSWORD, `$1${REDACTED}`);
}

/** Scripts that log in, the firmware's and those that others named after what they do. */
const LOGIN_SCRIPT = /pop|imap|smtp|ldap|ftp|sql|ntlm|kerberos|radius|log[io]n|auth/i;

/**
 * Arguments of a script that logs in, without a password that only its place tells (`itest;…`), and without what a
 * password that holds a semicolon leaves behind: of the parts that have no name the first alone stays.
 */
export function redactPlacedPassword(scriptName: string, scriptArgs: string): string {
  if (!LOGIN_SCRIPT.test(scriptName)) {
    return scriptArgs;
  }
  return scriptArgs
    .split(";")
    .map((part, at) => (at === 0 || part === "" || /^\s*[\w-]+=/.test(part) ? part : REDACTED))
    .join(";");
}

export function hasScriptPassword(scriptArgs: string): boolean {
  return redactScriptArgs(scriptArgs) !== scriptArgs;
}
