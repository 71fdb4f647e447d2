import type { Socket } from "node:net";
import type { AaaGate } from "../aaa/gate.ts";
import { asksForOwaForm, owaFormPost } from "../aaa/form-sso.ts";
import type { AaaOptions } from "../aaa/options.ts";
import { ByteSource } from "../byte-source.ts";
import type { Answer } from "../http/answer.ts";
import { forward, type Forwarded } from "../http/exchange.ts";
import {
  MessageBody,
  readRequestHead,
  type RequestHead,
  type ResponseHead,
} from "../http/message.ts";
import type { Decision } from "../http/site.ts";
import { UpstreamSet } from "../http/upstream.ts";
import type { MemberRuntime } from "../member-runtime.ts";
import { listenTcp, type Front } from "./listener.ts";
import type { TlsTermination } from "./termination.ts";
import { resetSocket } from "../../../src/net/reset-socket.ts";

const MAX_FORM_BYTES = 64 * 1024;
const MAX_DISCARDED_BYTES = 1024 * 1024;

export interface HttpFrontOptions {
  /** False: the vserver is down or out, and the client is reset instead of answered. */
  readonly accepts: () => boolean;
  readonly decide: (request: RequestHead, clientAddress: string) => Decision;
  readonly open: (member: MemberRuntime) => Promise<Socket>;
  readonly termination: TlsTermination | null;
  readonly gate: AaaGate;
  readonly aaa: () => AaaOptions;
  readonly idleTimeoutMs: number;
  readonly onClients: (clients: number) => void;
}

/** A vserver of type HTTP or SSL: requests are decided one by one, each answered here or by a server. */
export async function listenForHttp(options: HttpFrontOptions): Promise<Front> {
  const front = await listenTcp((socket) => {
    options.onClients(front.clients());
    socket.on("close", () => {
      options.onClients(front.clients());
    });
    // An error ends this client's connection only.
    serve(socket, options).catch(() => socket.destroy());
  });
  return front;
}

async function serve(socket: Socket, options: HttpFrontOptions): Promise<void> {
  if (!options.accepts()) {
    resetSocket(socket);
    return;
  }
  const address = socket.remoteAddress ?? "";
  const secure = options.termination === null ? socket : await options.termination.accept(socket);
  if (secure === null) {
    return;
  }
  const client = { source: new ByteSource(secure), writable: secure };
  const upstreams = new UpstreamSet(options.open, () => resetSocket(socket));
  socket.on("close", () => {
    upstreams.close();
  });
  socket.setTimeout(options.idleTimeoutMs, () => socket.destroy());
  for (;;) {
    const request = await readRequestHead(client.source);
    if (request === null) {
      leave(secure, socket);
      return;
    }
    const next = await handle(
      request,
      options.decide(request, address),
      client,
      upstreams,
      options,
    );
    switch (next) {
      case "keep":
        break;
      case "close":
        leave(secure, socket);
        return;
      case "reset":
        resetSocket(socket);
        return;
    }
  }
}

/** Ends the connection after pending output, which the raw socket under TLS does not know. */
function leave(secure: Socket, socket: Socket): void {
  secure.once("close", () => socket.destroy());
  secure.destroySoon();
}

interface Client {
  readonly source: ByteSource;
  readonly writable: Socket;
}

async function handle(
  request: RequestHead,
  decision: Decision,
  client: Client,
  upstreams: UpstreamSet,
  options: HttpFrontOptions,
): Promise<Forwarded> {
  switch (decision.kind) {
    case "answer":
      return reply(client, request, decision.answer);
    case "login": {
      const body = await bodyText(request, client.source);
      return reply(client, request, options.gate.login(request, body));
    }
    case "forward":
      return pass(decision, client, upstreams, options);
  }
}

async function pass(
  { request, choice, user, formSso }: Extract<Decision, { kind: "forward" }>,
  client: Client,
  upstreams: UpstreamSet,
  options: HttpFrontOptions,
): Promise<Forwarded> {
  const { largePostLimitBytes, sso } = options.aaa();
  const framing = request.framing();
  const large =
    framing.kind === "chunked" ||
    (framing.kind === "length" && framing.bytes > (largePostLimitBytes ?? 0));
  if (user !== null && largePostLimitBytes !== null && large) {
    await discard(request, client.source, Number.MAX_SAFE_INTEGER);
    return "close";
  }
  try {
    const member = upstreams.keptWith(choice.member, request.header("authorization"));
    const upstream = await upstreams.to(member);
    const onResponse = (head: ResponseHead): ResponseHead =>
      choice.setCookie === null
        ? head
        : head.with([...head.headers, { name: "Set-Cookie", value: choice.setCookie }]);
    const signIn =
      user !== null && formSso && sso === "form" && asksForOwaForm(request)
        ? owaFormPost(request, user)
        : null;
    const result = await forward({
      request: signIn?.head ?? request,
      ...(signIn === null ? {} : { body: signIn.body }),
      client,
      upstream,
      onResponse,
    });
    if (result !== "keep") {
      upstreams.drop(upstream);
    }
    return result;
  } catch {
    // The server refused or did not answer: the ADC resets the client.
    return "reset";
  }
}

/** The response is sent first: an announced body may never arrive. */
async function reply(
  client: Client,
  request: RequestHead,
  { head, body }: Answer,
): Promise<Forwarded> {
  client.writable.write(head.toText() + (request.method === "HEAD" ? "" : body));
  const complete = await discard(request, client.source, MAX_DISCARDED_BYTES);
  const closing =
    /\bclose\b/i.test(request.header("connection") ?? "") || request.version === "HTTP/1.0";
  return complete && !closing ? "keep" : "close";
}

/** Reads a body away; false when it is longer than `maxBytes` or was cut. */
async function discard(
  request: RequestHead,
  source: ByteSource,
  maxBytes: number,
): Promise<boolean> {
  const framing = request.framing();
  if (framing.kind === "length" && framing.bytes > maxBytes) {
    return false;
  }
  const body = new MessageBody(source, framing);
  for (let seen = 0; seen <= maxBytes;) {
    const piece = await body.next();
    if (piece === null) {
      return !body.truncated;
    }
    seen += piece.raw.length;
  }
  return false;
}

async function bodyText(request: RequestHead, source: ByteSource): Promise<string> {
  const body = new MessageBody(source, request.framing());
  let text = "";
  for (;;) {
    const piece = await body.content();
    if (piece === null) {
      return text;
    }
    text = (text + piece.toString("utf8")).slice(0, MAX_FORM_BYTES);
  }
}
