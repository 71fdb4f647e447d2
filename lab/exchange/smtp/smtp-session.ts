import type { SmtpReply, ReceiveConnector, SmtpSession } from "./smtp-reply.ts";
import type { ServiceContext } from "../service-context.ts";
import type { Socket } from "node:net";
import { createLineConnection } from "../line-connection.ts";
import { setTimeout as delay } from "node:timers/promises";
import { authenticate } from "./smtp-auth.ts";
import { receiveData, receiveChunk } from "./smtp-data.ts";
import { capabilities } from "./smtp-capabilities.ts";

const NOT_ACTIVE: SmtpReply = { text: "421 4.3.2 Service not active", close: true };
const NOT_AVAILABLE: SmtpReply = { text: "421 4.3.2 Service not available", close: true };
const NO_RESOURCES = "452 4.3.1 Insufficient system resources";
/** Serves the connections of one receive connector as Exchange's transport does; sessions are counted by source. */
export function createReceiveConnector(
  context: ServiceContext,
  connector: ReceiveConnector,
): (socket: Socket) => Promise<void> {
  const perSource = new Map<string, number>();
  return async (socket) => {
    const source = socket.remoteAddress ?? "";
    const open = perSource.get(source) ?? 0;
    perSource.set(source, open + 1);
    socket.once("close", () => {
      perSource.set(source, (perSource.get(source) ?? 1) - 1);
    });
    const connection = createLineConnection(socket, {
      secure: false,
      delayMs: () => context.state().delayMs,
    });
    const refusal = refusalAtConnect(context, open);
    if (refusal === null) {
      await converse({
        context,
        connector,
        connection,
        clientAddress: source,
        helo: null,
        user: null,
        envelope: null,
      });
    } else {
      await connection.send(`${refusal}\r\n`);
    }
    connection.end();
  };
}
function refusalAtConnect(context: ServiceContext, open: number): string | null {
  const state = context.state();
  if (state.component === "draining") {
    return NOT_AVAILABLE.text;
  }
  if (state.backPressure === "connect") {
    return NO_RESOURCES;
  }
  return open >= state.sourceLimit
    ? "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel"
    : null;
}
async function converse(session: SmtpSession): Promise<void> {
  const { connection, context } = session;
  const ready = `${context.fqdn} Microsoft ESMTP MAIL Service ready at ${rfcDate()}`;
  await connection.send(`220 ${context.state().banner ?? ready}\r\n`);
  while (connection.isOpen()) {
    const line = await connection.readLine();
    if (line === null) {
      return;
    }
    const [, verb = "", argument = ""] = /^(\S*)\s*(.*)$/.exec(line) ?? [];
    const reply = await execute(session, verb.toUpperCase(), argument.trim());
    if (reply === null) {
      continue;
    }
    await tarpit(session, reply);
    await connection.send(`${reply.text}\r\n`);
    if (reply.close === true) {
      return;
    }
  }
}
function rfcDate(): string {
  return new Date().toUTCString().replace("GMT", "+0000");
}
/** TarpitInterval: refusals of clients that have not logged in come late. */
async function tarpit({ context, user }: SmtpSession, reply: SmtpReply): Promise<void> {
  const { tarpitMs } = context.state();
  if (tarpitMs > 0 && user === null && reply.text.startsWith("5")) {
    await delay(tarpitMs, undefined, { ref: false });
  }
}
/** Null: the command has sent its own response. */
async function execute(
  session: SmtpSession,
  verb: string,
  argument: string,
): Promise<SmtpReply | null> {
  const { context } = session;
  switch (verb) {
    case "EHLO":
    case "HELO":
      return hello(session, verb, argument);
    case "STARTTLS":
    case "X-ANONYMOUSTLS":
      return startTls(session);
    case "AUTH":
      return inactive(session) ? NOT_ACTIVE : authenticate(session, argument);
    case "MAIL":
      return inactive(session) ? NOT_ACTIVE : mailFrom(session, argument);
    case "RCPT":
      return recipient(session, argument);
    case "DATA":
      return receiveData(session);
    case "BDAT":
      return receiveChunk(session, argument);
    case "RSET":
      session.envelope = null;
      return { text: "250 2.0.0 Resetting" };
    case "NOOP":
      return { text: "250 2.0.0 OK" };
    case "VRFY":
      return { text: "252 2.1.5 Cannot VRFY user" };
    case "HELP":
      return {
        text: "214-This server supports the following commands:\r\n214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT",
      };
    case "QUIT":
      return { text: "221 2.0.0 Service closing transmission channel", close: true };
    default:
      return {
        text:
          context.version === "2010"
            ? "500 5.3.3 Unrecognized command"
            : `500 5.3.3 Unrecognized command '${verb.slice(0, 40)}'`,
      };
  }
}
function inactive({ context }: SmtpSession): boolean {
  return context.state().component === "inactive";
}
function hello(session: SmtpSession, verb: string, argument: string): SmtpReply {
  const { context, clientAddress } = session;
  if (argument === "") {
    return { text: "501 5.5.4 Invalid domain name" };
  }
  session.helo = argument;
  session.envelope = null;
  const greeting = `${context.fqdn} Hello [${clientAddress}]`;
  if (verb === "HELO") {
    return { text: `250 ${greeting}` };
  }
  const lines = [greeting, ...capabilities(session)];
  const last = lines.length - 1;
  return {
    text: lines.map((line, index) => `250${index === last ? " " : "-"}${line}`).join("\r\n"),
  };
}
async function startTls(session: SmtpSession): Promise<SmtpReply | null> {
  const { connection, context } = session;
  const secureContext = context.secureContext();
  if (connection.isSecure() || secureContext === null) {
    return { text: "500 5.3.3 Unrecognized command" };
  }
  await connection.send("220 2.0.0 SMTP server ready\r\n");
  session.helo = null;
  session.user = null;
  session.envelope = null;
  await connection.startTls(secureContext);
  return null;
}
function mailFrom(session: SmtpSession, argument: string): SmtpReply {
  const { context, connector, user } = session;
  const state = context.state();
  if (session.helo === null) {
    return { text: "503 5.5.2 Send hello first" };
  }
  if (state.hubDraining) {
    return NOT_AVAILABLE;
  }
  if (state.backPressure === "mail_from") {
    return { text: NO_RESOURCES };
  }
  if (session.envelope !== null) {
    return { text: "503 5.5.2 Sender already specified" };
  }
  if (connector !== "frontend" && user === null) {
    return {
      text:
        context.version === "2010"
          ? "530 5.7.1 Client was not authenticated"
          : "530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM",
    };
  }
  const sender = pathOf(argument, "FROM");
  if (sender === null) {
    return { text: "501 5.5.4 Invalid arguments" };
  }
  if (user !== null && sender !== "" && sender.toLowerCase() !== user.address.toLowerCase()) {
    return { text: "550 5.7.1 Client does not have permissions to send as this sender" };
  }
  session.envelope = { sender, recipients: [], chunks: [] };
  return { text: "250 2.1.0 Sender OK" };
}
function recipient({ context, envelope, user }: SmtpSession, argument: string): SmtpReply {
  const address = pathOf(argument, "TO");
  if (envelope === null) {
    return { text: "503 5.5.2 Need mail command" };
  }
  if (address === null || address === "") {
    return { text: "501 5.5.4 Invalid arguments" };
  }
  const { organisation } = context;
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const accepted = organisation.acceptedDomains.includes(domain);
  if (!accepted && user === null) {
    return {
      text:
        context.version === "2010"
          ? "550 5.7.1 Unable to relay"
          : "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    };
  }
  if (context.state().backend !== "up") {
    return { text: "451 4.7.0 Temporary server error. Please try again later. PRX4" };
  }
  if (accepted && organisation.mailbox(address) === null) {
    return {
      text: "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    };
  }
  envelope.recipients.push(address);
  return { text: "250 2.1.5 Recipient OK" };
}
/** The address of `FROM:<a@b> SIZE=1`; null when there is no path. */
function pathOf(argument: string, keyword: "FROM" | "TO"): string | null {
  return new RegExp(`^${keyword}:\\s*<([^<>\\s]*)>`, "i").exec(argument)?.[1] ?? null;
}
