import { expect, test } from "vitest";
import { Transcript, TRANSCRIPT_BYTES } from "../../src/net/transcript.ts";

test("transcript › marks lines by direction and hides packet boundaries", () => {
  const transcript = new Transcript();
  transcript.received("220 re");
  transcript.received("ady\r\n");
  transcript.sent("EHLO x\r\n");
  transcript.received("250-a\r\n250 b\r\n");
  transcript.note("TLSv1.3");
  expect(transcript.toString()).toBe("< 220 ready\n> EHLO x\n< 250-a\n< 250 b\n-- TLSv1.3\n");
});

test("transcript › redacts a secret that is plain, in base64, URL-encoded or split over packets", () => {
  const secret = "p@ss w\u00f6rd/+1";
  const transcript = new Transcript();
  transcript.redactSecret(secret);
  transcript.sent(`PASS ${secret}\r\n`);
  transcript.received(secret.slice(0, 4));
  transcript.received(`${secret.slice(4)}\r\n`);
  transcript.sent(`a=${encodeURIComponent(secret)}&b=${Buffer.from(secret).toString("base64")}`);
  transcript.note(secret);
  const text = transcript.toString();
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
    expect(text).not.toContain(form);
  }
  expect(text.match(/<secret>/g)).toHaveLength(5);
});

test("transcript › redacts the logins of AUTH PLAIN and Basic", () => {
  const transcript = new Transcript();
  transcript.redactSecret("hunter2");
  transcript.sent(`AUTH PLAIN ${Buffer.from("\0itest\0hunter2").toString("base64")}\r\n`);
  transcript.sent(`Authorization: Basic ${Buffer.from("itest:hunter2").toString("base64")}\r\n`);
  const text = transcript.toString();
  expect(text.match(/<secret>/g)).toHaveLength(2);
  for (const token of text.match(/[A-Za-z0-9+/]{4,}/g) ?? []) {
    expect(Buffer.from(token, "base64").toString()).not.toContain("unter");
  }
});

test("transcript › is bounded and shows no part of a secret at the cut", () => {
  for (let pad = TRANSCRIPT_BYTES - 40; pad < TRANSCRIPT_BYTES + 4; pad += 1) {
    const transcript = new Transcript();
    transcript.redactSecret("correct-horse-battery-staple");
    transcript.sent(`${"x".repeat(pad)}correct-horse-battery-staple${"y".repeat(9000)}`);
    transcript.received(Buffer.alloc(1_000_000, "z"));
    const text = transcript.toString();
    expect(text.length).toBeLessThanOrEqual(TRANSCRIPT_BYTES);
    expect(text).not.toContain("correct");
  }
});

test("transcript › replaces control characters", () => {
  const transcript = new Transcript();
  transcript.received("\u001b[31mred\u0007\r\n");
  expect(transcript.toString()).toBe("< \u00b7[31mred\u00b7\n");
});
