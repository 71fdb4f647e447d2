import type { MonitorSpec } from "./spec.ts";

/** For monitors that log in: why this one cannot, in words, or null when it can. */
export function needsCredential(spec: MonitorSpec): string | null {
  if (spec.credential !== null) {
    return null;
  }
  const how = `configure monitors.${spec.monitor.name} with username and password_file`;
  return spec.monitor.parameters.password === "encrypted"
    ? `the password is encrypted and only the ADC can read it: ${how}`
    : `this monitor logs in and has no credential here: ${how}`;
}
