import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second towards programs, whatever its own tick (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

/** CPU time a process has used so far, its own and the kernel's for it, in milliseconds. Linux only. */
export function cpuMsOf(pid: number): number {
  return cpuMsIn(`/proc/${String(pid)}/stat`);
}

/** The same of its main thread alone: what worker threads and garbage collection beside it used is not counted. */
export function mainThreadCpuMsOf(pid: number): number {
  return cpuMsIn(`/proc/${String(pid)}/task/${String(pid)}/stat`);
}

function cpuMsIn(file: string): number {
  const stat = readFileSync(file, "latin1");
  // The second field is the name in parentheses and may hold blanks: count from behind it.
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
