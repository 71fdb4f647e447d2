import type { CertificateName } from "../../certificates/lab-certificate.ts";
import type { NtlmConversation } from "../ntlm/ntlm-server.ts";

/** One request, whichever parser read it. */
export interface LabRequest {
  /** As sent; IIS compares methods without regard to case. */
  readonly method: string;
  /** The path without its query, still percent-encoded. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** Names in lower case; the first of a repeated header. */
  readonly header: (name: string) => string | null;
  /** The whole body, or null when it is longer than the limit or never came. */
  readonly body: () => Promise<Buffer | null>;
  readonly connection: LabHttpConnection;
}

/** What lasts as long as the connection: NTLM authenticates connections, not requests. */
export interface LabHttpConnection {
  /** The well-known port: 80 or 443. */
  readonly port: 80 | 443;
  /** The certificate the client was shown, or null on a clear connection. */
  readonly certificate: CertificateName | null;
  ntlm: NtlmConversation | null;
}

/** The result of a request: an answer, or the connection is closed without one. */
export type LabAnswer =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly statusText?: string;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: string | Buffer;
    }
  /** The connection is reset, as HttpResponse.Close does. */
  | { readonly kind: "abort" };

/** An answer from status, headers and body. */
export function answer(
  status: number,
  headers: readonly (readonly [string, string])[] = [],
  body: string | Buffer = "",
): LabAnswer & { kind: "answer" } {
  return { kind: "answer", status, headers, body };
}

/** The same answer with headers before its own. */
export function withHeaders(
  given: LabAnswer,
  headers: readonly (readonly [string, string])[],
): LabAnswer {
  return given.kind === "abort" ? given : { ...given, headers: [...headers, ...given.headers] };
}

/** The host name the client used, for redirects to itself. */
export function hostOf(request: LabRequest, fallback: string): string {
  return request.header("host") ?? fallback;
}
