import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  currentVersionStamp,
  loadWebConfig,
  parseWebConfig,
} from "../../../src/web/web-config/load.ts";
import { rawWarnings } from "../../support/raw-warnings.ts";

async function written(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adc-witness-web-config-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "web-config.yml");
  await writeFile(path, text);
  return path;
}

test("web config › sets neither TLS nor users when the file is empty", async () => {
  expect(await loadWebConfig(await written(""))).toMatchObject({
    kind: "loaded",
    config: { tls: null, users: null },
  });
});

test.each([
  ["a key that is a mapping", "basic_auth_users:\n  {hunter2: a}: b\n", "2:3"],
  ["an unknown tag", "basic_auth_users:\n  jo: !vault hunter2\n", "2:7"],
  ["broken YAML", "tls_server_config:\n  key: 'hunter2\n", "3:1"],
])("web config › names the place of %s without quoting it", async (_name, text, place) => {
  const path = await written(text);
  const { value, warnings } = await rawWarnings(async () => ({
    loaded: await loadWebConfig(path),
    fingerprint: await currentVersionStamp(path),
  }));
  expect(value.loaded).toMatchObject({
    kind: "failed",
    message: expect.stringContaining(`${path}:${place}: `) as string,
  });
  expect(JSON.stringify(value)).not.toContain("hunter2");
  expect(value.fingerprint).toContain(path);
  expect(warnings).toEqual([]);
});

const PATH = import.meta.filename;

test.each([
  ["an open bracket", 'basic_auth_users: {\n  anna: ["canary"\n', /:3:1: not valid YAML: /],
  ["a user twice", "basic_auth_users:\n  anna: canary\n  anna: canary\n", /:3:3: duplicate key/],
  ["thousands of errors in a line", `canary: {}${"}".repeat(50_000)}`, /:1:11: not valid YAML: /],
  ["too deep nesting", "[".repeat(50_000), /:1:65: .*: nested too deeply/],
  ["a hash that is not bcrypt", "basic_auth_users: { anna: canary }\n", /expected a bcrypt hash/],
])("web config › says where it is wrong without quoting it: %s", async (_, text, said) => {
  const loaded = await parseWebConfig(text, PATH);
  expect(loaded).toMatchObject({ kind: "failed" });
  const message = loaded.kind === "failed" ? loaded.message : "";
  expect(message).toMatch(said);
  expect(message.startsWith(`${PATH}:`)).toBe(true);
  expect(message).not.toContain("canary");
});
