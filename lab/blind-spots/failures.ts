import type { TlsSettings } from "../../src/model/tls-settings.ts";
import type { Condition, ListenerGroup } from "../exchange/condition.ts";

/** A failure that clients notice, and how the lab's Exchange server gets it. */
export interface Failure {
  readonly title: string;
  /** Null if it does not apply to this listener. */
  readonly condition: (listener: MeasuredListener) => Condition | null;
  /** Probes speak no TLS 1.3 here, as firmware that knows it only towards clients. */
  readonly limitsTls?: true;
}

/** The target of a probe: one listener of a server. */
export interface MeasuredListener {
  readonly group: ListenerGroup;
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
}

const IMPLICIT_TLS_PORTS: ReadonlySet<number> = new Set([443, 993, 995]);

/** The listener of a well-known port; any other port is the static port of RPC Client Access. */
export function listenerOf(port: number): MeasuredListener {
  const implicitTls = IMPLICIT_TLS_PORTS.has(port);
  switch (port) {
    case 80:
    case 443:
      return { group: "https", port, implicitTls };
    case 143:
    case 993:
      return { group: "imap", port, implicitTls };
    case 110:
    case 995:
      return { group: "pop3", port, implicitTls };
    case 25:
    case 465:
    case 587:
      return { group: "smtp", port, implicitTls };
    default:
      return { group: "rpc_client_access", port, implicitTls };
  }
}

/** Named as the columns of the matrix. */
export const FAILURES: readonly Failure[] = [
  { title: "process stopped", condition: () => ({ kind: "stopped" }) },
  { title: "port open, silent", condition: () => ({ kind: "open_port_silent" }) },
  { title: "accepted, then closed", condition: () => ({ kind: "accept_then_close" }) },
  { title: "hung", condition: () => ({ kind: "hung" }) },
  { title: "no certificate", condition: overTls({ kind: "no_certificate" }) },
  {
    title: "TLS ranges do not meet",
    condition: overTls({ kind: "tls_range", min: "TLSv1.3", max: "TLSv1.3" }),
    limitsTls: true,
  },
  {
    title: "another server's certificate",
    condition: overTls({ kind: "certificate", name: "wrong_name" }),
  },
  { title: "certificate expired", condition: overTls({ kind: "certificate", name: "expired" }) },
  { title: "maintenance (ServerWideOffline)", condition: exceptRpc({ kind: "maintenance" }) },
  {
    title: "mailbox side dead",
    condition: ({ group }) =>
      group === "imap" || group === "pop3" || group === "https" ? { kind: "dead_backend" } : null,
  },
  { title: "application pool stopped", condition: only("https", { kind: "app_pool_stopped" }) },
  {
    title: '503 with "200" in its body',
    condition: only("https", {
      kind: "http_answer",
      status: 503,
      body: "<html><body>Service Unavailable, reference 12004</body></html>",
    }),
  },
  { title: "421 at MAIL FROM", condition: only("smtp", { kind: "hub_draining" }) },
  {
    title: "back pressure at MAIL FROM",
    condition: only("smtp", { kind: "back_pressure", at: "mail_from" }),
  },
];

/** The TLS of a probe in the column of disjoint ranges: it ends where the server's begins. */
export function withoutTls13(tls: TlsSettings): TlsSettings {
  return tls.maxVersion === "TLSv1.3" ? { ...tls, maxVersion: "TLSv1.2" } : tls;
}

function overTls(condition: Condition): Failure["condition"] {
  return ({ implicitTls }) => (implicitTls ? condition : null);
}

function exceptRpc(condition: Condition): Failure["condition"] {
  return ({ group }) => (group === "rpc_client_access" ? null : condition);
}

function only(wanted: ListenerGroup, condition: Condition): Failure["condition"] {
  return ({ group }) => (group === wanted ? condition : null);
}
