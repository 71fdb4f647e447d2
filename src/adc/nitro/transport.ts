import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import {
  checkCertificateName,
  createPinningAgent,
  fingerprintsIn,
  sniOf,
} from "../../net/https-proof.ts";
import type { PeerCertificate } from "node:tls";
import type { Network } from "../../net/network.ts";
import { EnvelopeReader, type Envelope } from "./envelope-reader.ts";
import { startTimer } from "../../lib/timers.ts";
import { createPacer } from "../../lib/pacing.ts";

/** How an exchange without an answer ended. */
type TransportFailure =
  | "dns_failure"
  | "forbidden"
  | "refused"
  | "unreachable"
  | "timeout"
  | "reset"
  | "tls"
  | "too_large"
  | "not_nitro"
  | "aborted";

/** Why this side ended an exchange; it never leaves the transport. */
class ExchangeBroken extends Error {
  readonly code: TransportFailure;
  constructor(code: TransportFailure, message: string) {
    super(message);
    this.code = code;
  }
}

/** Why an exchange failed, from our own reason or Node's error; `cause` is Node's code. */
function failureOf(error: unknown): { code: TransportFailure; message: string; cause: string } {
  if (error instanceof ExchangeBroken) {
    return { code: error.code, message: error.message, cause: "" };
  }
  const cause = error instanceof Error && "code" in error ? String(error.code) : "";
  return { ...failureOfNode(cause, error), cause };
}

function failureOfNode(code: string, error: unknown): { code: TransportFailure; message: string } {
  const message = error instanceof Error ? error.message.slice(0, 200) : "unknown error";
  switch (code) {
    case "FINGERPRINT":
      return { code: "tls", message };
    case "ECONNREFUSED":
      return { code: "refused", message };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "ETIMEDOUT":
      return { code: "unreachable", message };
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return { code: "reset", message };
    default:
      return { code: code.startsWith("HPE_") ? "not_nitro" : tlsOrUnreachable(code), message };
  }
}

/** OpenSSL's and Node's codes for a failed handshake or an unacceptable certificate. */
function tlsOrUnreachable(code: string): TransportFailure {
  return /TLS|SSL|CERT|EPROTO|UNABLE_TO|SIGNED/.test(code) ? "tls" : "unreachable";
}

/** How the management address is verified. */
export interface NitroTls {
  /** PEM certificates to trust instead of the system's, for the self-signed certificate that appliances come with. */
  readonly ca: string | null;
  /** The name that the certificate must have, if it is not the URL's host. */
  readonly serverName: string | null;
  /** False accepts any certificate. */
  readonly verify: boolean;
  /** SHA-256 of certificates in lower-case hex: one of them must be presented, whatever its issuer, names and dates. */
  readonly fingerprints?: readonly string[];
}

export interface TransportOptions {
  /** For example `https://ns1.example.com`; paths are appended. */
  readonly url: URL;
  readonly tls: NitroTls;
  readonly network: Network;
  readonly localAddress: string | null;
  /** Time for the connection, within the whole time: a dead node of a pair must not delay the other for long. */
  readonly connectTimeoutMs: number;
  readonly maxBytes: number;
}

export interface HttpExchange {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly cookie: string | null;
  readonly body: string | null;
  /** Whole time of the exchange, in milliseconds. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly kind: "answer";
  readonly status: number;
  readonly cookies: readonly string[];
  /** Null if the body is no NITRO answer: a proxy's page, an empty body. */
  readonly envelope: Envelope | null;
  readonly location: string | null;
  readonly contentType: string | null;
}

export type HttpResult =
  | HttpAnswer
  | {
      readonly kind: "failed";
      readonly code: TransportFailure;
      readonly message: string;
      /** Node's or OpenSSL's own code; empty: there is none. */
      readonly cause: string;
    };

/** One keep-alive connection to one management address. The caller makes one exchange at a time. */
export interface Transport {
  readonly exchange: (exchange: HttpExchange) => Promise<HttpResult>;
  /** Our local address on the last connection; null before the first. */
  readonly localAddress: () => string | null;
  /** Aborts the exchange in progress, which ends as `aborted`. */
  readonly abort: () => void;
  /** Closes idle connections; the next exchange opens a new one. */
  readonly disconnect: () => void;
}

export function createTransport(options: TransportOptions): Transport {
  const { url, network } = options;
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  let agent = createAgent(options, secure, host);
  let dialled = "";
  let current: Breakable | null = null;
  let localAddress: string | null = null;

  function disconnect(): void {
    agent.destroy();
    agent = createAgent(options, secure, host);
  }

  async function once(exchange: HttpExchange, mayRepeat: boolean): Promise<HttpResult> {
    const resolution = await network.resolve(host, port, "tcp", "operator");
    if (resolution.kind !== "address") {
      return { kind: "failed", code: resolution.kind, message: resolution.message, cause: "" };
    }
    const where = `${resolution.address} ${String(resolution.port)}`;
    if (where !== dialled) {
      disconnect();
      dialled = where;
    }
    const request = (secure ? httpsRequest : httpRequest)({
      ...requestOptions(exchange, url),
      agent,
      host: resolution.address,
      port: resolution.port,
    });
    const breakable = breakableRequest(request);
    current = breakable;
    const result = await answerTo(breakable, exchange, options);
    current = null;
    localAddress = request.socket?.localAddress?.replace(/^::ffff:/, "") ?? localAddress;
    const stale = result.kind === "failed" && result.code === "reset" && request.reusedSocket;
    // A server may close an idle connection just as it is used again: a GET is then repeated.
    return stale && mayRepeat && exchange.method === "GET" ? once(exchange, false) : result;
  }

  return {
    exchange: (exchange) => once(exchange, true),
    localAddress: () => localAddress,
    abort: () => {
      current?.breakOff(new ExchangeBroken("aborted", "aborted"));
    },
    disconnect,
  };
}

