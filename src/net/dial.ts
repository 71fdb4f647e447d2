import { errorMessage } from "../lib/log.ts";
import { connect as connectTls } from "node:tls";
import type { Resolution } from "./network.ts";
import { type Target, proxyHeader, type ProxyVersion } from "./probe-context.ts";
import type { TlsFacts } from "../model/observation.ts";
import type { Step } from "../model/reasons.ts";
import { exchangeError, type ExchangeError } from "./exchange-error.ts";
import { Connection } from "./connection.ts";
import { type ProbeRun } from "./probe-run.ts";
import type { RunResource } from "./transcript.ts";
import { tlsFacts, verificationFailure } from "./tls-store.ts";
import type { TlsSettings } from "../model/tls-settings.ts";

export interface DialOptions {
  /** Null: plain TCP. Otherwise the TLS handshake follows the connect. */
  readonly tls: TlsSettings | null;
  /** Without `tls`, nothing will take over the socket later, so its streams can be bypassed. */
  readonly bypassStreams?: boolean;
}

export type Dialled = { readonly kind: "connected"; readonly connection: Connection } | DialFailure;

export interface DialFailure {
  readonly kind: "failed";
  readonly step: Extract<Step, "resolve" | "connect" | "tls" | "starttls">;
  readonly why: ExchangeError;
}

/**
 * The only place that opens TCP sockets and starts TLS. Records the phases `resolve`, `connect` and `tls` and the TLS facts on
 * the run, also when verification fails, or when the handshake fails after the certificate was received. Never rejects; the run
 * owns the connection.
 */
export function dial(run: ProbeRun, target: Target, options: DialOptions): Promise<Dialled> {
  const resolved = resolveTarget(run, target, "tcp");
  return resolved instanceof Promise
    ? resolved.then((known) => dialResolved(run, known, options, target.proxy))
    : dialResolved(run, resolved, options, target.proxy);
}

function dialResolved(
  run: ProbeRun,
  resolved: ResolvedTarget,
  { tls, bypassStreams = false }: DialOptions,
  proxy: ProxyVersion | undefined,
): Promise<Dialled> {
  if (resolved.kind === "failed") {
    return Promise.resolve(resolved);
  }
  const open = connectTcp(run, resolved.address, resolved.port, tls === null && bypassStreams);
  const connected =
    proxy === undefined ? open : open.then((dialled) => sendProxyHeader(dialled, proxy));
  return tls === null
    ? connected
    : connected.then((dialled) =>
        dialled.kind === "failed" ? dialled : upgrade(dialled.connection, tls, "tls"),
      );
}

