import type { Socket } from "node:net";

/**
 * Closes a TCP connection with RST, and what is still to be sent with it.
 *
 * While a FIN of ours is on its way (`end` was called, or the peer has closed and Node answers), the connection is closed
 * without RST. libuv refuses a reset beside a shutdown with EINVAL (`uv_tcp_close_reset`), and Node takes the handle for
 * closed all the same: the descriptor would be lost for good, and the process would spin at its end, waiting for it.
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
