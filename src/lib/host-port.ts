import { isIP, isIPv4, isIPv6 } from "./ip.ts";

export interface HostPort {
  /** IP literal (without brackets) or host name; empty where only a port was written. */
  readonly host: string;
  /** Null where none was written. */
  readonly port: number | null;
}

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;

/** Reads `host:port`, `[v6]:port`, `:port`, `host` and bare IPv6; null when it is none of these. */
export function parseHostPort(text: string): HostPort | null {
  if (isIPv6(text)) {
    return { host: text, port: null };
  }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) {
    return null;
  }
  const [, bracketed, plain = "", portText] = parts;
  const port = portText === undefined ? null : Number(portText);
  const host = bracketed ?? plain;
  const hostIsGood = bracketed === undefined ? host === "" || isHost(plain) : isIPv6(bracketed);
  if (!hostIsGood || (host === "" && port === null) || (port !== null && port > 65_535)) {
    return null;
  }
  return { host, port };
}

/** The same for a validated text; anything else is treated as a host. */
export function readHostPort(text: string): HostPort {
  return parseHostPort(text) ?? { host: text, port: null };
}

/** An IP literal or a host name. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) {
    return true;
  }
  // Only digits and dots: a mistyped IPv4 address, not a name.
  return HOST_NAME.test(text) && !/^[\d.]+$/.test(text);
}

/** Whether it is a loopback address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const DIGITS = /^[0-9]+$/;

/**
 * A NetBIOS or DNS host name in lower case, or null for any other text: labels of at most 63 characters, letters, digits,
 * hyphen and underscore (Windows allows it), at most 253 characters in all, and no address in dotted notation (RFC 1123
 * section 2.1: the last label is never all digits).
 */
export function hostName(text: string): string | null {
  if (text.length > MAX_NAME_LENGTH) {
    return null;
  }
  const name = text.toLowerCase();
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  const isAddress = labels.length > 1 && DIGITS.test(last);
  return isAddress || !labels.every((label) => LABEL.test(label)) ? null : name;
}

/**
 * A URL, or null if the text is invalid. Does not use `URL.canParse`: once optimised, it reads Latin-1 strings as UTF-8 and
 * accepts what the constructor rejects (Node.js 20).
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
