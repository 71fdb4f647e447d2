import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandAnswer } from "../support/command-answer.ts";
import { runPlan } from "../../src/cli/plan.ts";
import { runCheckConfig } from "../../src/cli/check-config.ts";
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

test("readConfig › prints warnings in check-config and not in other commands", async () => {
  const file = await aConfigWithAWarning();
  let err = "";
  const output = { out: () => undefined, err: (text: string) => (err += text) };
  await runCheckConfig({ file, json: false }, output);
  expect(err).toMatch(/^warning: .*transactions\.run\.0\.every/m);
  err = "";
  const filter = { server: null, adcService: null, vserver: null, monitor: null };
  await runPlan({ nsConf: null, config: file, json: false, filter }, output);
  expect(err).not.toMatch(/^warning: /m);
});

test("checkConfig › prints as JSON each problem with its place, and a valid file's ADCs and accounts", async () => {
  const file = await aConfigWithAWarning();
  const checked = async (): Promise<readonly [number, Readonly<Record<string, unknown>>]> => {
    let out = "";
    const output = { out: (text: string) => (out += text), err: () => undefined };
    const status = await runCheckConfig({ file, json: true }, output);
    return [status, commandAnswer("check-config", out)];
  };
  // No server of the ns.conf speaks IMAP.
  expect(await checked()).toMatchObject([
    1,
    {
      error: expect.stringContaining("matches no member") as string,
      adcs: [],
      accounts: [],
      problems: [
        { severity: "error", file, line: 1, path: "transactions.run.0" },
        { severity: "warning", file, line: 1, path: "transactions.run.0.every" },
      ],
    },
  ]);
  const { transactions, ...rest } = JSON.parse(await readFile(file, "utf8")) as {
    transactions: { accounts: unknown };
  };
  const { accounts } = transactions;
  await writeFile(file, JSON.stringify({ ...rest, transactions: { accounts } }));
  expect(await checked()).toMatchObject([
    0,
    { error: null, adcs: ["prod"], accounts: [{ name: "probe" }], problems: [] },
  ]);
});
