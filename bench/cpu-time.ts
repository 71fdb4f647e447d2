import { readFileSync } from "node:fs";

/**
 * Linux reports CPU time to programs in hundredths of a second, whatever its own tick (proc(5), sysconf(_SC_CLK_TCK)).
 */
const TICK_MS = 10;

/** CPU time a process has used so far, its own and the kernel's for it, in milliseconds. Linux only. */
export function cpuMsOf(pid: number): number {
  return cpuMsIn(`/proc/${String(pid)}/stat`);
}

/** Like `cpuMsOf`, for the main thread only: worker threads and concurrent garbage collection are not counted. */
export function mainThreadCpuMsOf(pid: number): number {
  return cpuMsIn(`/proc/${String(pid)}/task/${String(pid)}/stat`);
}

function cpuMsIn(file: string): number {
  const stat = readFileSync(file, "latin1");
  // The second field is the name in parentheses and may contain spaces: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process in MB, and its largest so far. Linux only. */
export function memoryMbOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${String(pid)}/status`, "latin1");
  const kb = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { now: kb("VmRSS") / 1024, peak: kb("VmHWM") / 1024 };
}
