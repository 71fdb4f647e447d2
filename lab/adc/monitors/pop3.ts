import { converse, type Conversation } from "./conversation.ts";
import { match, mismatch, type MonitorResult, type MonitorTask } from "./result.ts";

/** POP3 (nspop3.pl): logs in with the monitor's own account and leaves. */
export async function runPop3(task: MonitorTask): Promise<MonitorResult> {
  const username = task.monitor.parameters.userName ?? "";
  return converse(task, async (conversation) => {
    const commands = [`USER ${username}\r\n`, `PASS ${task.password ?? ""}\r\n`];
    if (!(await positive(conversation))) {
      return mismatch("Failure - Probe failed.");
    }
    for (const command of commands) {
      conversation.send(command);
      if (!(await positive(conversation))) {
        return mismatch("Failure - Probe failed.");
      }
    }
    conversation.send("QUIT\r\n");
    await positive(conversation);
    return match("Success - Probe succeeded.");
  });
}

async function positive({ source, within }: Conversation): Promise<boolean> {
  const line = await within(source.until("\n", 4096));
  return line?.toString("latin1").startsWith("+OK") ?? false;
}
