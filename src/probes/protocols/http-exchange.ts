import type { Connection } from "../../net/connection.ts";
import { type HttpAnswer, HttpAnswerParser } from "./http-answer.ts";
import { type ExchangeError, protocolError } from "../../net/exchange-error.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query, or an absolute URL, as in the request line. */
  readonly path: string;
  /** In the order of sending; only Content-Length is added, if there is a body. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | string;
}
interface HttpReading {
  /** Maximum bytes of the body kept; 0 ends after the header. */
  readonly bodyWindowBytes: number;
  /** Reads the message to its end even past the window, so that the connection can be reused. */
  readonly toTheEnd?: boolean;
  /** Ends early if the window already contains the wanted text. */
  readonly enough?: (body: Buffer) => boolean;
}
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** The bytes of a request. Configured values are sent unchanged, since they may contain CR LF on purpose. */
function requestText(request: HttpRequest): string {
  let text = `${request.method} ${request.path} HTTP/1.1\r\n`;
  for (const [name, value] of request.headers) {
    text += `${name}: ${value}\r\n`;
  }
  if (request.body !== undefined) {
    text += `Content-Length: ${Buffer.byteLength(request.body)}\r\n`;
  }
  return `${text}\r\n`;
}
/**
 * One HTTP/1.1 exchange over an open connection: sends the request, then reads status, headers and a window of the decoded
 * body. Marks the phases `send`, `first_byte` and `transfer`. Protocol errors are returned, never thrown; 1xx responses are
 * skipped.
 */
export async function exchangeHttp(
  connection: Connection,
  request: HttpRequest,
  reading: HttpReading,
): Promise<HttpAnswer | ExchangeError> {
  const head = requestText(request);
  const { body } = request;
  if (body === undefined) {
    connection.write(head);
  } else {
    connection.write(
      typeof body === "string" ? head + body : Buffer.concat([Buffer.from(head), body]),
    );
  }
  return readHttpAnswer(connection, request.method, reading);
}
/** Reads the response to a request that was already sent (verbatim requests of monitors). */
export async function readHttpAnswer(
  connection: Connection,
  method: string,
  reading: HttpReading,
): Promise<HttpAnswer | ExchangeError> {
  const { run } = connection;
  const parser = new HttpAnswerParser(method, reading.bodyWindowBytes);
  let received = 0;
  run.phase("send");
  for (;;) {
    const next = await connection.read();
    if (next.kind !== "data") {
      return ended(next);
    }
    if (received === 0) {
      run.phase("first_byte");
    }
    received += next.data.length;
    const trouble = parser.feed(next.data);
    if (trouble !== null) {
      run.phase("transfer");
      return protocolError(trouble);
    }
    if (isEnough()) {
      run.phase("transfer");
      const answer = parser.answer();
      connection.unread(parser.takeRest());
      return answer;
    }
    if (received > MAX_MESSAGE_BYTES) {
      run.phase("transfer");
      return protocolError(`a response of more than ${MAX_MESSAGE_BYTES} bytes`);
    }
  }

  function isEnough(): boolean {
    if (parser.state === "complete") {
      return true;
    }
    if (parser.state !== "body" || reading.toTheEnd === true) {
      return false;
    }
    return parser.windowFull || (reading.enough?.(parser.window()) ?? false);
  }

  function ended(why: ExchangeError): HttpAnswer | ExchangeError {
    if (received > 0) {
      run.phase("transfer");
    }
    // Without a length, the close ends the message (RFC 9112 section 6.3); with one, the message is truncated.
    if (why.kind === "closed" && parser.endsByClose()) {
      return parser.answer();
    }
    return why.kind === "closed" && received > 0 ? { kind: "closed", midway: true } : why;
  }
}
