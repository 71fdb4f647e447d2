import { createSecureContext, TLSSocket, type SecureContextOptions } from "node:tls";
import { conversation, type Behaviour, type Turn } from "./scripted-server.ts";

export interface StartTlsScript {
  readonly greeting: string;
  /** In the clear, but for the command that begins TLS. */
  readonly clear: readonly Turn[];
  /** The command that begins TLS, and its answer. */
  readonly begins: Turn;
  readonly tls: SecureContextOptions;
  /** Behind TLS. */
  readonly secured: readonly Turn[];
  /** Every line that came behind TLS. */
  readonly heard: (line: string) => void;
}

/** A server that begins TLS where a client asks for it, and talks on behind it. */
export function startTlsConversation(script: StartTlsScript): Behaviour {
  const secureContext = createSecureContext(script.tls);
  return (socket) => {
    const [command, answer] = script.begins;
    conversation(script.greeting, script.clear)(socket);
    socket.on("data", function begin(data) {
      if (!command.test(data.toString("latin1").trim())) {
        return;
      }
      socket.removeAllListeners("data");
      socket.write(answer);
      const secured = new TLSSocket(socket, { isServer: true, secureContext });
      secured.on("error", () => undefined);
      secured.on("data", (more: Buffer) => script.heard(more.toString("latin1")));
      conversation("", script.secured)(secured);
    });
  };
}
