import { execFileSync } from "node:child_process";
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  readRegularFile,
  replaceFile,
  quarantineFile,
  tryWriting,
} from "../../src/lib/durable-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("replaceFile", () => {
  test("writes with mode 0600 and leaves no other file", async () => {
    const folder = await temporaryFolder();
    await replaceFile(join(folder, "state.json"), "one");
    await replaceFile(join(folder, "state.json"), "two");
    expect(await readFile(join(folder, "state.json"), "utf8")).toBe("two");
    expect((await stat(join(folder, "state.json"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["state.json"]);
  });

  test.each(["state.json", "state.json.new"])("never writes through a link at %s", async (name) => {
    const folder = await temporaryFolder();
    const victim = join(folder, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, join(folder, name));
    await replaceFile(join(folder, "state.json"), "ours");
    expect(await readFile(victim, "utf8")).toBe("precious");
    expect((await lstat(join(folder, "state.json"))).isFile()).toBe(true);
  });

  test("does not block when the temporary name is a pipe", async () => {
    const folder = await temporaryFolder();
    execFileSync("mkfifo", [join(folder, "state.json.new")]);
    await replaceFile(join(folder, "state.json"), "ours");
    expect(await readdir(folder)).toEqual(["state.json"]);
  });

  test("keeps the old content when the new one cannot be written", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "state.json"), "old");
    await mkdir(join(folder, "state.json.new"));
    await expect(replaceFile(join(folder, "state.json"), "new")).rejects.toThrow();
    expect(await readFile(join(folder, "state.json"), "utf8")).toBe("old");
  });
});

describe("readRegularFile", () => {
  test.each([
    ["a pipe", async (path: string) => void execFileSync("mkfifo", [path])],
    ["a directory", (path: string) => mkdir(path)],
    ["a link", (path: string) => symlink("/etc/hostname", path)],
    ["a file that is too large", (path: string) => writeFile(path, "12345")],
  ])("returns unfit for %s", async (_name, make) => {
    const path = join(await temporaryFolder(), "state.json");
    await make(path);
    expect(await readRegularFile(path, 4)).toMatchObject({ kind: "unfit" });
  });

  test("distinguishes a missing file from an unreachable one", async () => {
    const folder = await temporaryFolder();
    expect(await readRegularFile(join(folder, "state.json"), 4)).toEqual({ kind: "missing" });
    await writeFile(join(folder, "file"), "");
    expect(await readRegularFile(join(folder, "file", "state.json"), 4)).toEqual({
      kind: "failed",
      code: "ENOTDIR",
    });
  });
});

test("quarantineFile › gives each file a unique name", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "state.json");
  const asides: string[] = [];
  for (const text of ["one", "two"]) {
    await writeFile(path, text);
    asides.push(await quarantineFile(path, 0));
  }
  expect(await Promise.all(asides.map((aside) => readFile(aside, "utf8")))).toEqual(["one", "two"]);
});

test("tryWriting › leaves no file, and rejects when nothing can be written", async () => {
  const folder = await temporaryFolder();
  await tryWriting(folder, 4096);
  expect(await readdir(folder)).toEqual([]);
  await expect(tryWriting(join(folder, "missing"), 4096)).rejects.toThrow(/ENOENT/);
});
