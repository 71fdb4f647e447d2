import { match, timedOut, type MonitorResult, type MonitorTask } from "./result.ts";

/** PING: on loopback there is no network to probe, so the lab responds for the host: powered on or not. */
export function runPing(task: MonitorTask): Promise<MonitorResult> {
  return Promise.resolve(
    task.answersPing
      ? match("Success - ICMP echo reply received.")
      : timedOut("Failure - Probe timed out."),
  );
}
