import { randomUUID } from "node:crypto";
import { INBOX, JUNK } from "../mailbox.ts";
import { headerValue, splitMessage } from "../mail-message.ts";
import { MAX_MESSAGE_SIZE } from "./smtp-capabilities.ts";
import type { Envelope, SmtpReply, SmtpSession } from "./smtp-reply.ts";

const TOO_LARGE: SmtpReply = {
  text: "552 5.3.4 Message size exceeds fixed maximum message size",
};
const NO_RECIPIENT: SmtpReply = { text: "503 5.5.2 Need rcpt command" };

/** DATA: reads the message up to the final dot and delivers it. Null: the client disconnected. */
export async function receiveData(session: SmtpSession): Promise<SmtpReply | null> {
  const { connection, envelope } = session;
  if (envelope === null || envelope.recipients.length === 0) {
    return NO_RECIPIENT;
  }
  await connection.send("354 Start mail input; end with <CRLF>.<CRLF>\r\n");
  const lines: string[] = [];
  let size = 0;
  for (;;) {
    const line = await connection.readLine();
    if (line === null) {
      return null;
    }
    if (line === ".") {
      break;
    }
    size += line.length + 2;
    if (size <= MAX_MESSAGE_SIZE) {
      lines.push(line.startsWith(".") ? line.slice(1) : line);
    }
  }
  session.envelope = null;
  return size > MAX_MESSAGE_SIZE
    ? TOO_LARGE
    : deliver(session, envelope, `${lines.join("\r\n")}\r\n`);
}

/** BDAT (RFC 3030): a chunk of a given length; the last one delivers. Null: the client disconnected. */
export async function receiveChunk(
  session: SmtpSession,
  argument: string,
): Promise<SmtpReply | null> {
  const match = /^(\d{1,10})(?:\s+(LAST))?$/i.exec(argument);
  if (match === null) {
    return { text: "501 5.5.4 Invalid arguments" };
  }
  const size = Number(match[1]);
  if (size > MAX_MESSAGE_SIZE) {
    return { ...TOO_LARGE, close: true };
  }
  const chunk = await session.connection.readBytes(size);
  const { envelope } = session;
  if (chunk === null) {
    return null;
  }
  if (envelope === null || envelope.recipients.length === 0) {
    return NO_RECIPIENT;
  }
  envelope.chunks.push(chunk);
  if (match[2] === undefined) {
    return { text: `250 2.6.0 CHUNK received OK, ${size} octets` };
  }
  session.envelope = null;
  return deliver(session, envelope, Buffer.concat(envelope.chunks).toString("latin1"));
}

function deliver(session: SmtpSession, envelope: Envelope, message: string): SmtpReply {
  const { context, clientAddress, helo } = session;
  const { header } = splitMessage(message);
  const messageId = headerValue(header, "message-id") ?? `<${randomUUID()}@${context.fqdn}>`;
  const trace =
    `Received: from ${helo ?? ""} (${clientAddress}) by ${context.fqdn} (127.0.0.1) with Microsoft SMTP\r\n` +
    ` Server; ${new Date().toUTCString().replace("GMT", "+0000")}\r\n`;
  const added = headerValue(header, "message-id") === null ? `Message-ID: ${messageId}\r\n` : "";
  const content = Buffer.from(`${trace}${added}${message}`, "latin1");
  const { delivery } = context.state();
  if (delivery !== "nowhere") {
    const folder = delivery === "junk" ? JUNK : INBOX;
    for (const recipient of envelope.recipients) {
      context.organisation.deliver(recipient, content, folder);
    }
  }
  const id = `${messageId} [InternalId=${Date.now()}, Hostname=${context.fqdn}]`;
  return { text: `250 2.6.0 ${id} Queued mail for delivery` };
}
