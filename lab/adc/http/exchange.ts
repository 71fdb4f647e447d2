import type { Writable } from "node:stream";
import type { ByteSource } from "../byte-source.ts";
import { MessageBody, readResponseHead, type RequestHead, type ResponseHead } from "./message.ts";
import type { Upstream } from "./upstream.ts";

/** How one forwarded request ended, as far as the client's connection is concerned. */
export type Forwarded = "keep" | "close" | "reset";

/**
 * Passes one request to a server and its answer back, byte for byte but for the heads. Both directions run at once:
 * a server may answer before the request's body is over.
 */
export async function forward(options: {
  readonly request: RequestHead;
  /** A body of the ADC's own making, instead of the client's. */
  readonly body?: string;
  readonly client: { readonly source: ByteSource; readonly writable: Writable };
  readonly upstream: Upstream;
  readonly onResponse: (head: ResponseHead) => ResponseHead;
}): Promise<Forwarded> {
  const { request, client, upstream, onResponse } = options;
  upstream.socket.write(request.toText(), "latin1");
  if (options.body !== undefined) {
    upstream.socket.write(options.body);
  }
  const upload = new MessageBody(
    client.source,
    options.body === undefined ? request.framing() : { kind: "none" },
  );
  const uploading = pump(upload, upstream.socket);
  const head = await finalHead(upstream, client.writable);
  if (head === null) {
    return "reset";
  }
  client.writable.write(onResponse(head).toText(), "latin1");
  const download = new MessageBody(upstream.source, head.framing(request.method));
  await pump(download, client.writable);
  if (download.truncated) {
    return "reset";
  }
  if (
    head.framing(request.method).kind === "until_close" ||
    wantsClose(request) ||
    wantsClose(head)
  ) {
    return "close";
  }
  // The answer came early: the rest of the body is not waited for.
  return (await Promise.race([uploading.then(() => true), soon()])) && !upload.truncated
    ? "keep"
    : "close";
}

/** Passes 1xx answers on and returns the final one. */
async function finalHead(upstream: Upstream, client: Writable): Promise<ResponseHead | null> {
  for (;;) {
    const head = await readResponseHead(upstream.source);
    if (head === null || head.status >= 200) {
      return head;
    }
    client.write(head.toText(), "latin1");
  }
}

async function pump(body: MessageBody, to: Writable): Promise<void> {
  for (;;) {
    const piece = await body.next();
    if (piece === null || to.destroyed) {
      return;
    }
    if (!to.write(piece.raw)) {
      await drained(to);
    }
  }
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}

function soon(): Promise<false> {
  return new Promise((resolve) => {
    setImmediate(() => {
      resolve(false);
    });
  });
}

function wantsClose(head: RequestHead | ResponseHead): boolean {
  const connection = head.header("connection") ?? "";
  const old =
    "version" in head ? head.version === "HTTP/1.0" : head.startLine.startsWith("HTTP/1.0");
  return /\bclose\b/i.test(connection) || (old && !/keep-alive/i.test(connection));
}
