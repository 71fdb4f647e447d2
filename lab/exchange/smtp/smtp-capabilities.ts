import type { SmtpSession } from "./smtp-reply.ts";

/** MaxMessageSize of Exchange's connectors by default, in bytes. */
export const MAX_MESSAGE_SIZE = 37_748_736;

/** The lines of the EHLO answer after the greeting; the set changes with TLS, connector and version. */
export function capabilities({ context, connector, connection }: SmtpSession): string[] {
  const offersTls = !connection.isSecure() && context.secureContext() !== null;
  return [
    `SIZE ${MAX_MESSAGE_SIZE}`,
    "PIPELINING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    ...(offersTls ? ["STARTTLS"] : []),
    ...(offersTls && connector !== "client" ? ["X-ANONYMOUSTLS"] : []),
    `AUTH ${authMechanisms({ context, connector, connection }).join(" ")}`,
    ...(connector === "client" ? [] : ["X-EXPS GSSAPI NTLM"]),
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    ...(context.version === "2010" ? ["XEXCH50", "XRDST", "XSHADOW"] : ["SMTPUTF8", "XRDST"]),
  ];
}

/** Basic authentication (LOGIN) needs TLS unless the connector is configured otherwise. */
export function authMechanisms({
  context,
  connector,
  connection,
}: Pick<SmtpSession, "context" | "connector" | "connection">): string[] {
  const basic = connection.isSecure() || context.plainTextLogin ? ["LOGIN"] : [];
  return [...(connector === "frontend" ? [] : ["GSSAPI"]), "NTLM", ...basic];
}
