import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Instructions that a process executes in user space within this many seconds: unlike time, they do not depend on other
 * load on the machine. Null if `perf` is missing, or the kernel or the machine below it does not count them.
 */
export async function countInstructions(pid: number, seconds: number): Promise<number | null> {
  const counted = ["stat", "-x", ",", "-e", "instructions:u", "-p", String(pid)];
  try {
    const { stderr } = await run("perf", [...counted, "--", "sleep", String(seconds)]);
    const count = Number(stderr.split(",", 1)[0]);
    return count > 0 ? count : null;
  } catch {
    return null;
  }
}
