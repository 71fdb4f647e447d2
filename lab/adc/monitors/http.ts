import { MessageBody, readResponseHead, type ResponseHead } from "../http/message.ts";
import { type Conversation, converse } from "./conversation.ts";
import { match, mismatch, NO_RESPONSE, type MonitorResult, type MonitorTask } from "./result.ts";

/** HTTP-ECV checks the first 24 KB of a body (Citrix support: HTTP-ECV monitors). */
const BODY_WINDOW_BYTES = 24 * 1024;

/** HTTP and HTTP-INLINE: the status must be among `-respCode` (200); the body is ignored. */
export async function runHttp(task: MonitorTask): Promise<MonitorResult> {
  const { httpRequest, respCodes, trofsCode } = task.monitor.parameters;
  return converse(task, async (conversation) => {
    const head = await ask(conversation, httpRequest ?? "HEAD /", task);
    if (head === null) {
      return mismatch(NO_RESPONSE);
    }
    const { status } = head;
    if (trofsCode !== null && trofsCode !== 0 && status === trofsCode) {
      return match(`Success - HTTP TROFS response code ${String(status)} received.`, true);
    }
    const wanted = respCodes ?? [{ from: 200, to: 200 }];
    return wanted.some(({ from, to }) => status >= from && status <= to)
      ? match(`Success - HTTP response code ${String(status)} received.`)
      : mismatch(`Failure - HTTP response code ${String(status)} received`);
  });
}

/** HTTP-ECV: the body must contain `-recv`; the status does not matter. */
export async function runHttpEcv(task: MonitorTask): Promise<MonitorResult> {
  const { send, recv, trofsString } = task.monitor.parameters;
  return converse(task, async (conversation) => {
    const request = send === null || send === "" ? "GET /" : send;
    const head = await ask(conversation, request, task);
    if (head === null) {
      return mismatch(NO_RESPONSE);
    }
    if (recv === null || recv === "") {
      return match("Success - HTTP response received.");
    }
    const body = new MessageBody(
      conversation.source,
      head.framing(request.slice(0, request.indexOf(" "))),
    );
    let seen = "";
    while (seen.length < BODY_WINDOW_BYTES) {
      const chunk = await conversation.within(body.content());
      if (chunk === null) {
        break;
      }
      seen = (seen + chunk.toString("latin1")).slice(0, BODY_WINDOW_BYTES);
      if (trofsString !== null && trofsString !== "" && seen.includes(trofsString)) {
        return match("Success - TROFS pattern found in response.", true);
      }
      if (seen.includes(recv)) {
        return match("Success - Pattern found in response.");
      }
    }
    return mismatch("Failure - Pattern not found in response");
  });
}

async function ask(
  { send, source, within }: Conversation,
  request: string,
  task: MonitorTask,
): Promise<ResponseHead | null> {
  send(requestText(request, task.monitor.parameters.customHeaders, task.address));
  return within(readResponseHead(source));
}

/** The ADC completes `METHOD URI` to a request; a complete request is sent unchanged. */
function requestText(request: string, customHeaders: string | null, address: string): string {
  if (/ HTTP\/\d/.test(request)) {
    return request;
  }
  const custom = (customHeaders ?? "").replace(/(\r\n)+$/, "");
  const host = /^host\s*:/im.test(custom)
    ? []
    : [`Host: ${address.includes(":") ? `[${address}]` : address}`];
  return [
    `${request} HTTP/1.1`,
    ...host,
    ...(custom === "" ? [] : [custom]),
    "Connection: close",
    "",
    "",
  ].join("\r\n");
}
