import type { ServiceContext } from "../service-context.ts";
import type { LineConnection } from "../line-connection.ts";
import type { LabAccount } from "../organisation.ts";

/** Which receive connector answers: `frontend` is Default Frontend on 25, `client` 587, `proxy` Client Proxy on 465. */
export type ReceiveConnector = "frontend" | "client" | "proxy";
export interface SmtpSession {
  readonly context: ServiceContext;
  readonly connector: ReceiveConnector;
  readonly connection: LineConnection;
  /** The client's address, as `Hello [ip]` repeats it. */
  readonly clientAddress: string;
  helo: string | null;
  user: LabAccount | null;
  envelope: Envelope | null;
}
export interface Envelope {
  readonly sender: string;
  readonly recipients: string[];
  /** What BDAT has brought so far. */
  readonly chunks: Buffer[];
}
/** One answer; `close` ends the session after it. */
export interface SmtpReply {
  readonly text: string;
  readonly close?: boolean;
}
