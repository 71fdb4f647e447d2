import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { ROOT } from "../docs/pages.ts";
import { missing } from "../support/real-servers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
// Packages are installed from the registry, and each plays the demo.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
const CONF = join(ROOT, "lab", "demo.conf");
const NOTHING = { PATH: "/nowhere" };

/** A program that plays the demo, finds what is to be found in its ns.conf, and says its version. */
async function works(program: string, ...before: readonly string[]): Promise<void> {
  const cwd = await temporaryFolder();
  const ask = async (...args: readonly string[]) =>
    (await run(program, [...before, ...args], { cwd, env: NOTHING })).stdout;
  expect(await ask("--version")).toMatch(/^adc-witness \S+ \(revision /);
  // Findings are exit status 1.
  await expect(ask("lint", CONF)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining("wildcard_port") as string,
  });
  expect(await ask("demo", "--scenario", "healthy", "--exit-after", "25s")).toMatch(
    /All \d+ rows agree/,
  );
}

describe("the npm package", () => {
  test("holds no key, test, bench or map, and is under 1.2 MB", async () => {
    const pack = ["pack", "--dry-run", "--ignore-scripts", "--json"];
    const { stdout } = await run("npm", pack, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
    const [packed] = JSON.parse(stdout) as [{ size: number; files: { path: string }[] }];
    const unwanted =
      /\.(pem|map|d\.ts|test\.\w+)$|^(test|bench|build|src)\/|^dist\/(?!src|lab|rev|lint-page)/;
    expect(packed.files.map(({ path }) => path).filter((path) => unwanted.test(path))).toEqual([]);
    expect(packed.files.length).toBeGreaterThan(300);
    expect(packed.size).toBeLessThan(1_200_000);
  });

  test.each([20, 22, 24])("works in an empty folder on Node.js %i", async (major) => {
    const folder = await temporaryFolder();
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
    const tarball = (await run("npm", pack, { cwd: ROOT })).stdout.trim();
    await writeFile(join(folder, "package.json"), "{}");
    const install = ["install", "--silent", "--no-audit", `./${tarball}`, `node@${String(major)}`];
    await run("npm", install, { cwd: folder });
    const at = (path: string): string => join(folder, "node_modules", path);
    await works(at("node/bin/node"), at("adc-witness/dist/src/cli/main.js"));
  });
});

describe("the single executable", () => {
  beforeAll(() => run(process.execPath, [join(ROOT, "build", "executable.js")]));

  test("works alone in a folder, without Node.js on the path", async () => {
    const file = join(await temporaryFolder(), "adc-witness");
    await copyFile(join(ROOT, "dist-executable", "adc-witness"), file);
    await works(file);
  });
});

describe("the Debian package", () => {
  beforeAll(() => run(process.execPath, [join(ROOT, "build", "deb.js")]));

  test.skipIf(missing("lintian", "lintian") !== null)(
    "lintian has nothing against it",
    async () => {
      const out = join(ROOT, "dist-deb");
      const files = (await readdir(out)).filter((name) => name.endsWith(".deb"));
      expect(files).toHaveLength(1);
      for (const file of files) {
        await run("lintian", ["--allow-root", "--fail-on", "error,warning", join(out, file)]);
      }
    },
  );

  test("is installed, works, is upgraded and purged, in a root of its own", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, "var/lib/dpkg/info"), { recursive: true });
    await mkdir(join(root, "var/lib/dpkg/updates"));
    await writeFile(join(root, "var/lib/dpkg/status"), "");
    const out = join(ROOT, "dist-deb");
    const [file = ""] = (await readdir(out)).filter((name) => name.endsWith(".deb"));
    expect((await stat(join(out, file))).size).toBeLessThan(2_000_000);
    const where = [`--root=${root}`, "--force-depends", "--force-script-chrootless"];
    await run("dpkg", [...where, "--install", join(out, file)]);
    await works(process.execPath, join(root, "usr/lib/adc-witness/adc-witness.cjs"));
    const config = join(root, "etc/adc-witness/adc-witness.yml");
    await writeFile(config, "agent: mine\n");
    await run("dpkg", [...where, "--install", join(out, file)]);
    expect((await stat(config)).size).toBe("agent: mine\n".length);
    await run("dpkg", [...where, "--purge", "adc-witness"]);
    await expect(stat(config)).rejects.toThrow("ENOENT");
    await expect(stat(join(root, "usr/lib/adc-witness"))).rejects.toThrow("ENOENT");
  });
});
