import type { Envelope } from "./envelope-reader.ts";

export const LOGIN_PATH = "/nitro/v1/config/login";
export const LOGOUT_PATH = "/nitro/v1/config/logout";
export const LOGOUT_BODY = '{"logout":{}}';

/** `timeoutSeconds`: after which the appliance forgets a session that nobody uses. */
export function loginBody(username: string, password: string, timeoutSeconds: number): string {
  return JSON.stringify({ login: { username, password, timeout: timeoutSeconds } });
}

/**
 * The Cookie header of a new session: the token as `Set-Cookie` sent it, else made of the answer's `sessionid`. Null when
 * neither is there, or when it could not travel in a header.
 */
export function cookieOf(setCookies: readonly string[], envelope: Envelope): string | null {
  for (const cookie of setCookies) {
    const token = /^\s*NITRO_AUTH_TOKEN=([^;]+)/.exec(cookie)?.[1];
    if (token !== undefined && isHeaderSafe(token)) {
      return `NITRO_AUTH_TOKEN=${token.trim()}`;
    }
  }
  return envelope.sessionId === null || envelope.sessionId === ""
    ? null
    : `NITRO_AUTH_TOKEN=${encodeURIComponent(envelope.sessionId)}`;
}

function isHeaderSafe(token: string): boolean {
  return /^[\x21-\x7e ]+$/.test(token);
}
