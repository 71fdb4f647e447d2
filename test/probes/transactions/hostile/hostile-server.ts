import type { Socket } from "node:net";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";

/** A protocol as a healthy server speaks it. */
export interface Dialogue {
  /** Its greeting, or empty. */
  readonly greeting: string;
  /** Cuts the first whole request off what has come, as Latin-1; null while it is not whole. */
  readonly cut: (input: Buffer) => { readonly request: string; readonly length: number } | null;
  /** Its answer; empty for none. The port is the server's own. */
  readonly answer: (request: string, port: number) => string | Buffer;
}

/** The answer at which the server turns hostile. */
export interface Stage {
  readonly name: string;
  /** Which of the transaction's servers; default its target. */
  readonly server?: "imap";
  readonly at: "greeting" | RegExp;
  /** Only on the n-th connection, from 1; default on any. */
  readonly connection?: number;
  /** Only when a connection gets there for the n-th time, from 1; default at any. */
  readonly time?: number;
  /** By then the outcome is certain: what comes now changes nothing. */
  readonly late?: true;
  /** The head alone is judged: a body without end is an answer all the same. */
  readonly headOnly?: true;
}

/** What it does on the connection instead of the expected response. */
export type Play = (socket: Socket, healthy: Buffer) => unknown;

/** A stage and what is played at it. */
export interface Hostility {
  readonly stage: Stage;
  readonly play: Play;
  /** Whether it goes on answering afterwards; else it says nothing more. */
  readonly goesOn: boolean;
}

export interface HostileServer extends ScriptedServer {
  /** Requests as they were understood, all connections together. */
  readonly requests: () => readonly string[];
  /** How often the stage was reached. */
  readonly reached: () => number;
  /** Bytes handed to the system on the connection that took most. */
  readonly sent: () => number;
}

/** Serves the dialogue, and turns hostile at a stage; without one it stays healthy. */
export async function startHostile(
  dialogue: Dialogue,
  hostility: Hostility | null,
): Promise<HostileServer> {
  const sockets: Socket[] = [];
  const requests: string[] = [];
  let reached = 0;
  const server = await serve((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true);
    const connection = sockets.length;
    let input: Buffer = Buffer.alloc(0);
    let turned = false;
    let time = 0;

    function owe(what: string, healthy: Buffer): void {
      const isThere = hostility !== null && isDue(hostility.stage, what, connection);
      time += isThere ? 1 : 0;
      if (isThere && (hostility.stage.time ?? time) === time) {
        reached += 1;
        turned = !hostility.goesOn;
        hostility.play(socket, healthy);
      } else if (healthy.length > 0) {
        socket.write(healthy);
      }
    }

    owe(GREETING, Buffer.from(dialogue.greeting, "latin1"));
    socket.on("data", (data) => {
      input = Buffer.concat([input, data]);
      for (let next = dialogue.cut(input); next !== null; next = dialogue.cut(input)) {
        input = input.subarray(next.length);
        requests.push(next.request);
        if (!turned) {
          const answer = dialogue.answer(next.request, server.port);
          owe(next.request, typeof answer === "string" ? Buffer.from(answer, "latin1") : answer);
        }
      }
    });
  });
  return {
    ...server,
    requests: () => requests,
    reached: () => reached,
    sent: () => Math.max(0, ...sockets.map((socket) => socket.bytesWritten)),
  };
}

/** No request: the server's greeting. */
const GREETING = "greeting";

function isDue(stage: Stage, what: string, connection: number): boolean {
  const here = (stage.connection ?? connection) === connection;
  return here && (stage.at === "greeting" ? what === GREETING : stage.at.test(what));
}
