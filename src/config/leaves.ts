import { z } from "zod";
import { isIP } from "../lib/ip.ts";
import { TLS_VERSIONS } from "../model/tls-settings.ts";
import { DURATION_PATTERN, parseDuration } from "../lib/timers.ts";
import { isHost, parseHostPort } from "../lib/host-port.ts";
import { problemText } from "./problems.ts";

/** Basic value types of the configuration, with uniform error messages. */

/** The uniform error messages of a value. Never quotes the value, which may be a misplaced secret. */
export function invalid(
  expected: string,
  fix: string,
): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) =>
      input === undefined
        ? problemText("is missing", expected, "add it")
        : problemText(`invalid value: ${kindOf(input)}`, expected, fix),
  };
}

function kindOf(input: unknown): string {
  if (input === null) {
    return "an empty value";
  }
  if (Array.isArray(input)) {
    return "a list";
  }
  return typeof input === "object" ? "a mapping" : `a ${typeof input}`;
}

/** A non-empty text, optionally checked by a predicate. */
export function text(
  expected: string,
  fix: string,
  fits?: (value: string) => boolean,
): z.ZodString {
  const message = invalid(expected, fix);
  const base = z.string(message).min(1, message);
  return fits === undefined ? base : base.refine(fits, message);
}

export function flag(): z.ZodBoolean {
  return z.boolean(invalid("true or false", "write it without quotes"));
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<{
  [K in T[number]]: K;
}> {
  return z.enum(
    values,
    invalid(
      `one of ${values.join(", ")}`,
      values.some((value) => /^\d/.test(value)) ? "choose one, in quotes" : "choose one",
    ),
  );
}

export function listOf<T extends z.ZodType>(item: T, what: string): z.ZodArray<T> {
  return z.array(item, invalid(`a list of ${what}`, "write [ … ]"));
}

export function wholeNumber(from: number, to: number): z.ZodInt {
  const message = invalid(`a whole number from ${String(from)} to ${String(to)}`, "correct it");
  return z.int(message).min(from, message).max(to, message);
}

const DURATION = invalid(
  "a whole number with a unit, for example 500ms, 5s, 10m or 4h",
  "write a duration",
);
const TOO_LONG = invalid("at most 3650d", "write a shorter duration");
export const duration = (): z.ZodString =>
  z
    .string(DURATION)
    .regex(DURATION_PATTERN, DURATION)
    .refine(
      (written) => !DURATION_PATTERN.test(written) || parseDuration(written) !== null,
      TOO_LONG,
    );
export const name = (): z.ZodString =>
  text("1 to 63 letters, digits, dots, dashes or underscores", "choose a valid name", (value) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value),
  );
export const file = (): z.ZodString =>
  text("the path of a file, relative to this file", "write a path");
const ENV_MESSAGE = invalid(
  "an environment variable as ${NAME}",
  "do not put secrets in this file; name a variable, or use the key that ends in _file",
);
export const fromEnvironment = (): z.ZodString =>
  z.string(ENV_MESSAGE).regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, ENV_MESSAGE);
/** SHA-256 of a certificate as OpenSSL, browsers and this agent write it. */
export const fingerprint = (): z.ZodString =>
  text(
    "64 hexadecimal digits, with or without colons",
    "write the SHA-256 fingerprint of the certificate",
    (value) => /^(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31})$/.test(value),
  );
export const words = (expected: string): z.ZodString => text(expected, "write it as text");
export const hostName = (): z.ZodString =>
  text("a host name or an IP address, without a port", "remove the port", isHost);
export const hostPort = (): z.ZodString =>
  text("host:port, or [address]:port for IPv6", "write both host and port", (value) => {
    const parsed = parseHostPort(value);
    return parsed !== null && parsed.host !== "" && parsed.port !== null && parsed.port > 0;
  });
export const addressPort = (): z.ZodString =>
  text("address:port, or [address]:port for IPv6", "write an IP address and a port", (value) => {
    const { host, port } = parseHostPort(value) ?? { host: "", port: null };
    return isIP(host) !== 0 && port !== null && port > 0;
  });
export const ipAddress = (): z.ZodString =>
  text(
    "an IPv4 or IPv6 address of this machine",
    "write the address",
    (value) => isIP(value) !== 0,
  );
export const pattern = (): z.ZodString =>
  text("a name; * matches any characters", "write a pattern");
export const httpPath = (): z.ZodString =>
  text("an absolute path such as /owa/", "start it with a slash", (value) =>
    /^\/[!-~]*$/.test(value),
  );
export const tlsVersion = oneOf(
  TLS_VERSIONS as [(typeof TLS_VERSIONS)[number], ...typeof TLS_VERSIONS],
);

export const secretKeys = (
  what: string,
): { password: z.ZodOptional<z.ZodString>; password_file: z.ZodOptional<z.ZodString> } => ({
  password: fromEnvironment().optional().describe(`${what}, as an environment variable: \${NAME}.`),
  password_file: file()
    .optional()
    .describe(`${what}, read from a file; a trailing newline is removed.`),
});

/** What proves to the agent that a server is the one meant, before a secret is sent to it. */
export const trustKeys = (where: string) => ({
  ca_file: file()
    .optional()
    .describe(`CA certificates (PEM) used to verify the server before a login ${where}.`),
  fingerprint_sha256: oneOrMany(fingerprint(), "a fingerprint").describe(
    `Pinned certificates: before a login ${where} the server must present one of them; issuer and names are not checked.`,
  ),
  server_name: hostName()
    .optional()
    .describe(`Name expected in the certificate before a login ${where}; also sent as SNI.`),
  verify: flag()
    .optional()
    .describe(
      `False sends the password of a login ${where} to an unverified server. Default: true; unverified servers get no login.`,
    ),
});

export function oneOrMany<T extends z.ZodType>(
  item: T,
  what: string,
): z.ZodDefault<z.ZodUnion<readonly [T, z.ZodArray<T>]>> {
  return z
    .union([item, z.array(item)], invalid(`${what}, or a list of them`, "correct it"))
    .default([] as never);
}
