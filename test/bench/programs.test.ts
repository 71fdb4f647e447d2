import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../bench/fuzz/root.ts";

const PROGRAMS = [
  "callgrind",
  "compare-time",
  "fuzz/main",
  "growth",
  "main",
  "nitro-poll",
  "ping",
  "profile",
  "reading-time",
  "render",
  "scale",
  "soak",
  "visitors",
];

/** A program that took no notice would go on for minutes or hours. */
const PATIENCE_MS = 60_000;

test.each(PROGRAMS)(
  "bench program %s › answers --help and refuses an unknown option",
  (name) => {
    const file = join(repositoryRoot(), "dist", "bench", `${name}.js`);
    const run = (option: string) =>
      spawnSync(process.execPath, [file, option], { encoding: "utf8", timeout: PATIENCE_MS });
    expect(run("--help")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Usage: .*\n\n[A-Z][^]*\n {2}--help +print this\n$/) as string,
      stderr: "",
    });
    expect(run("--halp")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^Unknown option '--halp'\n.* --help lists the options\n$/,
      ) as string,
    });
  },
  2 * PATIENCE_MS,
);
