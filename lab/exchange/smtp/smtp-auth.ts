import type { LabAccount } from "../organisation.ts";
import { logIn } from "../service-context.ts";
import { authMechanisms } from "./smtp-capabilities.ts";
import type { SmtpReply, SmtpSession } from "./smtp-session.ts";

const UNSUCCESSFUL: SmtpReply = { text: "535 5.7.3 Authentication unsuccessful" };

/** AUTH as Exchange's connectors offer it; PLAIN is not among Exchange's mechanisms. */
export async function authenticate(session: SmtpSession, argument: string): Promise<SmtpReply> {
  const [mechanism = "", initial] = argument.split(" ");
  if (session.helo === null) {
    return { text: "503 5.5.2 Send hello first" };
  }
  if (session.user !== null) {
    return { text: "503 5.5.2 Already authenticated" };
  }
  if (mechanism.toUpperCase() !== "LOGIN" || !authMechanisms(session).includes("LOGIN")) {
    return { text: "504 5.7.4 Unrecognized authentication type" };
  }
  const username = initial ?? (await ask(session, "Username:"));
  const password = username === null ? null : await ask(session, "Password:");
  if (username === null || password === null || username === "*" || password === "*") {
    return { text: "501 5.7.0 Authentication aborted" };
  }
  if (session.context.state().backend !== "up") {
    return { text: "454 4.7.0 Temporary authentication failure" };
  }
  const result = await logIn(session.context, "smtp", decode(username), decode(password));
  return result.kind === "accepted" ? accept(session, result.account) : UNSUCCESSFUL;
}

function accept(session: SmtpSession, account: LabAccount): SmtpReply {
  session.user = account;
  return { text: "235 2.7.0 Authentication successful" };
}

async function ask(session: SmtpSession, prompt: string): Promise<string | null> {
  await session.connection.send(`334 ${Buffer.from(prompt).toString("base64")}\r\n`);
  return session.connection.readLine();
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
