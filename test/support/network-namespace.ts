import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const UNSHARE = ["--user", "--map-root-user", "--net"];

/** A network of a test's own, without any way out; programs run inside it by wrappers. */
export interface NetworkNamespace {
  /** Holds a wrapper of each program: put it first in PATH. */
  readonly programs: string;
  /** Process ids of a program's starts so far. A wrapper keeps its id when it becomes the program. */
  starts(program: string): number[];
  /** Runs a command inside; throws when it fails. */
  run(command: readonly string[]): string;
  close(): Promise<void>;
}

/** Whether this user may make one; if not a suite is skipped on a developer's machine, and fails where CI is set. */
export function noNamespaces(): string | null {
  try {
    execFileSync("unshare", [...UNSHARE, "ip", "link", "set", "lo", "up"], { stdio: "ignore" });
    return null;
  } catch (error) {
    const words = `network namespaces cannot be made (iproute2, user namespaces): ${String(error)}`;
    if (process.env["CI"] !== undefined && process.env["CI"] !== "") {
      throw new Error(words, { cause: error });
    }
    return words;
  }
}

/** Makes one with loopback up and a wrapper for each command, by the name that it goes by. */
export async function networkNamespace(
  commands: Readonly<Record<string, readonly string[]>>,
): Promise<NetworkNamespace> {
  const directory = mkdtempSync(join(tmpdir(), "adc-witness-netns-"));
  const holder = spawn("unshare", [...UNSHARE, "sh", "-c", "ip link set lo up && echo up && cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  const entered = [
    "nsenter",
    ...["--target", String(holder.pid), "--user", "--preserve-credentials", "--net"],
  ];
  for (const [name, command] of Object.entries(commands)) {
    const line = [...entered, ...command].join(" ");
    const wrapper = join(directory, name);
    writeFileSync(wrapper, `#!/bin/sh\necho $$ >> ${wrapper}.starts\nexec ${line} "$@"\n`);
    writeFileSync(`${wrapper}.starts`, "");
    chmodSync(wrapper, 0o755);
  }
  return {
    programs: directory,
    starts: (program) =>
      readFileSync(join(directory, `${program}.starts`), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map(Number),
    run: (command) => {
      const [program = "", ...rest] = [...entered, ...command];
      return execFileSync(program, rest, { encoding: "utf8" });
    },
    close: async () => {
      const gone = once(holder, "exit");
      holder.stdin.end();
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
