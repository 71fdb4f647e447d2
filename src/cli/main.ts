#!/usr/bin/env node
import { processOutput } from "./output.ts";
import { failureStatus, program } from "./program.ts";

const failedStatus = failureStatus(process.argv);
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
void program(processOutput(failedStatus)).parseAsync();
