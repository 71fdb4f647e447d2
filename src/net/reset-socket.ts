import type { Socket } from "node:net";

/**
 * Closes a TCP connection with RST and discards unsent data.
 *
 * If a FIN is already being sent (after `end`, or when Node answers the peer's close), it closes without RST instead. libuv then refuses a reset with EINVAL (`uv_tcp_close_reset`), but Node considers the handle closed: the descriptor would leak, and the process would spin at exit.
 */
export function resetSocket(socket: Socket): void {
  const isShuttingDown =
    socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isShuttingDown) {
    socket.destroy();
  } else {
    // eslint-disable-next-line no-restricted-syntax -- the one place that may
    socket.resetAndDestroy();
  }
}
