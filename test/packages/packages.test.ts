import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ROOT } from "../docs/pages.ts";
import { until } from "../support/lab-agent.ts";
import { missing } from "../support/real-servers.ts";

const run = promisify(execFile);
// Packages are installed from the registry, and each plays the demo, all at the same time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
const CONF = join(ROOT, "lab", "demo.conf");
const NOTHING = { PATH: "/nowhere" };
const AGREE_WITHIN_MS = 200_000;

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adc-witness-package-"));
  folders.push(folder);
  return folder;
}

/** A program that plans, plays the demo, finds what is to be found in its ns.conf, and says its version. */
async function works(program: string, ...before: readonly string[]): Promise<void> {
  const cwd = await newFolder();
  const ask = async (...args: readonly string[]) =>
    (await run(program, [...before, ...args], { cwd, env: NOTHING })).stdout;
  expect(await ask("--version")).toMatch(/^adc-witness \S+ \(revision /);
  const plan = JSON.parse(await ask("plan", "--ns-conf", CONF, "--json")) as object;
  expect(Object.keys(plan)).not.toEqual([]);
  // Findings are exit status 1.
  await expect(ask("lint", CONF)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining("wildcard_port") as string,
  });
  const demo = spawn(program, [...before, "demo", "--scenario", "healthy", "--port", "0"], {
    cwd,
    env: NOTHING,
  });
  const closed = once(demo, "close");
  let out = "";
  demo.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  demo.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
  try {
    await until(
      "all agree",
      () => ({ out, ended: demo.exitCode !== null }),
      (seen) => seen.ended || /All \d+ rows agree/.test(seen.out),
      AGREE_WITHIN_MS,
    );
  } finally {
    demo.kill("SIGTERM");
  }
  expect([await closed, out]).toEqual([[0, null], expect.stringMatching(/All \d+ rows agree/)]);
}

describe.concurrent("npm package", () => {
  interface Packed {
    readonly filename: string;
    readonly size: number;
    readonly files: readonly { readonly path: string }[];
  }
  let packed: Packed = { filename: "", size: 0, files: [] };
  let at = "";
  beforeAll(async () => {
    at = await newFolder();
    const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", at];
    const { stdout } = await run("npm", pack, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
    [packed] = JSON.parse(stdout) as [Packed];
  });

  test("holds no keys, tests, benches or maps and is under 1.2 MB", () => {
    const unwanted =
      /\.(pem|map|d\.ts|test\.\w+)$|^(test|bench|build|src)\/|^dist\/(?!src|lab|rev|lint-page)/;
    expect(packed.files.map(({ path }) => path).filter((path) => unwanted.test(path))).toEqual([]);
    expect(packed.files.length).toBeGreaterThan(300);
    expect(packed.size).toBeLessThan(1_200_000);
  });

  test.each([20, 22, 24])("works in an empty folder on Node.js %i", async (major) => {
    const folder = await newFolder();
    await writeFile(join(folder, "package.json"), "{}");
    // The package `node` fetches its program by a script: also under `npm test --ignore-scripts`.
    const install = ["install", "--silent", "--no-audit", "--ignore-scripts=false"];
    await run("npm", [...install, join(at, packed.filename), `node@${String(major)}`], {
      cwd: folder,
    });
    const modules = join(folder, "node_modules");
    await works(join(modules, "node/bin/node"), join(modules, "adc-witness/dist/src/cli/main.js"));
  });
});

describe.concurrent("single executable", () => {
  beforeAll(() => run(process.execPath, [join(ROOT, "build", "executable.js")]));

  test("works alone without Node.js on the path", async () => {
    const file = join(await newFolder(), "adc-witness");
    await copyFile(join(ROOT, "dist-executable", "adc-witness"), file);
    await works(file);
  });
});

describe.concurrent("Debian package", () => {
  const out = join(ROOT, "dist-deb");
  let file = "";
  beforeAll(async () => {
    await run(process.execPath, [join(ROOT, "build", "deb.js")]);
    const files = (await readdir(out)).filter((name) => name.endsWith(".deb"));
    expect(files).toHaveLength(1);
    file = join(out, files[0] ?? "");
  });

  test.skipIf(missing("lintian", "lintian") !== null)(
    "passes lintian without errors or warnings",
    async () => {
      await run("lintian", ["--allow-root", "--fail-on", "error,warning", file]);
    },
  );

  test("installs, works, upgrades and purges in a separate root", async () => {
    const root = await newFolder();
    await mkdir(join(root, "var/lib/dpkg/info"), { recursive: true });
    await mkdir(join(root, "var/lib/dpkg/updates"));
    await writeFile(join(root, "var/lib/dpkg/status"), "");
    expect((await stat(file)).size).toBeLessThan(2_000_000);
    const where = [`--root=${root}`, "--force-depends", "--force-script-chrootless"];
    await run("dpkg", [...where, "--install", file]);
    await works(process.execPath, join(root, "usr/lib/adc-witness/adc-witness.cjs"));
    const config = join(root, "etc/adc-witness/adc-witness.yml");
    await writeFile(config, "agent: mine\n");
    await run("dpkg", [...where, "--install", file]);
    expect((await stat(config)).size).toBe("agent: mine\n".length);
    await run("dpkg", [...where, "--purge", "adc-witness"]);
    await expect(stat(config)).rejects.toThrow("ENOENT");
    await expect(stat(join(root, "usr/lib/adc-witness"))).rejects.toThrow("ENOENT");
  });
});
