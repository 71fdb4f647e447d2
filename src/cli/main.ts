#!/usr/bin/env node
// A service manager may send SIGHUP as soon as the process exists; it must not end the process.
if (process.argv[2] === "run") {
  process.on("SIGHUP", () => undefined);
}
let failedStatus = 1;
let broken = false;
// An uncaught exception would exit with 1, which monitoring systems treat as a warning.
process.on("uncaughtExceptionMonitor", () => {
  broken = true;
});
process.on("exit", () => {
  if (broken) {
    process.exitCode = failedStatus;
  }
});
// No top-level await, which a single-executable build does not support.
void main();

/** Modules are loaded after the signal handlers are set, because loading takes most of the start time. */
async function main(): Promise<void> {
  const [{ processOutput }, { failureStatus, program }] = await Promise.all([
    import("./output.ts"),
    import("./program.ts"),
  ]);
  failedStatus = failureStatus(process.argv);
  const output = processOutput(failedStatus);
  try {
    await program(output).parseAsync();
  } catch (error) {
    // Print it here, since a command with its own uncaughtException handler would exit silently.
    output.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = failedStatus;
  }
}
