import {
  match,
  mismatch,
  refused,
  timedOut,
  type MonitorResult,
  type MonitorTask,
} from "./result.ts";
import { askByDatagram } from "./udp.ts";

/** UDP-ECV: with `-recv` the response must contain it; without, only "port unreachable" is a failure. */
export async function runUdpEcv(task: MonitorTask): Promise<MonitorResult> {
  const { send, recv } = task.monitor.parameters;
  const answer = await askByDatagram(
    task.endpoint,
    Buffer.from(send ?? "", "latin1"),
    task.timeoutMs,
  );
  if (answer.kind === "unreachable") {
    return refused("Failure - ICMP port unreachable received.");
  }
  if (recv === null || recv === "") {
    return match("Success - Probe succeeded.");
  }
  if (answer.kind === "silence") {
    return timedOut("Failure - Response timed out");
  }
  return answer.bytes.toString("latin1").includes(recv)
    ? match("Success - Pattern found in response.")
    : mismatch("Failure - Pattern not found in response");
}
