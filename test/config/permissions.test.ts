import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What is said of permissions where the token's file and the state directory have these modes. */
async function told(tokenMode: number, stateMode: number | null): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "ns.conf"), "");
  await writeFile(join(folder, "token"), "t0ken");
  await chmod(join(folder, "token"), tokenMode);
  if (stateMode !== null) {
    await mkdir(join(folder, "state"));
    await chmod(join(folder, "state"), stateMode);
  }
  const file = join(folder, "agent.yml");
  const adcs = [{ name: "prod", ns_conf: "ns.conf" }];
  await writeFile(file, JSON.stringify({ adcs, maintenance: { token_file: "token" } }));
  const read = await loadConfig(file, {});
  if (read.kind === "invalid") {
    throw new Error(JSON.stringify(read.problems));
  }
  return read.openToOthers.map(({ path, message }) => `${path}: ${message}`);
}

test.runIf(process.platform !== "win32")(
  "loadConfig › gives no warning when secrets and state are closed or do not exist yet",
  async () => {
    expect(await told(0o600, 0o700)).toEqual([]);
    expect(await told(0o640, 0o770)).toEqual([]);
    expect(await told(0o400, null)).toEqual([]);
  },
);

test.runIf(process.platform !== "win32").each([
  [0o644, 0o755, /^maintenance\.token_file: .*can read: .*token has mode 0644 .*chmod o-rwx/],
  [0o602, 0o755, /^maintenance\.token_file: .*can change: .*token has mode 0602/],
  [0o600, 0o777, /^state_dir: .*can write to: .*state has mode 0777 .*chmod o-w/],
  [0o600, 0o1777, /^state_dir: .*mode 1777/],
])(
  "loadConfig › warns of a token with mode %o in state with mode %o",
  async (token, state, words) => {
    expect(await told(token, state)).toEqual([expect.stringMatching(words)]);
  },
);
