import { createTransport } from "nodemailer";
import type { CommandReceiver, MailReceiver, Receiver, WebhookReceiver } from "../config/schema.ts";
import { errorMessage } from "../lib/log.ts";
import { visibleText } from "../lib/printable.ts";
import { aborted, startDeadline } from "../lib/timers.ts";
import { startChild } from "../net/child-process.ts";
import { post } from "../net/https-proof.ts";
import { type Message, webhookBody } from "./message.ts";

/** Result of one delivery attempt. `why` is for the log and contains neither a secret nor the receiver's address. */
export type Delivery =
  | { readonly kind: "sent" }
  /** Can be retried, after `retryAfterMs` if the receiver gave one. */
  | { readonly kind: "failed"; readonly why: string; readonly retryAfterMs: number | null }
  /** Rejected permanently. */
  | { readonly kind: "refused"; readonly why: string };

/** Total timeout of one attempt. */
const TIMEOUT_MS = 20_000;

/** Sends one message to a receiver, once. Takes at most {@link TIMEOUT_MS}, stops at `signal`, never throws. */
export async function deliver(
  receiver: Receiver,
  message: Message,
  signal: AbortSignal,
): Promise<Delivery> {
  switch (receiver.kind) {
    case "mail":
      return sendMail(receiver, message, signal);
    case "webhook":
      return sendWebhook(receiver, message, signal);
    case "command":
      return runCommand(receiver, message, signal);
  }
}

function failed(why: string, retryAfterMs: number | null = null): Delivery {
  return { kind: "failed", why: visibleText(why), retryAfterMs };
}

async function sendMail(
  receiver: MailReceiver,
  message: Message,
  signal: AbortSignal,
): Promise<Delivery> {
  const { host, port, security, from, to, login } = receiver;
  const transport = createTransport({
    host,
    port,
    secure: security === "implicit",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(login === null ? {} : { auth: { user: login.username, pass: login.password.reveal() } }),
    tls: {
      rejectUnauthorized: receiver.verify,
      ...(receiver.serverName === null ? {} : { servername: receiver.serverName }),
      ...(receiver.ca === null ? {} : { ca: receiver.ca }),
    },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const deadline = startDeadline(TIMEOUT_MS, signal);
  const interrupted = aborted(deadline.signal).then(() => failed("interrupted or timed out"));
  const sent = transport
    .sendMail({
      from,
      to: [...to],
      subject: message.subject,
      text: message.text,
      // RFC 3834: suppresses automatic replies.
      headers: { "Auto-Submitted": "auto-generated" },
    })
    .then((): Delivery => ({ kind: "sent" }), mailFailure);
  try {
    return await Promise.race([sent, interrupted]);
  } finally {
    deadline.end();
    transport.close();
  }
}

/** A 5xx to the message itself is permanent; to a login or while connecting it may be fixed later. */
function mailFailure(error: unknown): Delivery {
  const code = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0;
  const kind = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = visibleText(errorMessage(error));
  return code >= 500 && (kind === "EENVELOPE" || kind === "EMESSAGE")
    ? { kind: "refused", why }
    : failed(why);
}

async function sendWebhook(
  receiver: WebhookReceiver,
  message: Message,
  signal: AbortSignal,
): Promise<Delivery> {
  const url = receiver.url.reveal();
  const result = await post(
    {
      url: new URL(url),
      headers: { "Content-Type": "application/json", "User-Agent": "adc-witness" },
      body: webhookBody(receiver.template, message),
      ca: receiver.ca,
      verify: receiver.verify,
      timeoutMs: TIMEOUT_MS,
    },
    signal,
  );
  if (result.kind === "failed") {
    return failed(result.message.replaceAll(url, "the URL"));
  }
  const { status, retryAfterMs } = result;
  if (status >= 200 && status < 300) {
    return { kind: "sent" };
  }
  const why = `HTTP status ${String(status)}`;
  // 4xx is permanent (wrong body or URL), except timeouts and "too many", which are temporary.
  return status >= 400 && status < 500 && ![401, 403, 404, 408, 425, 429].includes(status)
    ? { kind: "refused", why }
    : failed(why, retryAfterMs);
}

/** Linux takes no variable of 128 KiB or more: the program would not be started at all. */
const MAX_VARIABLE_BYTES = 120_000;

/** As many causes as fit; the text lists all. */
function jsonThatFits(data: Message["data"]): string {
  for (let kept = data.causes.length; ; kept -= 1) {
    const causes = data.causes.slice(0, kept);
    const omitted = data.omitted + data.causes.length - kept;
    const json = JSON.stringify({ ...data, causes, omitted });
    if (kept === 0 || Buffer.byteLength(json) <= MAX_VARIABLE_BYTES) {
      return json;
    }
  }
}

/** The message is in the environment, where no shell reads it: ADC_WITNESS_SUBJECT, _TEXT, _KIND and _JSON. */
function runCommand(
  { command }: CommandReceiver,
  { kind, subject, text, data }: Message,
  signal: AbortSignal,
): Promise<Delivery> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(failed("interrupted"));
      return;
    }
    const deadline = startDeadline(TIMEOUT_MS, signal);
    let lastOutput = "";
    const listen = (chunk: Buffer): void => {
      lastOutput = (lastOutput + chunk.toString("utf8")).slice(-200);
    };
    const kill = startChild(
      command,
      {
        ADC_WITNESS_KIND: kind,
        ADC_WITNESS_SUBJECT: subject,
        ADC_WITNESS_TEXT: text,
        ADC_WITNESS_JSON: jsonThatFits(data),
      },
      {
        stdout: listen,
        stderr: listen,
        ended: (ending) => {
          deadline.end();
          if (ending.kind === "exit" && ending.code === 0) {
            resolve({ kind: "sent" });
            return;
          }
          const how =
            ending.kind === "exit" ? `exit status ${String(ending.code)}` : `ended: ${ending.why}`;
          resolve(failed(lastOutput === "" ? how : `${how}: ${lastOutput.trim()}`));
        },
      },
    );
    void aborted(deadline.signal).then(() => {
      kill();
      resolve(failed("interrupted or timed out"));
    });
  });
}
