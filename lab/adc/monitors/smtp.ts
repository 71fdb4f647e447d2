import { converse, type Conversation } from "./conversation.ts";
import { match, mismatch, type MonitorResult, type MonitorTask } from "./result.ts";

/** SMTP (nssmtp.pl): 220, HELO, 250, QUIT. Never as far as MAIL FROM, which is what makes it blind. */
export async function runSmtp(task: MonitorTask): Promise<MonitorResult> {
  return converse(task, async (conversation) => {
    if (!(await reply(conversation))?.startsWith("220")) {
      return mismatch("Failure - Probe failed.");
    }
    conversation.send("HELO netscaler\r\n");
    if (!(await reply(conversation))?.startsWith("250")) {
      return mismatch("Failure - Probe failed.");
    }
    conversation.send("QUIT\r\n");
    await reply(conversation);
    return match("Success - Probe succeeded.");
  });
}

/** The last line of a reply, past its `250-` lines. */
async function reply({ source, within }: Conversation): Promise<string | null> {
  for (;;) {
    const line = await within(source.until("\n", 4096));
    if (line === null) {
      return null;
    }
    const text = line.toString("latin1");
    if (text[3] !== "-") {
      return text;
    }
  }
}
