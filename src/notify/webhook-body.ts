import type { WebhookTemplate } from "../config/schema.ts";
import { TEMPLATE_PLACES } from "../config/rules-notify.ts";
import type { Message } from "./message.ts";

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
