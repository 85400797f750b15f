/** How a client learns that this is no end in good order. */

import type { Socket } from "node:net";

/**
 * Breaks a connection at once: what was said must not be taken for all there is, nor nothing for an answer.
 * @param unix whether it is a Unix socket, which knows no reset, and has no address
 */
export function breakOff(socket: Socket, unix = socket.remoteAddress === undefined): void {
  if (unix) socket.destroy();
  else socket.resetAndDestroy();
}
