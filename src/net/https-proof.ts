import { X509Certificate } from "node:crypto";
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest } from "node:https";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { isIP } from "../lib/ip.ts";
import { hasName } from "./certificate-facts.ts";
import { startDeadline, startTimer } from "../lib/timers.ts";
import { request as httpRequest } from "node:http";
import { errorMessage } from "../lib/log.ts";

/** Fingerprints that authenticate a management address. SHA-256, lower-case hex. */
export interface CertificatePins {
  /** If any, the server must present one of these; issuer, names and dates are then not checked. */
  readonly pinned: readonly string[];
  /**
   * Certificates of the ca_file: a server that presents one of them needs no matching name, since a factory certificate has
   * none.
   */
  readonly trusted: readonly string[];
  /** Handshake timeout in milliseconds. */
  readonly timeoutMs: number;
}

/** Fingerprints of the certificates in a PEM text, SHA-256 in lower-case hex; invalid ones are skipped. */
export function fingerprintsIn(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [normalisedFingerprint(new X509Certificate(block).fingerprint256)];
    } catch {
      return [];
    }
  });
}

function normalisedFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

/** The name sent as SNI: none for an address or an invalid host name (`default ABCDEF`). */
export function sniOf(name: string): string {
  return isIP(name) === 0 && /^[A-Za-z0-9._-]+$/.test(name) ? name : "";
}

/**
 * Uses {@link hasName}, because Node's own check accepts a common name alone. A name that is not a valid host name must
 * equal the common name: factory certificates have `CN=default ABCDEF` and no alternative names (NetScaler docs,
 * ns-server-certificate).
 */
export function checkCertificateName(
  expected: string,
  certificate: PeerCertificate,
): Error | undefined {
  const common = [certificate.subject.CN].flat()[0] ?? "";
  const isWholeName =
    expected.includes(" ") && common.toLowerCase() === expected.trim().toLowerCase();
  return isWholeName || hasName(new X509Certificate(certificate.raw), expected)
    ? undefined
    : Object.assign(new Error(`the certificate does not contain ${expected}`), {
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
}

/** An HTTPS agent that checks the certificate of a connection before anything is sent on it. */
export function createPinningAgent(settings: AgentOptions, pins: CertificatePins): HttpsAgent {
  // A resumed session has no certificate.
  const agent = new HttpsAgent({ ...settings, rejectUnauthorized: false, maxCachedSessions: 0 });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options) as TLSSocket | null | undefined;
    if (socket === null || socket === undefined) {
      return socket;
    }
    const done = (error: Error | null): void => {
      timer.cancel();
      socket.removeListener("error", done);
      if (error !== null) {
        socket.on("error", () => undefined);
        socket.destroy();
      }
      callback?.(error, socket);
    };
    const timer = startTimer(pins.timeoutMs, () => {
      done(Object.assign(new Error("no handshake in time"), { code: "ETIMEDOUT" }));
    });
    socket.once("error", done);
    socket.once("secureConnect", () => {
      done(unproven(socket, pins));
    });
    return undefined;
  };
  return agent;
}

function unproven(socket: TLSSocket, { pinned, trusted }: CertificatePins): Error | null {
  const shown = normalisedFingerprint(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
  if (pinned.length > 0) {
    return pinned.includes(shown)
      ? null
      : Object.assign(
          new Error(`the certificate presented is not the pinned one: its SHA-256 is ${shown}`),
          {
            code: "FINGERPRINT",
          },
        );
  }
  if (trusted.includes(shown) || socket.authorized) {
    return null;
  }
  // Typed as Error, but Node passes the error code.
  const code = String(socket.authorizationError);
  return Object.assign(new Error(`${code} (SHA-256 of the certificate presented: ${shown})`), {
    code,
  });
}

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Trusted CAs (PEM); null: the system's. */
  readonly ca: string | null;
  /** False: any certificate is accepted. */
  readonly verify: boolean;
  readonly timeoutMs: number;
}

export type PostResult =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** `Retry-After` in milliseconds; null if absent. */
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: "failed"; readonly message: string };

/** Upper limit of an accepted Retry-After. */
const MAX_RETRY_AFTER_S = 3_600;

/**
 * Sends one POST and returns the status. Follows no redirect, reads no body, takes at most `timeoutMs`. Never throws; the
 * result contains neither the URL nor the body.
 */
export function post(
  { url, headers, body, ca, verify, timeoutMs }: Post,
  signal: AbortSignal,
): Promise<PostResult> {
  return new Promise((resolve) => {
    const deadline = startDeadline(timeoutMs, signal);
    const end = (result: PostResult): void => {
      deadline.end();
      resolve(result);
    };
    const failed = (error: unknown): void => {
      end({
        kind: "failed",
        message: signal.aborted ? "interrupted" : errorMessage(error).slice(0, 200),
      });
    };
    try {
      const outgoing = (url.protocol === "https:" ? httpsRequest : httpRequest)(
        url,
        {
          method: "POST",
          agent: false,
          signal: deadline.signal,
          headers: { ...headers, "Content-Length": String(Buffer.byteLength(body)) },
          ...(ca === null ? {} : { ca }),
          rejectUnauthorized: verify,
          checkServerIdentity: checkCertificateName,
        },
        (response) => {
          response.destroy();
          end({
            kind: "answer",
            status: response.statusCode ?? 0,
            retryAfterMs: retryAfterMs(response.headers["retry-after"]),
          });
        },
      );
      outgoing.on("error", failed);
      outgoing.end(body);
    } catch (error) {
      // Node throws for an invalid header or path.
      failed(error);
    }
  });
}

function retryAfterMs(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,9}$/.test(value)
    ? Math.min(Number(value), MAX_RETRY_AFTER_S) * 1_000
    : null;
}
