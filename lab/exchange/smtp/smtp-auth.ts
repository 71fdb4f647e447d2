import { runSasl } from "../sasl.ts";
import { authMechanisms } from "./smtp-capabilities.ts";
import type { SmtpReply, SmtpSession } from "./smtp-reply.ts";

/** AUTH as Exchange's connectors offer it; PLAIN is not among Exchange's mechanisms. */
export async function authenticate(session: SmtpSession, argument: string): Promise<SmtpReply> {
  const { connection, context } = session;
  const [name = "", initial] = argument.split(" ");
  const mechanism = name.toUpperCase();
  if (session.helo === null) {
    return { text: "503 5.5.2 Send hello first" };
  }
  if (session.user !== null) {
    return { text: "503 5.5.2 Already authenticated" };
  }
  if (!authMechanisms(session).includes(mechanism)) {
    return { text: "504 5.7.4 Unrecognized authentication type" };
  }
  const ask = async (challenge: string): Promise<string | null> => {
    await connection.send(`334 ${challenge === "" ? `${mechanism} supported` : challenge}\r\n`);
    return connection.readLine();
  };
  if (context.state().backend === "dead") {
    return { text: "454 4.7.0 Temporary authentication failure" };
  }
  const result = await runSasl(mechanism, context, "smtp", ask, initial ?? null);
  if (result === null || result.kind === "aborted") {
    return { text: "501 5.7.0 Authentication aborted" };
  }
  if (result.kind === "rejected") {
    return { text: "535 5.7.3 Authentication unsuccessful" };
  }
  session.user = result.account;
  return { text: "235 2.7.0 Authentication successful" };
}
