import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { cleanEnvironment, startChild, type ChildEnding } from "../../src/net/child-process.ts";

/** Starts a shell script; gives its output, its ending, and a way to end it. */
function started(script: string) {
  let said = "";
  let tellLine: () => void = () => undefined;
  const spoke = new Promise<void>((resolve) => (tellLine = resolve));
  let tellEnd: (ending: ChildEnding) => void = () => undefined;
  const ended = new Promise<ChildEnding>((resolve) => (tellEnd = resolve));
  const end = startChild(
    ["/bin/sh", "-c", script],
    {},
    {
      stdout: (data) => {
        said += data.toString();
        tellLine();
      },
      stderr: () => undefined,
      ended: tellEnd,
    },
  );
  return { end, ended, spoke, said: () => said };
}

/** Whether a process still runs: a zombie does not. */
async function runs(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}

async function isGone(pid: string): Promise<void> {
  while (await runs(pid)) {
    await sleep(5);
  }
}

describe.runIf(process.platform === "linux")("startChild", () => {
  test("kills grandchildren as well when it is ended", async () => {
    const { end, ended, spoke, said } = started("sleep 600 & echo $!; wait");
    await spoke;
    end();
    expect(await ended).toEqual({ kind: "broken", why: "SIGKILL" });
    await isGone(said().trim());
  });

  test("kills what the program leaves behind when it exits", async () => {
    const { ended, said } = started("sleep 600 & echo $!; exit 3");
    expect(await ended).toEqual({ kind: "exit", code: 3 });
    await isGone(said().trim());
  });

  test("does not wait for outputs that a process outside the group keeps open", async () => {
    const { ended, said } = started(`
      told=$(mktemp)
      setsid sh -c 'echo $$ > "$1"; exec sleep 600' sh "$told" &
      while [ ! -s "$told" ]; do :; done
      cat "$told"; rm "$told"`);
    expect(await ended).toEqual({ kind: "exit", code: 0 });
    process.kill(Number(said().trim()), "SIGKILL");
  });

  test.each([
    ["a program that is missing", ["/nowhere/at-all"], "ENOENT"],
    ["an argument that holds a NUL", ["/bin/true", "a\0b"], "ERR_INVALID_ARG_VALUE"],
  ])("reports the reason when given %s", async (_name, command, why) => {
    const ending = await new Promise<ChildEnding>((resolve) => {
      const nothing = (): void => undefined;
      startChild(command, {}, { stdout: nothing, stderr: nothing, ended: resolve });
    });
    expect(ending).toEqual({ kind: "broken", why });
  });
});

test("cleanEnvironment › passes on only the path, language and time zone", () => {
  const all = { PATH: "/bin", LC_ALL: "C", TZ: "UTC", NITRO_PW: "s3cret", SystemRoot: "C:" };
  expect(cleanEnvironment(all, "linux")).toEqual({ PATH: "/bin", LC_ALL: "C", TZ: "UTC" });
  expect(cleanEnvironment(all, "win32")).toMatchObject({ SystemRoot: "C:" });
});
