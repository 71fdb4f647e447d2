import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { expect, onTestFinished, test } from "vitest";
import { startNitroServer } from "../../lab/nitro/server.ts";
import { runCompare } from "../../src/cli/compare.ts";
import { runPlan } from "../../src/cli/plan.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { ESTATE } from "../adc/nitro/pair-of-nodes.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";

/** A configuration of an appliance that refuses `resource`, with its one member on loopback. */
async function refusing(resource: string, code: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-gaps-"));
  const nitro = await startNitroServer(steadyBackend(ESTATE), {
    ...CREDENTIALS,
    faults: ({ query }) => (query.resource === resource ? { kind: "error", code } : null),
  });
  const imap = createServer((socket) => {
    socket.on("error", () => undefined).end("* OK ready\r\n");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => imap.once("listening", resolve));
  onTestFinished(async () => {
    imap.close();
    await nitro.close();
    await rm(directory, { recursive: true });
  });
  const { port } = imap.address() as AddressInfo;
  const { host } = new URL(nitro.url);
  const file = join(directory, "adc-witness.yml");
  const { username, password } = CREDENTIALS;
  await writeFile(join(directory, "password"), password, { mode: 0o600 });
  const account = { username, password_file: join(directory, "password") };
  await writeFile(
    file,
    stringify({
      agent: "test",
      state_dir: directory,
      unmapped: "refuse",
      connect_to: {
        [host]: host,
        "192.0.2.11:143": `127.0.0.1:${String(port)}`,
        "192.0.2.1:143": `127.0.0.1:${String(port)}`,
      },
      adcs: [{ name: "prod", nitro: { urls: [nitro.url], ...account } }],
    }),
  );
  return file;
}

/** Resources that hide a kind of vserver, and one that does not. */
const CASES = [
  ["gslbsite", 2138, 3, "GSLB, and whether its sites exchange metrics \\(MEP\\)"],
  ["csvserver", 2138, 3, "content switching vservers"],
  ["sslcertkey", 4_242, 0, "certificates and when they expire"],
] as const;

test.each(CASES)(
  "NITRO gap of %s (%i) › is a line of plan and compare, and compare exits with %i",
  async (resource, code, status, unwatched) => {
    const config = await refusing(resource, code);
    let out = "";
    const output = { out: (text: string) => (out += text), err: (text: string) => (out += text) };
    const line = new RegExp(
      `prod: 127\\.0\\.0\\.1:\\d+ does not return ${resource} \\(.*code ${String(code)}\\)\\. Not watched: ${unwatched}\\.`,
    );
    expect([await runPlan({ nsConf: null, config, json: false }, output), out]).toEqual([
      0,
      expect.any(String),
    ]);
    expect(out).toMatch(line);
    out = "";
    const compared = await runCompare(
      {
        config,
        server: null,
        waitMs: 0,
        timeoutMs: 20_000,
        strict: false,
        json: false,
      },
      output,
    );
    expect([compared, out]).toEqual([status, expect.stringMatching(line)]);
  },
);
