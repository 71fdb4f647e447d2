import { expect, test } from "vitest";
import { parseWebConfig } from "../../../src/web/web-config/load.ts";

const PATH = import.meta.filename;

test.each([
  ["an open bracket", 'basic_auth_users: {\n  anna: ["canary"\n', /:3:1: not valid YAML: /],
  ["a user twice", "basic_auth_users:\n  anna: canary\n  anna: canary\n", /:3:3: the same key/],
  ["thousands of errors in a line", `canary: {}${"}".repeat(50_000)}`, /:1:11: not valid YAML: /],
  ["more levels than anyone writes", "[".repeat(50_000), /:1:65: .*: nested too deeply/],
  ["what is no bcrypt hash", "basic_auth_users: { anna: canary }\n", /expected a bcrypt hash/],
])("tells where it is wrong, not what stands there: %s", async (_, text, said) => {
  const loaded = await parseWebConfig(text, PATH);
  expect(loaded).toMatchObject({ kind: "failed" });
  const message = loaded.kind === "failed" ? loaded.message : "";
  expect(message).toMatch(said);
  expect(message.startsWith(`${PATH}:`)).toBe(true);
  expect(message).not.toContain("canary");
});
