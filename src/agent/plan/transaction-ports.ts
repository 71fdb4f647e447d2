import type { AdcService } from "../../estate/adc-service.ts";
import type { TransactionName, TransactionSpec } from "../../probes/transactions/spec.ts";
import type { TransactionRun } from "./settings.ts";

export const MAPPER_PORT = 135;
/** Where each transaction is spoken; the ones over HTTPS are spoken wherever Exchange is recognised. */
export const USUAL_PORTS: ReadonlyMap<TransactionName, readonly number[]> = new Map([
  ["imap_login", [143, 993]],
  ["imap_greeting", [143, 993]],
  ["pop3_login", [110, 995]],
  ["pop3_greeting", [110, 995]],
  ["smtp_submission", [587]],
  ["smtp_mail_from", [25, 465, 587]],
  ["mail_round_trip", [587]],
  ["ldap_bind", [389, 636, 3268, 3269]],
  ["dns_lookup", [53]],
  ["ntp_time", [123]],
  ["rpc_endpoint_map", [MAPPER_PORT]],
]);

/** The port to ask where the member has none of its own; null where the protocol has no usual one. */
export function portOfTransaction(transaction: TransactionName): number | null {
  return USUAL_PORTS.get(transaction)?.[0] ?? null;
}

/** How the connection is secured, by the port. A look has no secret to keep: it takes STARTTLS where it is offered, and 465 as it is found. */
export function securityOf(
  run: TransactionRun,
  service: AdcService,
  port: number | "*",
): TransactionSpec["security"] {
  const security = securityAt(service, port);
  if (security !== "starttls" || run.account !== null) {
    return security;
  }
  return port === 465 ? "implicit" : "starttls_if_offered";
}

function securityAt(service: AdcService, port: number | "*"): TransactionSpec["security"] {
  switch (port) {
    case 993:
    case 995:
    case 443:
    case 636:
    case 3269:
      return "implicit";
    case 143:
    case 110:
    case 587:
    case 25:
    case 465:
    case 389:
    case 3268:
      return "starttls";
    default:
      return service.serviceType === "SSL" ? "implicit" : "none";
  }
}
