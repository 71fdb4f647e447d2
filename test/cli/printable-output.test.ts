import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { columns } from "../../src/cli/output.ts";
import { packageRoot } from "../../src/cli/package-info.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MAIN = join(packageRoot(), "dist", "src", "cli", "main.js");
/** A window title, a cleared line, colour by C0 and by C1, a text direction turned round, a row of its own. */
const EVIL = "\u001b]0;owned\u0007\u001b[2K\u001b[32mOK\u009b31m\u202egnp.exe\u2028x\\nfalse_row";
const STEERING = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
const NS_CONF = `#NS13.1 Build 49.13
add server "ex01${EVIL}" 127.0.0.1
add serviceGroup "sg${EVIL}" TCP
add lb monitor "m${EVIL}" TCP-ECV -send "x" -recv "y${EVIL}" -interval 5
bind serviceGroup "sg${EVIL}" "ex01${EVIL}" 9
bind serviceGroup "sg${EVIL}" -monitorName "m${EVIL}"
bind serviceGroup "sg${EVIL}" -monitorName "absent${EVIL}"
add lb vserver "v${EVIL}" TCP 127.0.0.1 9
bind lb vserver "v${EVIL}" "sg${EVIL}"
add bogus "thing${EVIL}"
`;

/** Everything the built command writes, on both streams. */
function outputOf(...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

describe("built command output", () => {
  it.each([
    ["plan", (file: string) => ["plan", "--ns-conf", file]],
    ["plan --json", (file: string) => ["plan", "--ns-conf", file, "--json"]],
    ["lint", (file: string) => ["lint", file]],
    ["lint --json", (file: string) => ["lint", file, "--json"]],
    ["an unknown option", () => ["plan", `--${EVIL}`]],
    ["a missing file", () => ["plan", "--ns-conf", EVIL.replaceAll("\0", "")]],
  ])("escapes control characters of %s", async (name, args) => {
    const file = join(await temporaryFolder(), "ns.conf");
    await writeFile(file, NS_CONF);
    const text = await outputOf(...args(file));
    expect(text).toContain("\\u001b");
    expect(text).not.toMatch(STEERING);
    expect(text).not.toMatch(/^false_row/m);
    if (name.endsWith("--json")) {
      expect(JSON.stringify(JSON.parse(text))).toContain("\u202e");
    }
  });

  it.each([
    ["compare", ["compare"]],
    ["probe", ["probe", "ex01:9", "--monitor", "m"]],
    ["plan", ["plan"]],
  ])("escapes control characters of NITRO's refusal in %s", async (_n, args) => {
    const nitro = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const message = `Invalid ${EVIL}\nfalse_row`;
      response.end(JSON.stringify({ errorcode: 354, message, severity: "ERROR" }));
    });
    await new Promise<void>((resolve) => {
      nitro.listen(0, "127.0.0.1", resolve);
    });
    onTestFinished(() => {
      nitro.close();
    });
    const folder = await temporaryFolder();
    const config = join(folder, "c.yml");
    const { port } = nitro.address() as AddressInfo;
    const url = `http://127.0.0.1:${String(port)}`;
    const account = { urls: [url], username: "u", password_file: "secret" };
    await writeFile(join(folder, "secret"), "x");
    await writeFile(
      config,
      JSON.stringify({ state_dir: "state", adcs: [{ name: "a", nitro: account }] }),
    );
    const text = await outputOf(...args, "--config", config);
    expect(text).toContain("\\u001b");
    expect(text).not.toMatch(STEERING);
    expect(text).not.toMatch(/^false_row/m);
  });
});

describe("columns", () => {
  it("keeps each row on one line when cells hold line ends", () => {
    expect(columns([["a\nb", "c\rd"]])).toBe("a\\u000ab  c\\u000dd");
  });
});
