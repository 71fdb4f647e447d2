import { converse } from "./conversation.ts";
import { match, type MonitorResult, type MonitorTask } from "./result.ts";

/** TCP, tcp-default and tcps: the handshake (with `-secure YES` that of TLS too) is all it asks for. */
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
