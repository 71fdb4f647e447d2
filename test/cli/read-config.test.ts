import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runPlan } from "../../src/cli/plan.ts";
import { runCheckConfig } from "../../src/cli/read-config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function aConfigWithAWarning(): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "ns.conf"), "add server ex01 198.51.100.11\n");
  const file = join(folder, "adc-witness.yml");
  await writeFile(join(folder, "password"), "secret\n", { mode: 0o600 });
  const account = { name: "probe", username: "EX\\probe", address: "p@example.com" };
  const run = [{ transaction: "imap_login", account: "probe", every: "15s" }];
  await writeFile(
    file,
    JSON.stringify({
      adcs: [{ name: "prod", ns_conf: "ns.conf" }],
      transactions: { accounts: [{ ...account, password_file: "password" }], run },
    }),
  );
  return file;
}

test("readConfig › prints warnings when the configuration is checked, and not when a command only asks", async () => {
  const file = await aConfigWithAWarning();
  let err = "";
  const output = { out: () => undefined, err: (text: string) => (err += text) };
  await runCheckConfig(file, output);
  expect(err).toMatch(/^warning: .*transactions\.run\.0\.every/m);
  err = "";
  const filter = { server: null, adcService: null, vserver: null, monitor: null };
  await runPlan({ nsConf: null, config: file, json: false, filter }, output);
  expect(err).not.toMatch(/^warning: /m);
});
