#!/usr/bin/env node
// A service manager may ask for a reload as soon as this process is there: it has nothing to reload yet, and must not end.
if (process.argv[2] === "run") {
  process.on("SIGHUP", () => undefined);
}
let failedStatus = 1;
let broken = false;
// A mistake that nothing catches would end with 1, which a monitoring system takes for a warning.
process.on("uncaughtExceptionMonitor", () => {
  broken = true;
});
process.on("exit", () => {
  if (broken) {
    process.exitCode = failedStatus;
  }
});
// No top-level await, which a bundle for a single executable could not have.
void main();

/** The modules are loaded once signals are listened to: that takes longer than all else of a start. */
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
    // A command that listens for uncaught exceptions itself would end without a word.
    output.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = failedStatus;
  }
}
