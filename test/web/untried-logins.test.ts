import { expect, test } from "vitest";
import type { LiveProbe } from "../../src/model/live.ts";
import { notices, untriedLogins } from "../../src/web/page/notices.ts";
import { aCertificate, aFault, aLiveState, aProbe, tlsFacts } from "../support/live-state.ts";

function untried(server: string, certificate = aCertificate()): LiveProbe {
  return aProbe({
    server,
    port: 993,
    kind: "transaction",
    monitor: "",
    transaction: "imap_login",
    opinion: "unknown",
    last: aFault("certificate_untrusted", { tls: tlsFacts({ chain: [certificate] }) }),
  });
}

function shown(...probes: readonly LiveProbe[]): string {
  return untriedLogins(probes)
    .map(({ text }) => text.replace(/\s+/g, " "))
    .join("\n");
}

test("untried login › names place, reason, the certificate shown, and the line to paste", () => {
  const certificate = aCertificate({ subject: "CN=EX01", issuer: "CN=EX01", names: ["ex01"] });
  const text = shown(untried("ex01", certificate));
  expect(text).toContain("Logins at ex01:993 (imap_login) are not tried");
  expect(text).toContain("subject CN=EX01, issuer CN=EX01, names ex01");
  expect(text).toContain(`<code>fingerprint_sha256: ${certificate.sha256}</code>`);
});

test("untried login › is one notice for one certificate on many servers, and few for many certificates", () => {
  expect(untriedLogins(["ex01", "ex02", "ex03", "ex04"].map((name) => untried(name)))).toHaveLength(
    1,
  );
  const strangers = Array.from({ length: 40 }, (_, index) =>
    untried("ex01", aCertificate({ sha256: String(index).padStart(64, "0") })),
  );
  expect(untriedLogins(strangers)).toHaveLength(6);
  expect(shown(...strangers)).toContain("35 more certificates");
});

test("untried login › escapes and bounds a hostile certificate", () => {
  const text = shown(
    untried(
      "ex01",
      aCertificate({
        subject: `<script>${"x".repeat(10_000)}`,
        names: Array.from({ length: 10_000 }, () => "y".repeat(10_000)),
      }),
    ),
  );
  expect(text).not.toContain("<script>");
  expect(text.length).toBeLessThan(2_000);
});

test("untried login › is not reported when the login is rejected or has run", () => {
  expect(untriedLogins([aProbe(), aProbe({ last: aFault("auth_rejected") })])).toEqual([]);
});

test("verify: false › is reported on the page", () => {
  const { text = "" } = notices(aLiveState({ unverifiedLogins: ["account probe-a"] })) ?? {};
  expect(text.replace(/\s+/g, " ")).toContain("account probe-a: verify is false");
});
