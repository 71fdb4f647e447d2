import type { NotifyConfig, Receiver } from "./schema.ts";
import type { Attachments } from "./attachments.ts";
import { parseDuration } from "../lib/timers.ts";
import { parseHostPort } from "../lib/host-port.ts";
import { Secret } from "../lib/secret.ts";
import {
  checkDuration,
  checkSecretPair,
  checkUniqueNames,
  type Rule,
  type RuleReport,
} from "./rules.ts";
import type { ConfigPath } from "./located-yaml.ts";
import type { WrittenConfig, WrittenNotifier } from "./written.ts";

/** Rules about notifications. */
export const NOTIFY_RULES: readonly Rule[] = [notifiersAreSound];

const DAY_MS = 24 * 3_600_000;

function notifiersAreSound({ notify }: WrittenConfig, report: RuleReport): void {
  checkUniqueNames(notify, ["notify"], report);
  notify.forEach((one, index) => {
    const path: ConfigPath = ["notify", index];
    const receivers = (["mail", "webhook", "command"] as const).filter(
      (key) => one[key] !== undefined,
    );
    if (receivers.length !== 1) {
      report.error(
        path,
        receivers.length === 0 ? "has no receiver" : `has ${receivers.join(" and ")}`,
        "one of mail, webhook and command",
        receivers.length === 0 ? "add one" : "write a notifier for each",
      );
    }
    checkDuration(one.group_wait, [0, DAY_MS], [...path, "group_wait"], "30s is usual", report);
    checkDuration(one.repeat, [60_000, 31 * DAY_MS], [...path, "repeat"], "12h is usual", report);
    if (one.mail !== undefined) {
      checkMail(one.mail, [...path, "mail"], report);
    }
    if (one.webhook !== undefined) {
      checkWebhook(one.webhook, [...path, "webhook"], report);
    }
  });
}

function checkMail(
  mail: NonNullable<WrittenNotifier["mail"]>,
  path: ConfigPath,
  report: RuleReport,
): void {
  const logsIn = mail.username !== undefined;
  checkSecretPair(
    ["password", "password_file"],
    mail,
    path,
    logsIn ? "required" : "optional",
    report,
  );
  if (!logsIn && (mail.password !== undefined || mail.password_file !== undefined)) {
    report.error(path, "has a password and no username", "both or neither", "add username");
  }
  if (logsIn && (mail.security === "auto" || mail.security === "none")) {
    report.error(
      [...path, "security"],
      "would send a password without TLS",
      "starttls or implicit",
      "write one of them",
    );
  }
  if (logsIn && mail.verify === false) {
    report.warning(
      [...path, "verify"],
      "sends a password to an unverified server",
      "a certificate that verifies",
      "write ca_file or server_name instead",
    );
  }
}

function checkWebhook(
  webhook: NonNullable<WrittenNotifier["webhook"]>,
  path: ConfigPath,
  report: RuleReport,
): void {
  checkSecretPair(["url", "url_file"], webhook, path, "required", report);
  const { body, template } = webhook;
  if (body !== undefined && template !== undefined) {
    report.error(
      [...path, "body"],
      "cannot be combined with template",
      "one of them",
      "remove one",
    );
  }
  if (body !== undefined && !isTemplate(body)) {
    report.error([...path, "body"], "is not JSON", "a JSON text", "correct it");
  }
}

/** Placeholders of a custom template. */
export const TEMPLATE_PLACES = /\{\{(kind|subject|text)\}\}/g;

function isTemplate(text: string): boolean {
  try {
    JSON.parse(text.replace(TEMPLATE_PLACES, "x"));
    return true;
  } catch {
    // Not JSON.
    return false;
  }
}

/** Converts a validated notifier; null if its file contained no URL. */
export function normaliseNotifier(
  written: WrittenNotifier,
  index: number,
  attached: Attachments,
): NotifyConfig {
  const { name, when, group_wait, repeat } = written;
  return {
    name,
    when,
    receiver: receiverOf(written, ["notify", index], attached),
    groupWaitMs: parseDuration(group_wait) ?? 0,
    repeatMs: parseDuration(repeat) ?? 0,
  };
}

function receiverOf(
  { mail, webhook, command = [] }: WrittenNotifier,
  path: ConfigPath,
  attached: Attachments,
): Receiver {
  if (mail !== undefined) {
    const server = parseHostPort(mail.server);
    const password = attached.secret([...path, "mail"], "password");
    const login =
      mail.username === undefined || password === null
        ? null
        : { username: mail.username, password };
    return {
      kind: "mail",
      host: server?.host ?? "",
      port: server?.port ?? 25,
      security: mail.security,
      from: mail.from,
      to: mail.to,
      login,
      ca: attached.certificates([...path, "mail"]),
      serverName: mail.server_name ?? null,
      // RFC 7435: unverified encryption is better than none.
      verify: mail.verify ?? (mail.security !== "auto" || mail.ca_file !== undefined),
    };
  }
  if (webhook !== undefined) {
    return {
      kind: "webhook",
      url: attached.secret([...path, "webhook"], "url") ?? new Secret(""),
      template:
        webhook.body === undefined
          ? { kind: webhook.template ?? "json" }
          : { kind: "own", text: webhook.body },
      ca: attached.certificates([...path, "webhook"]),
      verify: webhook.verify,
    };
  }
  return { kind: "command", command };
}
