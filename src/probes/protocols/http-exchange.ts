import { protocolBreak, type Break } from "../../net/break.ts";
import type { Connection } from "../../net/connection.ts";
import { HttpAnswerParser, type HttpAnswer } from "./http-answer.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query, or an absolute URL, as it stands in the request line. */
  readonly path: string;
  /** In the order they are sent; nothing is added but Content-Length where a body is given. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | string;
}

export interface HttpReading {
  /** Bytes of the body kept; the rest is passed over. 0 ends with the header. */
  readonly bodyWindowBytes: number;
  /** Read to the end of the message even past the window, so that the connection can be used again. */
  readonly toTheEnd?: boolean;
  /** Ends early when the window already holds what is looked for. */
  readonly enough?: (body: Buffer) => boolean;
}

const LARGEST_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The bytes of a request. Values come from configuration, which may carry CR LF on purpose: they go as they stand. */
export function requestText(request: HttpRequest): string {
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
 * One HTTP/1.1 exchange over an open connection: sends, then reads status, headers and a window of the decoded body.
 * Marks the phases `send`, `first_byte` and `transfer`. Whatever breaks the rules of the protocol is a break, never an
 * exception; 1xx answers are passed over.
 */
export async function exchangeHttp(
  connection: Connection,
  request: HttpRequest,
  reading: HttpReading,
): Promise<HttpAnswer | Break> {
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

/** Reads the answer to a request that was sent already (verbatim requests of monitors). */
export async function readHttpAnswer(
  connection: Connection,
  method: string,
  reading: HttpReading,
): Promise<HttpAnswer | Break> {
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
      return protocolBreak(trouble);
    }
    if (isEnough()) {
      run.phase("transfer");
      const answer = parser.answer();
      connection.unread(parser.takeRest());
      return answer;
    }
    if (received > LARGEST_MESSAGE_BYTES) {
      run.phase("transfer");
      return protocolBreak(`an answer of more than ${LARGEST_MESSAGE_BYTES} bytes`);
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

  function ended(why: Break): HttpAnswer | Break {
    if (received > 0) {
      run.phase("transfer");
    }
    // Without a length, the close is the message's end (RFC 9112 section 6.3); with one, what came is cut short.
    if (why.kind === "closed" && parser.endsByClose()) {
      return parser.answer();
    }
    return why.kind === "closed" && received > 0 ? { kind: "closed", midway: true } : why;
  }
}
