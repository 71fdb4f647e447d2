import { localTime } from "../lib/timers.ts";
import type { Cause } from "./cause.ts";
import type { Notice } from "./ledger.ts";
import { printable, printableLine } from "../lib/printable.ts";
import type { WebhookTemplate } from "../config/schema.ts";
import { TEMPLATE_PLACES } from "../config/rules-notify.ts";

/** One message as it leaves: whole, bounded, and nothing in it steers a terminal. */
export interface Message {
  readonly kind: Notice["kind"] | "several" | "test";
  /** One line. */
  readonly subject: string;
  /** Plain text, some lines. */
  readonly text: string;
  /** For machines: the body of a generic webhook. Snake case, ISO times. */
  readonly data: MessageData;
}

export interface MessageData {
  readonly version: 1;
  readonly agent: string;
  readonly kind: Message["kind"];
  readonly subject: string;
  readonly text: string;
  /** Of the page; null where `web.external_url` is not configured. */
  readonly url: string | null;
  /** At most fifteen. */
  readonly causes: readonly {
    readonly state: Notice["kind"];
    readonly key: string;
    readonly adc: string;
    readonly name: string;
    readonly severity: Cause["urgency"];
    readonly verdicts: readonly string[];
    readonly servers: readonly string[];
    readonly vservers: readonly string[];
    readonly summary: string;
    readonly details: readonly string[];
    readonly advice: string;
    readonly since: string | null;
  }[];
  /** Causes beyond these. */
  readonly omitted: number;
}

export interface MessageContext {
  readonly agent: string;
  /** Where people open the page, without a final slash; null: not configured. */
  readonly externalUrl: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** So many causes have a message each; more at one moment come as one. */
const MAX_SINGLE = 3;
/** What a program takes in its environment is bounded, to 128 KiB on Linux. */
const MAX_CAUSES = 15;
const MAX_TEXT = 16_000;
const MAX_SUBJECT = 200;

/** The messages for what is to be sent at one moment: one for each cause, or one for all where there are many. */
export function messagesFor(
  notices: readonly Notice[],
  context: MessageContext,
): readonly Message[] {
  if (notices.length <= MAX_SINGLE) {
    return notices.map((notice) =>
      writeMessage(
        notice.kind,
        `[${WORDS[notice.kind](notice.cause)}] ${notice.cause.sentence}`,
        [bodyOf(notice, context)],
        [notice],
        context,
      ),
    );
  }
  const open = notices.filter(({ kind }) => kind !== "resolved");
  const worst = open[0] ?? notices[0];
  const subject =
    open.length === 0
      ? `[RESOLVED] ${String(notices.length)} causes`
      : `[${String(notices.length)} causes] ${worst?.cause.sentence ?? ""}, and more`;
  const bodies = notices.map(
    (notice) => `[${WORDS[notice.kind](notice.cause)}]\n${bodyOf(notice, context)}`,
  );
  return [writeMessage("several", subject, bodies, notices, context)];
}

/** What `notify test` sends. */
export function testMessage(context: MessageContext): Message {
  const text = "This is a test of adc-witness's notifications. Nothing is wrong.";
  return writeMessage("test", "[TEST] adc-witness notification test", [text], [], context);
}

const WORDS: Readonly<Record<Notice["kind"], (cause: Cause) => string>> = {
  firing: ({ urgency }) => (urgency === "info" ? "NOTE" : urgency.toUpperCase()),
  changed: () => "CHANGED",
  reminder: () => "STILL",
  resolved: () => "RESOLVED",
};

function bodyOf(notice: Notice, context: MessageContext): string {
  const { externalUrl } = context;
  const lines = notice.kind === "resolved" ? resolvedLines(notice, context) : openLines(notice);
  const link = externalUrl === null ? [] : ["", `More: ${externalUrl}${notice.cause.path}`];
  return [...lines, ...link].join("\n");
}

function openLines({ cause: { sentence, since, lines, advice } }: Notice): readonly string[] {
  return [
    `${sentence}.`,
    ...(since === null ? [] : [`Since ${localTime(since)}.`]),
    "",
    ...lines.map((line) => `- ${line}`),
    "",
    `What to do: ${advice}`,
  ];
}

function resolvedLines(
  { cause: { sentence }, notifiedAt }: Notice,
  { now }: MessageContext,
): readonly string[] {
  return [
    `Resolved: ${sentence}.`,
    ...(notifiedAt === null ? [] : [`Last notified ${localTime(notifiedAt)}.`]),
    `Resolved at ${localTime(now)}.`,
  ];
}

function writeMessage(
  kind: Message["kind"],
  subject: string,
  bodies: readonly string[],
  notices: readonly Notice[],
  { agent, externalUrl }: MessageContext,
): Message {
  const line = bounded(printableLine(subject), MAX_SUBJECT);
  const text = bounded(
    printable([...bodies, `-- \nadc-witness, agent ${agent}`].join("\n\n")),
    MAX_TEXT,
  );
  return {
    kind,
    subject: line,
    text,
    data: {
      version: 1,
      agent,
      kind,
      subject: line,
      text,
      url: externalUrl,
      omitted: Math.max(0, notices.length - MAX_CAUSES),
      causes: notices.slice(0, MAX_CAUSES).map(({ kind: state, cause }) => ({
        state,
        key: cause.key,
        adc: cause.adc,
        name: cause.name,
        severity: cause.urgency,
        verdicts: cause.verdicts,
        servers: cause.servers,
        vservers: cause.vservers,
        summary: cause.sentence,
        details: cause.lines,
        advice: cause.advice,
        since: cause.since === null ? null : new Date(cause.since).toISOString(),
      })),
    },
  };
}

function bounded(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

/** Teams shows longer cards cut off, and refuses those over 28 KB. */
const MAX_CARD_TEXT = 12_000;

/** The JSON body of a webhook. A template of the operator's own has its places filled with JSON-escaped text. */
export function webhookBody(template: WebhookTemplate, message: Message): string {
  switch (template.kind) {
    case "json":
      return JSON.stringify(message.data);
    case "slack":
      return JSON.stringify({
        text: `*${slackText(message.subject)}*\n${slackText(message.text)}`,
      });
    case "teams":
      return JSON.stringify(teamsCard(message));
    case "own":
      return template.text.replace(TEMPLATE_PLACES, (_whole, place: Place) =>
        JSON.stringify(String(message[place])).slice(1, -1),
      );
  }
}

type Place = "kind" | "subject" | "text";

/** Slack's three control characters (Slack docs, "Formatting text": escape & < >). */
function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What the workflow "Post to a channel when a webhook request is received" takes: a message with an Adaptive Card. */
function teamsCard({ subject, text }: Message): unknown {
  const block = (content: string, more: Readonly<Record<string, unknown>>): unknown => ({
    type: "TextBlock",
    text: content,
    wrap: true,
    ...more,
  });
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            block(cardText(subject), { weight: "Bolder", size: "Medium" }),
            // One block a paragraph: a card knows Markdown's line breaks only in part.
            ...cardText(text)
              .slice(0, MAX_CARD_TEXT)
              .split("\n")
              .filter((line) => line !== "")
              .map((line) => block(line, { spacing: "Small" })),
          ],
        },
      },
    ],
  };
}

/** Names of other people's servers are no Markdown: links and emphasis are taken out of force. */
function cardText(text: string): string {
  return text.replace(/[\\`*_[\]<>]/g, "\\$&");
}
