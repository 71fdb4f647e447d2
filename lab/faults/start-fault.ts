import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, DEFAULT_CIPHERS, TLSSocket, type SecureContext } from "node:tls";
import { labCa, labCertificate } from "../certificates/lab-certificate.ts";
import { FAULTS, type FaultName } from "./catalogue.ts";
import type { Fault, FaultTls, Step } from "./fault.ts";
import { startFullBacklog } from "./full-backlog.ts";
import { HEALTHY, type HealthyProtocol } from "./healthy-servers.ts";
import { startNobody } from "./nobody-listens.ts";
import { runSteps } from "./run-steps.ts";

/** A broken server on loopback. */
export interface FaultServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Connections accepted so far. */
  accepted(): number;
  /** Connections open now. */
  open(): number;
  close(): Promise<void>;
}

export interface FaultOptions {
  /** Runs the fault after a successful TLS handshake; not for the faults of TLS itself. */
  readonly behindTls?: boolean;
  /** What a TLS fault serves to a client that accepts its certificate. Default `http`. */
  readonly healthy?: HealthyProtocol;
  /** Milliseconds between bytes of what drips; default a second. */
  readonly dripMs?: number;
}

/** Starts the fault of that name on a free port of 127.0.0.1. */
export async function startFault(
  name: FaultName,
  options: FaultOptions = {},
): Promise<FaultServer> {
  const fault: Fault = FAULTS[name];
  switch (fault.listener ?? "accepts") {
    case "drops_syn": {
      const { port, close } = await startFullBacklog();
      return { host: "127.0.0.1", port, accepted: () => 0, open: () => 0, close };
    }
    case "refuses": {
      const { port, close } = await startNobody();
      return { host: "127.0.0.1", port, accepted: () => 0, open: () => 0, close };
    }
    case "accepts":
      return startAccepting(fault, options);
  }
}

async function startAccepting(fault: Fault, options: FaultOptions): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  const steps = stepsOf(fault, options);
  const tls = fault.tls ?? (options.behindTls === true ? ({ certificate: "mail" } as const) : null);
  const context = tls === null ? null : secureContext(tls);
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    if (tls === null || context === null) {
      void play(socket, socket, steps);
      return;
    }
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: tls.demandsClientCertificate ?? false,
      rejectUnauthorized: tls.demandsClientCertificate ?? false,
    });
    secured.on("error", () => socket.destroy());
    secured.once("secure", () => {
      // A TLSSocket of one's own leaves the judgement of the client's certificate to its owner.
      if (tls.demandsClientCertificate === true && !secured.authorized) {
        socket.destroySoon();
        return;
      }
      void play(secured, socket, steps);
    });
  });
  const port = await listen(server);
  return {
    host: "127.0.0.1",
    port,
    accepted: () => accepted,
    open: () => sockets.size,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      sockets.forEach((socket) => socket.destroy());
      await closed;
    },
  };
}

/** Runs the steps; a client that has ended its own direction is disconnected when they are done. */
async function play(socket: Socket, raw: Socket, steps: readonly Step[]): Promise<void> {
  socket.once("end", () => {
    if (socket.writable) {
      socket.end();
    }
  });
  await runSteps(socket, raw, steps);
}

function stepsOf(fault: Fault, { healthy, dripMs }: FaultOptions): readonly Step[] {
  const steps = fault.steps === "healthy" ? HEALTHY[healthy ?? "http"] : fault.steps;
  return steps.map((step) =>
    "drip" in step && step.everyMs > 1 && dripMs !== undefined
      ? { ...step, everyMs: dripMs }
      : step,
  );
}

function secureContext(tls: FaultTls): SecureContext {
  const { certificate, key } = labCertificate(tls.certificate);
  return createSecureContext({
    cert: certificate,
    key,
    ca: labCa(),
    minVersion: tls.min ?? "TLSv1",
    maxVersion: tls.max ?? "TLSv1.3",
    ciphers: tls.ciphers ?? `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
  });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
