import { expect, test } from "vitest";
import { parseConfig, trustWords, unverifiedLogins } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";

const PIN =
  "60:30:3A:E2:2B:99:88:61:BC:E3:B2:8F:33:EE:C1:BE:75:8A:21:3C:86:C9:3C:07:6D:BE:9F:55:8C:11:C7:52";

async function config(rest: string): Promise<Config> {
  const text = `adcs: [{ name: prod, nitro: { urls: ["https://ns1"], username: u, password: "\${X}" } }]\n${rest}`;
  const read = await parseConfig(text, { file: "x", baseDir: "/", env: { X: "x" } });
  if (read.kind === "invalid") {
    throw new Error(JSON.stringify(read.problems));
  }
  return read.config;
}

test("unverifiedLogins › finds verify: false wherever it stands", async () => {
  const read = await config(`
monitors: { m1: { username: u, password: "\${X}", verify: false }, m2: { verify: true } }
vservers: { v1: { verify: false }, v2: {} }
members: [{ match: "ex*:993", verify: false }, { match: "ex*:25" }]
transactions:
  accounts:
    - { name: a, username: a, password: "\${X}", verify: false }
    - { name: b, username: b, password: "\${X}" }
`);
  expect(unverifiedLogins(read)).toEqual([
    "account a",
    "members ex*:993",
    "vservers.v1",
    "monitors.m1",
  ]);
});

test("fingerprint › is read with colons and in capitals", async () => {
  const read = await config(`members: [{ match: "ex01:993", fingerprint_sha256: "${PIN}" }]`);
  expect(read.members[0]?.fingerprints).toEqual([PIN.replaceAll(":", "").toLowerCase()]);
});

test("trustWords › describe the configured trust", () => {
  expect(trustWords({})).toMatch(/^only to a certificate that the system's trust store verifies/);
  expect(trustWords({ ca: "pem", serverName: "mail.example.com" })).toBe(
    "only to a certificate that ca_file verifies, with mail.example.com",
  );
  expect(trustWords({ fingerprints: ["ab"] })).toContain("pinned");
  expect(trustWords({ verify: false })).toContain("an unverified server");
});
