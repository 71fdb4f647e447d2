import { converse } from "./conversation.ts";
import { match, mismatch, type MonitorResult, type MonitorTask } from "./result.ts";

/** NetScaler looks for the pattern in 16 TCP segments of an answer; 16 full segments are this many bytes. */
const WINDOW_BYTES = 16 * 1460;

/** TCP-ECV: sends exactly `-send`, and expects `-recv` anywhere in the response, including the banner. */
export async function runTcpEcv(task: MonitorTask): Promise<MonitorResult> {
  const { send, recv, trofsString } = task.monitor.parameters;
  return converse(task, async ({ send: write, source, within }) => {
    if (send !== null && send !== "") {
      write(send);
    }
    if (recv === null || recv === "") {
      return match("Success - TCP connection established.");
    }
    let seen = "";
    while (seen.length < WINDOW_BYTES) {
      const chunk = await within(source.some());
      if (chunk === null) {
        break;
      }
      seen += chunk.toString("latin1");
      if (trofsString !== null && seen.includes(trofsString)) {
        return match("Success - TROFS pattern found in response.", true);
      }
      if (seen.includes(recv)) {
        return match("Success - Pattern found in response.");
      }
    }
    return mismatch("Failure - Pattern not found in response");
  });
}
