import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { drainedOrClosed } from "../exchange/line-connection.ts";
import type { Step } from "./fault.ts";
import { resetSocket } from "../../src/net/reset-socket.ts";

/** Input that a step may wait for; a client that sends more before is cut. */
const INPUT_LIMIT = 1024 * 1024;

/** Endless output is sent in pieces of about this size. */
const REPEAT_BYTES = 16 * 1024;

/**
 * Runs a fault on one connection, until its steps or the client have ended. `raw` is the TCP socket below TLS, or the
 * socket itself.
 */
export async function runSteps(socket: Socket, raw: Socket, steps: readonly Step[]): Promise<void> {
  const input = collectInput(socket);
  for (const step of steps) {
    if (socket.destroyed) {
      return;
    }
    await runStep(step, socket, raw, input);
  }
  if (!socket.destroyed && !steps.some((step) => "end" in step)) {
    socket.end();
  }
}

async function runStep(step: Step, socket: Socket, raw: Socket, input: Input): Promise<void> {
  if ("send" in step) {
    write(socket, step.send);
  } else if ("await" in step) {
    await input.take(ENDS[step.await]);
  } else if ("drip" in step) {
    await drip(socket, Buffer.from(step.drip, "latin1"), step.everyMs);
  } else if ("repeat" in step) {
    const times = Math.ceil(REPEAT_BYTES / step.repeat.length);
    await repeat(socket, Buffer.from(step.repeat.repeat(times), "latin1"));
  } else if ("talk" in step) {
    await talk(socket, input, step.talk);
  } else if ("renegotiate" in step) {
    await renegotiate(socket);
  } else {
    await end(step.end, socket, raw);
  }
}

const ENDS = { data: /[^]/, line: /\n/, head: /\r?\n\r?\n/ } as const;

interface Input {
  /** Waits until the input matches, and consumes it up to the end of the match; null if the client disconnected. */
  take(pattern: RegExp): Promise<string | null>;
}

function collectInput(socket: Socket): Input {
  let received = "";
  let gone = false;
  let wake: () => void = () => undefined;
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    if (received.length > INPUT_LIMIT) {
      socket.destroy();
    }
    wake();
  });
  for (const event of ["end", "close"]) {
    socket.once(event, () => {
      gone = true;
      wake();
    });
  }
  return {
    async take(pattern) {
      for (;;) {
        const match = pattern.exec(received);
        if (match !== null) {
          const length = match.index + match[0].length;
          const taken = received.slice(0, length);
          received = received.slice(length);
          return taken;
        }
        if (gone || socket.destroyed) {
          return null;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function write(socket: Socket, data: string | Buffer): boolean {
  return (
    socket.writable && socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data)
  );
}

async function drip(socket: Socket, bytes: Buffer, everyMs: number): Promise<void> {
  for (let index = 0; index < bytes.length && !socket.destroyed; index++) {
    write(socket, bytes.subarray(index, index + 1));
    await delay(everyMs, undefined, { ref: false });
  }
}

async function repeat(socket: Socket, bytes: Buffer): Promise<void> {
  while (!socket.destroyed) {
    if (write(socket, bytes)) {
      await new Promise(setImmediate);
    } else {
      await drainedOrClosed(socket);
    }
  }
}

async function talk(
  socket: Socket,
  input: Input,
  answer: (line: string) => string | Buffer | null,
): Promise<void> {
  for (;;) {
    const line = await input.take(ENDS.line);
    if (line === null) {
      return;
    }
    const reply = answer(line.replace(/\r?\n$/, ""));
    if (reply !== null) {
      write(socket, reply);
    }
  }
}

function renegotiate(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (!(socket instanceof TLSSocket)) {
      resolve();
      return;
    }
    socket.once("close", () => resolve());
    socket.renegotiate({}, () => resolve());
  });
}

/** Delay before a reset: sent immediately, the client would miss the data before it, and even the connection itself. */
const RESET_AFTER_MS = 30;

async function end(
  how: "reset" | "close" | "half_close" | "silence",
  socket: Socket,
  raw: Socket,
): Promise<void> {
  switch (how) {
    case "reset":
      await delay(RESET_AFTER_MS, undefined, { ref: false });
      resetSocket(raw);
      return;
    case "close":
      socket.end(() => raw.destroySoon());
      return;
    case "half_close":
      raw.end();
      return;
    case "silence":
      return;
  }
}
