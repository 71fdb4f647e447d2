import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { startWatchdog, watchdogMs } from "../../src/cli/run.ts";
import { debianProgram } from "../support/debian-program.ts";
import { until } from "../web/until.ts";

const notify = debianProgram("systemd-notify", "systemd");
const python = debianProgram("python3", "python3");
const SOCKET = { NOTIFY_SOCKET: "/run/notify" };

test.each([
  [{ ...SOCKET, WATCHDOG_USEC: "60000000" }, 60_000],
  [{ ...SOCKET, WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 60_000],
  [{ ...SOCKET, WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, null],
  [{ ...SOCKET, WATCHDOG_USEC: "0" }, null],
  [{ ...SOCKET, WATCHDOG_USEC: "soon" }, null],
  [{ ...SOCKET }, null],
  [{ WATCHDOG_USEC: "60000000" }, null],
])("watchdogMs › for %j is %s", (env, ms) => {
  expect(watchdogMs(env, 7)).toBe(ms);
});

/** In place of systemd's program: writes down how it was called, and with what environment. */
async function counted(script = "") {
  const folder = await mkdtemp(join(tmpdir(), "watchdog-"));
  const log = join(folder, "beats");
  await writeFile(log, "");
  const program = join(folder, "systemd-notify");
  await writeFile(
    program,
    `#!/bin/sh\necho "$@ $(env | sort | tr '\\n' ' ')" >> ${log}\n${script}`,
  );
  await chmod(program, 0o755);
  const beats = async (): Promise<readonly string[]> =>
    (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
  const env = {
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
    NITRO_PASSWORD: "hidden",
    NOTIFY_SOCKET: "/run/notify",
    WATCHDOG_USEC: "300000",
  };
  return { env, beats };
}

function start(
  env: Readonly<Record<string, string>>,
  idleMs: () => number,
  failed: (why: string) => void = () => undefined,
): void {
  const end = startWatchdog({ env, pid: process.pid, idleMs, failed });
  expect(end).not.toBeNull();
  onTestFinished(() => end?.());
}

describe("startWatchdog", () => {
  test("sends beats while the scheduler works, without our environment", async () => {
    const { env, beats } = await counted();
    start(env, () => 0);
    await until(async () => (await beats()).length >= 3);
    const [first = ""] = await beats();
    expect(first).toMatch(/^WATCHDOG=1 /);
    expect(first).toContain("NOTIFY_SOCKET=/run/notify");
    expect(first).not.toContain("hidden");
  });

  test("stops beating when the scheduler stalls and resumes when it works", async () => {
    const { env, beats } = await counted();
    let idleMs = 0;
    let asked = 0;
    start(env, () => {
      asked += 1;
      return idleMs;
    });
    await until(async () => (await beats()).length >= 2);
    idleMs = 150;
    const before = asked;
    await until(() => asked >= before + 2);
    const stalled = (await beats()).length;
    await until(() => asked >= before + 6);
    // One that was under way may still have been written down.
    expect((await beats()).length).toBeLessThanOrEqual(stalled + 1);
    idleMs = 0;
    await until(async () => (await beats()).length > stalled + 1);
  });

  test("reports once that no beat can be sent", async () => {
    const { env } = await counted("exit 1\n");
    const said: string[] = [];
    let asked = 0;
    start(
      env,
      () => {
        asked += 1;
        return 0;
      },
      (why) => said.push(why),
    );
    await until(() => said.length > 0 && asked > 5);
    expect(said).toEqual(["systemd-notify ended with 1"]);
  });

  test("does nothing when systemd asks for no watchdog", () => {
    const idleMs = (): number => 0;
    const failed = (): void => undefined;
    expect(startWatchdog({ env: {}, pid: 1, idleMs, failed })).toBeNull();
  });

  test.skipIf(notify === null || python === null)(
    "is received on a real notification socket",
    async () => {
      const socket = join(await mkdtemp(join(tmpdir(), "notify-")), "socket");
      const listener = spawn(python ?? "", [
        "-c",
        "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint('bound',flush=True)\nwhile True: print(s.recv(4096).decode().strip(),flush=True)",
        socket,
      ]);
      onTestFinished(() => void listener.kill());
      const heard: string[] = [];
      createInterface(listener.stdout).on("line", (line) => heard.push(line));
      await until(() => heard.includes("bound"));
      const env = {
        PATH: process.env["PATH"] ?? "",
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: "900000",
      };
      start(env, () => 0);
      await until(() => heard.filter((line) => line === "WATCHDOG=1").length >= 2);
    },
  );
});