function createAgent(
  { tls, localAddress, connectTimeoutMs }: TransportOptions,
  secure: boolean,
  host: string,
): HttpAgent {
  const common = {
    keepAlive: true,
    maxSockets: 1,
    autoSelectFamily: false,
    ...(localAddress === null ? {} : { localAddress }),
  };
  if (!secure) {
    return new HttpAgent(common);
  }
  const expectedName = tls.serverName ?? host;
  const settings = {
    ...common,
    servername: sniOf(expectedName),
    rejectUnauthorized: tls.verify,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    checkServerIdentity: (_dialled: string, certificate: PeerCertificate) =>
      checkCertificateName(expectedName, certificate),
  };
  const pinned = tls.fingerprints ?? [];
  const trusted = tls.ca === null ? [] : fingerprintsIn(tls.ca);
  return tls.verify && pinned.length + trusted.length > 0
    ? createPinningAgent(settings, { pinned, trusted, timeoutMs: connectTimeoutMs })
    : new HttpsAgent(settings);
}

function requestOptions({ method, path, cookie, body }: HttpExchange, url: URL): RequestOptions {
  return {
    method,
    path: `${url.pathname.replace(/\/$/, "")}${path}`,
    headers: {
      host: url.host,
      accept: "application/json",
      ...(cookie === null ? {} : { cookie }),
      ...(body === null
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
  };
}

/** A request with our own reason for its end: Node reports a response that is broken off as reset. */
interface Breakable {
  readonly request: ClientRequest;
  readonly breakOff: (reason: ExchangeBroken) => void;
  readonly reason: () => ExchangeBroken | null;
}

function breakableRequest(request: ClientRequest): Breakable {
  let broken: ExchangeBroken | null = null;
  return {
    request,
    breakOff: (reason) => {
      broken ??= reason;
      request.destroy();
    },
    reason: () => broken,
  };
}

async function answerTo(
  { request, breakOff, reason }: Breakable,
  { body, timeoutMs }: HttpExchange,
  { connectTimeoutMs, maxBytes }: TransportOptions,
): Promise<HttpResult> {
  const breakOffAfter = (ms: number, what: string): (() => void) =>
    afterSockets(ms, () => {
      breakOff(new ExchangeBroken("timeout", `${what} within ${String(ms)} ms`));
    });
  const connected = breakOffAfter(connectTimeoutMs, "no connection");
  request.once("socket", (socket) => {
    if (socket.connecting) {
      socket.once("connect", connected);
    } else {
      connected();
    }
  });
  const answered = breakOffAfter(timeoutMs, "incomplete response");
  try {
    const response = await responseTo(request, body);
    const envelope = await readEnvelope(response, maxBytes);
    return {
      kind: "answer",
      status: response.statusCode ?? 0,
      cookies: response.headers["set-cookie"] ?? [],
      envelope,
      location: response.headers.location ?? null,
      contentType: response.headers["content-type"] ?? null,
    };
  } catch (error) {
    return { kind: "failed", ...failureOf(reason() ?? error) };
  } finally {
    connected();
    answered();
    // After `destroy`, later events of the socket are ignored.
    request.on("error", () => undefined);
  }
}

/**
 * Calls back after a timeout, unless the returned function is called before. Timers run before sockets in a turn of the event
 * loop: after a stall the answer may be waiting unread, so sockets are read first.
 */
function afterSockets(ms: number, work: () => void): () => void {
  let cancelled = false;
  const timer = startTimer(ms, () => {
    setImmediate(() => {
      if (!cancelled) {
        work();
      }
    });
  });
  return () => {
    cancelled = true;
    timer.cancel();
  };
}

function responseTo(request: ClientRequest, body: string | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
    request.end(body ?? undefined);
  });
}

/** Parsed in one turn: as many rows as 16 KB can hold take some 20 ms. */
const BYTES_PER_SLICE = 16_384;

/**
 * Reads the whole body, also of errors, so that the connection can be reused. Small packets are collected first, because the
 * reader scans an unfinished value again for each piece.
 */
async function readEnvelope(response: IncomingMessage, maxBytes: number): Promise<Envelope | null> {
  const reader = new EnvelopeReader();
  const decoder = new TextDecoder();
  const pacer = createPacer();
  let bytes = 0;
  let readable = true;
  let text = "";
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new ExchangeBroken("too_large", `more than ${String(maxBytes)} bytes`);
    }
    for (let at = 0; at < chunk.length && readable; at += BYTES_PER_SLICE) {
      const slice = chunk.subarray(at, at + BYTES_PER_SLICE);
      text += decoder.decode(slice, { stream: true });
      if (text.length >= BYTES_PER_SLICE / 2) {
        readable = reader.push(text);
        text = "";
      }
      if (reader.weight > maxBytes) {
        throw new ExchangeBroken("too_large", `more than ${String(maxBytes)} bytes in memory`);
      }
      if (pacer.due()) {
        await pacer.rest();
      }
    }
  }
  return readable && reader.push(text) ? reader.finish() : null;
}
