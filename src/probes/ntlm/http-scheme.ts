import { randomBytes } from "node:crypto";
import { authenticateMessage, type NtlmCredential } from "./authenticate.ts";
import { tlsServerEndPointBindings } from "./channel-bindings.ts";
import { negotiateMessage, parseChallenge } from "./messages.ts";

/** One NTLM login over HTTP (MS-NTHT): two requests on one connection. */
export interface NtlmLogin {
  /** Value of the first `Authorization` header. */
  readonly first: string;
  /**
   * Value of the second one, made from the 401's `WWW-Authenticate` values. Null when none of them carries a
   * challenge that can be read: the server does not go on with the login.
   */
  readonly second: (challenges: readonly string[]) => string | null;
}

export interface NtlmLoginInput {
  readonly credential: NtlmCredential;
  readonly workstation: string;
  /** Host as the client typed it, for the service principal `HTTP/host`. */
  readonly host: string;
  /** DER of the server's certificate, to bind the login to the TLS channel; null without TLS or to leave it out. */
  readonly certificate: Buffer | null;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: number;
  /** `NTLM`, or `Negotiate` where the server offers only that. */
  readonly scheme: "NTLM" | "Negotiate";
}

/** Begins a login. Secrets stay inside: only the two header values leave. */
export function ntlmLogin(input: NtlmLoginInput): NtlmLogin {
  const negotiate = negotiateMessage();
  return {
    first: `${input.scheme} ${negotiate.toString("base64")}`,
    second: (challenges) => {
      const token = challengeToken(challenges, input.scheme);
      const challenge = token === null ? null : parseChallenge(token);
      if (challenge === null) {
        return null;
      }
      const message = authenticateMessage({
        credential: input.credential,
        workstation: input.workstation,
        negotiate,
        challenge,
        channelBindings:
          input.certificate === null ? null : tlsServerEndPointBindings(input.certificate),
        servicePrincipal: `HTTP/${input.host}`,
        clientChallenge: randomBytes(8),
        sessionKey: randomBytes(16),
        timestamp: fileTime(input.now),
      });
      return `${input.scheme} ${message.toString("base64")}`;
    },
  };
}

/** Splits `DOMAIN\user`; a user principal name keeps an empty domain, as Windows clients send it. */
export function ntlmCredential(
  username: string,
  password: string,
  domain: string | null,
): NtlmCredential {
  const backslash = username.indexOf("\\");
  if (backslash > 0) {
    return {
      username: username.slice(backslash + 1),
      domain: username.slice(0, backslash),
      password,
    };
  }
  return { username, domain: username.includes("@") ? "" : (domain ?? ""), password };
}

function challengeToken(challenges: readonly string[], scheme: string): Buffer | null {
  for (const challenge of challenges) {
    const match = /^\s*(\S+)\s+([A-Za-z0-9+/]+=*)\s*$/.exec(challenge);
    if (match?.[1]?.toLowerCase() === scheme.toLowerCase() && match[2] !== undefined) {
      return Buffer.from(match[2], "base64");
    }
  }
  return null;
}

/** 100-nanosecond steps since 1601, little-endian. */
export function fileTime(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.round(ms)) * 10_000n + 116_444_736_000_000_000n);
  return bytes;
}