/** Sends the PROXY header before anything else, with the agent's own address as source, as an ADC's monitor does. */
function sendProxyHeader(dialled: Dialled, version: ProxyVersion): Dialled {
  if (dialled.kind === "connected") {
    const { socket, remote } = dialled.connection;
    const source = { address: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    dialled.connection.write(proxyHeader(version, source, remote), `PROXY header ${version}\r\n`);
  }
  return dialled;
}

/** A second connection to an address already resolved (FTP's data connection). */
export function dialAddress(run: ProbeRun, address: string, port: number): Promise<Dialled> {
  return connectTcp(run, address, port, false);
}

/** Upgrades a plain-text connection to TLS (STARTTLS, STLS), as phase `starttls`. */
export function startTls(connection: Connection, settings: TlsSettings): Promise<Dialled> {
  return upgrade(connection, settings, "starttls");
}

export type ResolvedTarget = Extract<Resolution, { kind: "address" }> | DialFailure;

/** Address and port to dial, within the run's deadline; synchronous if no name has to be resolved. */
export function resolveTarget(
  run: ProbeRun,
  target: Target,
  transport: "tcp" | "udp" | "icmp",
): ResolvedTarget | Promise<ResolvedTarget> {
  const resolution = beforeDeadline(
    run,
    run.context.network.resolve(target.host, target.port, transport, undefined, target.family),
  );
  return resolution instanceof Promise
    ? resolution.then((late) => resolvedAs(run, late))
    : resolvedAs(run, resolution);
}

function resolvedAs(run: ProbeRun, resolution: Resolution | ExchangeError): ResolvedTarget {
  run.phase("resolve");
  switch (resolution.kind) {
    case "address":
      return resolution;
    case "dns_failure":
      return {
        kind: "failed",
        step: "resolve",
        // Clients cannot resolve this name either, so it is an outage, not an agent fault.
        why: exchangeError(
          run.context.vantage === "public" && resolution.absent ? "failed" : "fault",
          "dns_failure",
          resolution.message,
        ),
      };
    case "forbidden":
      return {
        kind: "failed",
        step: "resolve",
        why: exchangeError("fault", resolution.reason ?? "not_configured", resolution.message),
      };
    case "timeout":
      return {
        kind: "failed",
        step: "resolve",
        why: exchangeError("fault", "dns_failure", "no response from DNS in time"),
      };
    default:
      return { kind: "failed", step: "resolve", why: resolution };
  }
}

/** Waits for uncancellable work, at most until the run's deadline. */
function beforeDeadline<T extends object>(
  run: ProbeRun,
  waited: T | Promise<T>,
): T | ExchangeError | Promise<T | ExchangeError> {
  if (run.interrupted !== null) {
    return run.interrupted;
  }
  if (!(waited instanceof Promise)) {
    return waited;
  }
  return new Promise((resolve, reject) => {
    const resource: RunResource = { interrupt: resolve, release: () => undefined };
    run.track(resource);
    waited.then((value) => {
      run.untrack(resource);
      resolve(value);
    }, reject);
  });
}

function connectTcp(
  run: ProbeRun,
  address: string,
  port: number,
  bypassStreams: boolean,
): Promise<Dialled> {
  if (run.interrupted !== null) {
    return Promise.resolve({ kind: "failed", step: "connect", why: run.interrupted });
  }
  const connection = beginConnecting(run, address, port, bypassStreams);
  if (!(connection instanceof Connection)) {
    return Promise.resolve(connection);
  }
  return new Promise((resolve) => {
    connection.whenOpen((why) => {
      run.phase("connect");
      if (why === null) {
        resolve({ kind: "connected", connection });
      } else {
        connection.close();
        resolve({ kind: "failed", step: "connect", why });
      }
    });
  });
}

/**
 * The defaults of net.Socket, except for the first. net.Socket clones its options and adds missing ones, which gives each clone
 * a new hidden class that defeats V8's inline caches (Node.js 20).
 */
const SOCKET_OPTIONS = {
  autoSelectFamily: false,
  allowHalfOpen: false,
  emitClose: false,
  autoDestroy: true,
  decodeStrings: false,
};

function beginConnecting(
  run: ProbeRun,
  address: string,
  port: number,
  bypassStreams: boolean,
): Connection | DialFailure {
  const { localAddress, network } = run.context;
  const to = { host: address, port, ...SOCKET_OPTIONS };
  let connection: Connection | null = null;
  const received = bypassStreams ? (data: Buffer) => connection?.take(data) : undefined;
  try {
    const socket = network.sockets.tcp(
      localAddress === null ? to : { ...to, localAddress },
      received,
    );
    connection = new Connection(run, socket, { address, port }, received === undefined);
    return connection;
  } catch (error) {
    // Node throws for an invalid port or address, which only the configuration can cause.
    return {
      kind: "failed",
      step: "connect",
      why: exchangeError("fault", "not_configured", errorMessage(error)),
    };
  }
}

function upgrade(
  connection: Connection,
  settings: TlsSettings,
  step: "tls" | "starttls",
): Promise<Dialled> {
  const { run } = connection;
  const store = run.context.network.tls;
  const over = run.interrupted ?? connection.ended;
  if (over !== null) {
    return Promise.resolve({ kind: "failed", step, why: over });
  }
  return new Promise((resolve) => {
    const before = connection.bytesReceived;
    const raw = connection.detach();
    let secured;
    try {
      secured = connectTls({
        socket: raw,
        secureContext: store.contextFor(settings),
        rejectUnauthorized: false,
        // tlsFacts checks names, against the expected names instead of the address dialled.
        checkServerIdentity: () => undefined,
        ...(settings.serverName === null ? {} : { servername: settings.serverName }),
      });
    } catch (error) {
      resolve({
        kind: "failed",
        step,
        why: exchangeError("fault", "agent_fault", errorMessage(error)),
      });
      return;
    }
    const socket = secured;
    const pending: RunResource = { interrupt: fail, release: () => socket.destroy() };
    run.track(pending);
    socket.once("secureConnect", established);
    socket.once("error", broken);
    socket.once("close", vanished);

    function established(): void {
      run.called();
      settle();
      // Node reports it only once.
      const leaf = socket.getPeerX509Certificate();
      connection.peerCertificate = leaf ?? null;
      const facts = tlsFacts(socket, settings, store, run.context.now(), leaf);
      run.tls = facts;
      connection.secured = { facts, settings, step };
      run.transcript.note(`${facts.protocol ?? "TLS"} ${facts.cipher ?? ""}`.trimEnd());
      connection.attach(socket);
      const failure = settings.rejectUnauthorized ? verificationFailure(facts) : null;
      resolve(
        failure === null
          ? { kind: "connected", connection }
          : {
              kind: "failed",
              step,
              why: exchangeError("failed", failure, `certificate: ${facts.verification}`),
            },
      );
    }
    function broken(error: Error): void {
      fail(handshakeError(error, raw.bytesRead - before));
    }
    function vanished(): void {
      fail({ kind: "closed", midway: false });
    }
    function fail(why: ExchangeError): void {
      run.called();
      settle();
      socket.on("error", () => undefined);
      run.tls = factsOfFailure(tlsFacts(socket, settings, store, run.context.now()));
      socket.destroy();
      connection.close("FIN");
      resolve({ kind: "failed", step, why });
    }
    function settle(): void {
      run.untrack(pending);
      run.phase(step);
      socket.off("secureConnect", established);
      socket.off("error", broken);
      socket.off("close", vanished);
    }
  });
}

/**
 * A failed handshake has no negotiated parameters and no verified chain, but a received certificate still has facts and dates.
 */
function factsOfFailure(facts: TlsFacts): TlsFacts | null {
  const { verification } = facts;
  const dated = verification === "expired" || verification === "not_yet_valid";
  return facts.chain.length === 0
    ? null
    : {
        ...facts,
        protocol: null,
        cipher: null,
        ephemeralKey: null,
        verification: dated ? verification : "unverified",
      };
}

/** OpenSSL's messages for "not a TLS record". */
const NOT_TLS = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_RECORD_LAYER_FAILURE",
]);
/** The two sides have no protocol version in common. */
const NO_COMMON_VERSION = new Set([
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_WRONG_SSL_VERSION",
  "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
  "ERR_SSL_INAPPROPRIATE_FALLBACK",
  "ERR_SSL_VERSION_TOO_LOW",
]);
/**
 * Classifies a failed handshake. A peer that accepts and then closes before its first TLS byte is a separate case
 * (`closed_without_data`, or `reset` if the ClientHello was answered with RST): Exchange's IMAP and POP services do
 * this in maintenance.
 */
function handshakeError(error: NodeJS.ErrnoException, bytesReceived: number): ExchangeError {
  const { code, message } = error;
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ECONNABORTED") {
    if (bytesReceived > 0) {
      return exchangeError("failed", "tls_handshake", `${message} (after ${bytesReceived} bytes)`);
    }
    // Node reports a FIN during the handshake as ECONNRESET too, but without `syscall`.
    return error.syscall === undefined
      ? { kind: "closed", midway: false }
      : exchangeError("failed", "reset", message);
  }
  if (code !== undefined && NOT_TLS.has(code)) {
    return exchangeError("failed", "plaintext_on_tls_port", openSslWords(error));
  }
  if (code !== undefined && NO_COMMON_VERSION.has(code)) {
    return exchangeError("failed", "tls_protocol", openSslWords(error));
  }
  return exchangeError("failed", "tls_handshake", openSslWords(error));
}
/** `error:0A000102:SSL routines::unsupported protocol` becomes `unsupported protocol`, with the alert where one came. */
function openSslWords(error: NodeJS.ErrnoException): string {
  const words = /error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/i.exec(error.message)?.[1] ?? error.message;
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  return alert === undefined ? words.trim() : `${words.trim()} (alert ${alert} from the server)`;
}
