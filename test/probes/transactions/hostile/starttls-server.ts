import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";
import { serverTls } from "../transaction-spec.ts";
import { IMAP, POP3, SMTP } from "./dialogues.ts";
import type { Dialogue } from "./hostile-server.ts";

/** A protocol that begins in the clear, and how TLS is offered, asked for and begun in it. */
export interface StartTls {
  readonly dialogue: Dialogue;
  /** The dialogue's answer in the clear, with the offer in it. */
  readonly offer: (answer: string) => string;
  readonly asked: RegExp;
  readonly yes: (request: string) => string;
  /** What an untrue server would have the client take for an answer under TLS. */
  readonly injected: string;
}

export const IMAP_STARTTLS: StartTls = {
  dialogue: IMAP,
  offer: (answer) => answer.replace(" NAMESPACE\r\n", " NAMESPACE STARTTLS\r\n"),
  asked: /^\S+ STARTTLS$/,
  yes: (request) => `${request.split(" ")[0] ?? ""} OK Begin TLS\r\n`,
  injected: "* CAPABILITY IMAP4rev1 INJECTED\r\n",
};

export const POP3_STLS: StartTls = {
  dialogue: POP3,
  offer: (answer) => answer.replace("TOP\r\n", "TOP\r\nSTLS\r\n"),
  asked: /^STLS$/,
  yes: () => "+OK Begin TLS\r\n",
  injected: "+OK\r\nINJECTED\r\n.\r\n",
};

export const SMTP_STARTTLS: StartTls = {
  dialogue: SMTP,
  offer: (answer) => answer.replace("250-SIZE\r\n", "250-SIZE\r\n250-STARTTLS\r\n"),
  asked: /^STARTTLS$/,
  yes: () => "220 2.0.0 Ready\r\n",
  injected: "250-ex01.example.com Hello\r\n250 INJECTED\r\n",
};

/** How the server says yes: the bytes of its answer, and those it has no right to say. */
export type Yes = (socket: Socket, answer: string, protocol: StartTls) => void;

export const HONEST: Yes = (socket, answer) => socket.write(answer);

export interface StartTlsServer extends ScriptedServer {
  /** Requests that came under TLS. */
  readonly trusted: () => readonly string[];
  /** Whether TLS was asked for. */
  readonly asked: () => boolean;
}

/** Speaks the protocol in the clear and, once asked, under TLS; it says yes in its own way. */
export async function startTlsServer(protocol: StartTls, yes: Yes): Promise<StartTlsServer> {
  const context = createSecureContext(serverTls());
  const trusted: string[] = [];
  let asked = false;
  const server = await serve((socket) => {
    socket.setNoDelay(true);
    socket.write(protocol.dialogue.greeting);
    converse(socket, protocol.dialogue, (request) => {
      if (!protocol.asked.test(request)) {
        socket.write(protocol.offer(answerOf(protocol.dialogue, request, server.port)));
        return true;
      }
      asked = true;
      yes(socket, protocol.yes(request), protocol);
      const secure = new TLSSocket(socket, { isServer: true, secureContext: context });
      secure.on("error", () => undefined);
      converse(secure, protocol.dialogue, (behindTls) => {
        trusted.push(behindTls);
        secure.write(answerOf(protocol.dialogue, behindTls, server.port));
        return true;
      });
      return false;
    });
  });
  return { ...server, trusted: () => trusted, asked: () => asked };
}

/** Hears requests until one is the last that comes this way. */
function converse(socket: Socket, { cut }: Dialogue, heard: (request: string) => boolean): void {
  let input: Buffer = Buffer.alloc(0);
  function onData(data: Buffer): void {
    input = Buffer.concat([input, data]);
    for (let next = cut(input); next !== null; next = cut(input)) {
      input = input.subarray(next.length);
      if (!heard(next.request)) {
        socket.off("data", onData);
        return;
      }
    }
  }
  socket.on("data", onData);
}

function answerOf(dialogue: Dialogue, request: string, port: number): string {
  return dialogue.answer(request, port).toString("latin1");
}
