import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { checkCertificateName } from "./https-proof.ts";
import { errorMessage } from "../lib/error-code.ts";

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM to trust instead of the system's; null: the system's. */
  readonly ca: string | null;
  /** False: any certificate will do. */
  readonly verify: boolean;
  readonly timeoutMs: number;
}

export type PostResult =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** What `Retry-After` asks for, in milliseconds; null: nothing. */
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: "failed"; readonly message: string };

/** Longer waits are for people to decide. */
const MAX_RETRY_AFTER_S = 3_600;

/**
 * Sends one POST and reads the status. Follows no redirect, reads no body, waits at most `timeoutMs` for everything.
 * Never throws; the result names neither the URL nor what was sent.
 */
export function post(
  { url, headers, body, ca, verify, timeoutMs }: Post,
  signal: AbortSignal,
): Promise<PostResult> {
  return new Promise((resolve) => {
    const failed = (error: unknown): void => {
      resolve({
        kind: "failed",
        message: signal.aborted ? "interrupted" : errorMessage(error).slice(0, 200),
      });
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const outgoing = (url.protocol === "https:" ? httpsRequest : httpRequest)(
        url,
        {
          method: "POST",
          agent: false,
          signal: limit,
          headers: { ...headers, "Content-Length": String(Buffer.byteLength(body)) },
          ...(ca === null ? {} : { ca }),
          rejectUnauthorized: verify,
          checkServerIdentity: checkCertificateName,
        },
        (response) => {
          response.destroy();
          resolve({
            kind: "answer",
            status: response.statusCode ?? 0,
            retryAfterMs: retryAfterMs(response.headers["retry-after"]),
          });
        },
      );
      outgoing.on("error", failed);
      outgoing.end(body);
    } catch (error) {
      // Node throws for a header or a path that cannot be sent.
      failed(error);
    }
  });
}

function retryAfterMs(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,9}$/.test(value)
    ? Math.min(Number(value), MAX_RETRY_AFTER_S) * 1_000
    : null;
}
