import { converse } from "./conversation.ts";
import { match, type MonitorResult, type MonitorTask } from "./result.ts";

/** TCP, tcp-default and tcps: only the handshake counts (with `-secure YES` also that of TLS). */
export async function runTcp(task: MonitorTask): Promise<MonitorResult> {
  return converse(task, ({ socket }) => {
    socket.end();
    return Promise.resolve(
      match(
        task.tls === null
          ? "Success - TCP syn+ack received."
          : "Success - SSL handshake completed.",
      ),
    );
  });
}
