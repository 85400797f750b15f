/** Joins a local socket and a stream: bytes, backpressure, half-close and loss, both ways. */
import type { Socket } from "node:net";
import type { ResetReason } from "./frame.ts";
import type { Stream } from "./stream.ts";

export interface JoinOptions {
  /** How the stream is reset when the socket fails before it was connected. */
  unreachable?: ResetReason;
  /**
   * Whose bytes are still delivered when it breaks: a core's answer, not a request whose client is gone. So the
   * core's side says "socket", the client's side "stream".
   */
  deliver?: "socket" | "stream";
  /** Called once both are gone. */
  done?: (outcome: "closed" | "socket-lost" | ResetReason) => void;
}

/**
 * Joins them until both are gone. The socket must have been made with `allowHalfOpen`, or be a server's with
 * that option; it may still be connecting.
 */
export function join(socket: Socket, stream: Stream, options: JoinOptions = {}): void {
  let owed = 0;
  let localEnded = false;
  let remoteEnded = false;
  let outcome: "closed" | "socket-lost" | ResetReason = "closed";
  let connected = !socket.connecting;

  socket.setNoDelay(true);
  socket.once("connect", () => {
    connected = true;
  });
  socket.on("data", (chunk: Buffer) => {
    if (!stream.write(chunk)) socket.pause();
  });
  socket.on("end", () => {
    localEnded = true;
    stream.end();
  });
  socket.on("drain", () => {
    const bytes = owed;
    owed = 0;
    stream.consumed(bytes);
  });
  socket.on("error", () => {
    outcome = connected ? "socket-lost" : (options.unreachable ?? "socket-lost");
  });
  socket.on("close", () => {
    // a socket that saw both ends leaves a stream that will see them too
    if (!(localEnded && remoteEnded)) {
      if (localEnded) stream.end();
      const reason = outcome === "closed" || outcome === "socket-lost" ? "cancelled" : outcome;
      if (options.deliver === "socket") stream.abort(reason);
      else stream.reset(reason);
    }
    options.done?.(outcome);
  });

  stream.attach({
    data(chunk) {
      if (socket.write(chunk)) stream.consumed(chunk.length);
      else owed += chunk.length;
    },
    end() {
      remoteEnded = true;
      socket.end();
    },
    drain() {
      socket.resume();
    },
    reset(reason) {
      if (outcome === "closed") outcome = reason;
      // after a clean end the last bytes still belong to the client; otherwise a cut answer must not look
      // complete to one who takes the end of the connection for the end of the answer
      if (remoteEnded) socket.destroySoon();
      else if (!connected) socket.destroy();
      else if (options.deliver === "stream" && socket.writableLength > 0) {
        socket.once("drain", () => socket.resetAndDestroy());
      } else socket.resetAndDestroy();
    },
  });
}
