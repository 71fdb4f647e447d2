import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readTextUpTo } from "../../src/lib/durable-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("readTextUpTo", () => {
  test("reads a file of exactly the limit, with characters that span chunks", async () => {
    const file = join(await temporaryFolder(), "a");
    const text = "ü".repeat(100_000);
    await writeFile(file, text);
    expect(await readTextUpTo(file, 200_000)).toBe(text);
  });

  test("rejects when the file is larger or endless", async () => {
    const file = join(await temporaryFolder(), "a");
    await writeFile(file, "a".repeat(101));
    await expect(readTextUpTo(file, 100)).rejects.toThrow("holds more than");
    await expect(readTextUpTo("/dev/zero", 1_048_576)).rejects.toThrow("holds more than 1 MiB");
  });

  test("rejects when the file is missing or a directory", async () => {
    const folder = await temporaryFolder();
    await expect(readTextUpTo(join(folder, "none"), 100)).rejects.toThrow("ENOENT");
    await expect(readTextUpTo(folder, 100)).rejects.toThrow("EISDIR");
  });

  test("reads a pipe", async () => {
    const pipe = join(await temporaryFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    const [text] = await Promise.all([readTextUpTo(pipe, 100), writeFile(pipe, "add server")]);
    expect(text).toBe("add server");
  });
});
