import fc from "fast-check";
import { expect, test } from "vitest";
import { causesOf } from "../../src/notify/cause.ts";
import type { Notice } from "../../src/notify/ledger.ts";
import { messagesFor, testMessage, webhookBody } from "../../src/notify/message.ts";
import { isVisible } from "../../src/lib/printable.ts";
import { aLiveState, aMember, maintenanceHour, NOON } from "../support/live-state.ts";

const CONTEXT = { agent: "dc1", externalUrl: "https://witness.example.com", now: NOON };

function noticesOf(live: Parameters<typeof causesOf>[0], kind: Notice["kind"]): readonly Notice[] {
  return causesOf(live).present.map((cause) => ({ kind, cause, notifiedAt: NOON - 60_000 }));
}

test("message › states what, since when, which rows, what to do and where to read more", () => {
  const [message] = messagesFor(noticesOf(maintenanceHour(), "firing"), CONTEXT);
  expect(message?.subject).toBe(
    "[CRITICAL] NetScaler prod sends IMAP clients to ex02, which is in maintenance",
  );
  expect(message?.text).toMatch(
    /^NetScaler prod sends IMAP clients to ex02, which is in maintenance\.\nSince 2026-11-22 \d\d:58 [+-]\d\d:00\.\n\n- IMAP ex02:143 \(svc_imap\): in maintenance, still gets clients; /,
  );
  expect(message?.text).toContain("What to do: Disable the member on the ADC now");
  expect(message?.text).toContain("More: https://witness.example.com/?server=ex02");
});

test("message › puts a server's IPv6 address in brackets before its port", () => {
  const member = aMember({ server: "2001:db8::5", verdict: "false_down", mismatch: true });
  const [message] = messagesFor(noticesOf(aLiveState({ members: [member] }), "firing"), CONTEXT);
  expect(message?.text).toContain(`[2001:db8::5]:${String(member.port)} (`);
});

test("message › combines causes of the same moment", () => {
  const members = Array.from({ length: 9 }, (_, index) =>
    aMember({ server: `ex${String(index)}`, verdict: "false_down", mismatch: true }),
  );
  const messages = messagesFor(noticesOf(aLiveState({ members }), "firing"), CONTEXT);
  expect(messages).toHaveLength(1);
  expect(messages[0]?.subject).toMatch(
    /^\[9 causes\] NetScaler prod says .* on ex0 is DOWN, but it works, and more$/,
  );
  expect(messages[0]?.data).toMatchObject({ omitted: 0 });
  expect(messages[0]?.data.causes).toHaveLength(9);
});

test("message › stays visible text of limited length for any names", () => {
  const name = fc.string({ unit: "binary", maxLength: 3_000 });
  fc.assert(
    fc.property(name, name, (server, lastError) => {
      const live = aLiveState({
        members: [aMember({ server, verdict: "false_up", mismatch: true })],
      });
      const notices = noticesOf(live, "firing").map((notice) => ({
        ...notice,
        cause: { ...notice.cause, lines: [lastError] },
      }));
      for (const { subject, text, data } of messagesFor(notices, CONTEXT)) {
        expect(isVisible(subject)).toBe(true);
        expect(isVisible(text.replaceAll("\n", ""))).toBe(true);
        expect(subject.length).toBeLessThanOrEqual(200);
        expect(text.length).toBeLessThanOrEqual(16_000);
        for (const kind of ["json", "slack", "teams"] as const) {
          expect(
            () => void JSON.parse(webhookBody({ kind }, { kind: "firing", subject, text, data })),
          ).not.toThrow();
        }
        const own = webhookBody(
          { kind: "own", text: '{"t":"{{subject}} / {{text}}"}' },
          { kind: "firing", subject, text, data },
        );
        expect(JSON.parse(own)).toEqual({ t: `${subject} / ${text}` });
      }
    }),
  );
});

test("message › escapes markup for Slack and Teams", () => {
  const message = {
    ...testMessage(CONTEXT),
    subject: "<!channel> [x](http://evil.example)",
    text: "a & b",
  };
  expect(JSON.parse(webhookBody({ kind: "slack" }, message))).toEqual({
    text: "*&lt;!channel&gt; [x](http://evil.example)*\na &amp; b",
  });
  expect(webhookBody({ kind: "teams" }, message)).toContain(
    JSON.stringify("\\<!channel\\> \\[x\\](http://evil.example)"),
  );
});
