import type { Socket } from "node:net";
import type { Choice } from "../lb-runtime.ts";
import type { MemberRuntime } from "../member-runtime.ts";
import { listenTcp, type Front } from "./listener.ts";
import type { TlsTermination } from "./termination.ts";
import { resetSocket } from "../../../src/net/reset-socket.ts";

/**
 * A vserver of type TCP, SSL_BRIDGE (bytes passed unchanged) or SSL_TCP (TLS ends here). As the ADC does, it completes the
 * client's handshake before it knows whether the server will answer.
 */
export function listenForStreams(options: {
  readonly choose: (clientAddress: string) => Choice | null;
  readonly open: (member: MemberRuntime) => Promise<Socket>;
  readonly termination: TlsTermination | null;
  readonly idleTimeoutMs: number;
}): Promise<Front> {
  return listenTcp((socket) => {
    // An error ends this client's connection only.
    serve(socket, options).catch(() => socket.destroy());
  });
}

async function serve(
  socket: Socket,
  options: Parameters<typeof listenForStreams>[0],
): Promise<void> {
  const choice = options.choose(socket.remoteAddress ?? "");
  if (choice === null) {
    resetSocket(socket);
    return;
  }
  const client = options.termination === null ? socket : await options.termination.accept(socket);
  if (client === null) {
    return;
  }
  let server: Socket | null = null;
  const release = choice.member.serve({
    flush: () => {
      resetSocket(socket);
      server?.destroy();
    },
  });
  socket.on("close", release);
  socket.setTimeout(options.idleTimeoutMs, () => socket.destroy());
  try {
    server = await options.open(choice.member);
  } catch {
    resetSocket(socket);
    return;
  }
  join(socket, client, server);
}

/** Couples both sides: bytes, half-closes, resets. */
function join(socket: Socket, client: Socket, server: Socket): void {
  if (socket.destroyed) {
    server.destroy();
    return;
  }
  server.on("error", () => {
    resetSocket(socket);
  });
  socket.on("close", () => server.destroy());
  server.on("close", () => {
    client.end();
    socket.destroySoon();
  });
  client.pipe(server);
  server.pipe(client);
}
