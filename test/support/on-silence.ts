import type { Socket } from "node:net";

const TICK_MS = 5;

/**
 * Calls back once the socket has been silent for so long, counted in ticks of this process: however long it stands still
 * for want of a processor, that is one tick, and what lies there unread is read before the next.
 */
export function onSilence(socket: Socket, quietMs: number, then: () => void): void {
  let quiet = 0;
  let read = 0;
  const tick = setInterval(() => {
    quiet = socket.bytesRead === read ? quiet + TICK_MS : 0;
    read = socket.bytesRead;
    if (quiet >= quietMs) {
      clearInterval(tick);
      then();
    }
  }, TICK_MS);
  socket.once("connect", () => (quiet = 0));
  socket.once("close", () => clearInterval(tick));
}
