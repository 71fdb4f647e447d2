import type { Sockets } from "../../../src/net/network.ts";
import { atRest } from "./at-rest.ts";
import { PlayedDatagrams } from "./played-datagrams.ts";
import { PlayedStream, type Peer } from "./played-stream.ts";
import { piecesOf, readScript, type Echo, type Script } from "./script.ts";
import type { FuzzServer } from "./server.ts";

/**
 * A server without sockets: the operating system's part of the network is simulated in memory, from Node's streams on all is
 * real. The first connection of a probe receives the answers one by one; each further one (FTP data) receives the next answer
 * and its end.
 */
export function serveInMemory(echo: Echo): FuzzServer {
  let script: Script = readScript(Buffer.alloc(0));
  let next = 0;
  const streams: PlayedStream[] = [];
  const datagrams: PlayedDatagrams[] = [];

  function answer(socket: PlayedStream, asked: Buffer): void {
    const words = script.answers[next];
    next += 1;
    const last = next >= script.answers.length || socket !== streams[0];
    atRest(() => {
      const pieces = words === undefined ? [] : piecesOf(echo(asked, words), script.pieceBytes);
      speak(socket, pieces, last);
    });
  }
  function speak(socket: PlayedStream, pieces: Buffer[], last: boolean): void {
    const piece = pieces.shift();
    if (piece !== undefined) {
      socket.say(piece);
    }
    if (pieces.length > 0) {
      atRest(() => {
        speak(socket, pieces, last);
      });
    } else if (last && script.ending === "end") {
      socket.finish();
    } else if (last && script.ending === "reset") {
      socket.breakOff();
    }
  }
  function answerAll(socket: PlayedDatagrams, asked: Buffer): void {
    for (const words of script.answers) {
      atRest(() => {
        socket.say(echo(asked, words));
      });
    }
    if (script.ending === "reset") {
      atRest(() => {
        socket.refuse();
      });
    }
  }

  const peer: Peer = {
    opened: (socket) => {
      answer(socket, Buffer.alloc(0));
    },
    heard: answer,
  };
  const sockets: Sockets = {
    tcp: (_, received) => {
      const socket = new PlayedStream(peer);
      if (received !== undefined) {
        socket.on("data", received);
      }
      streams.push(socket);
      return socket;
    },
    udp: () => {
      const socket = new PlayedDatagrams(answerAll);
      datagrams.push(socket);
      return socket;
    },
  };
  return {
    port: 1,
    sockets,
    say: (words) => {
      script = words;
      next = 0;
    },
    hangUp: async () => {
      await new Promise<void>(atRest);
      const left = [
        ...streams.splice(0).filter((socket) => !socket.destroyed),
        ...datagrams.splice(0).filter((socket) => !socket.closed),
      ];
      if (left.length > 0) {
        throw new Error(`the probe left ${String(left.length)} sockets open`);
      }
    },
    close: () => Promise.resolve(),
  };
}
