/**
 * What a notification spooler is to the network, at either end: a connection that stays, on which the accepting
 * side sends a beat every 10 s, and the connecting side gives up when one is 3 s late; notifications and their
 * acknowledgements both ways. The wording is the lab's own: Checkmk's is not published.
 */
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const BEAT_EVERY = 10_000;
const BEAT_LATE = 3_000;
/** ms between two notifications. */
const NOTIFY_EVERY = 250;

/** Accepts connections, and tells where each comes from. */
export function accept(port: number, peer: (address: string) => void): Server {
  return createServer((socket) => {
    peer(socket.remoteAddress ?? "");
    const beats = setInterval(() => socket.write("beat\n"), BEAT_EVERY);
    socket.on("error", () => {});
    socket.on("close", () => clearInterval(beats));
    createInterface({ input: socket }).on("line", (line) => socket.write(`ack ${line}\n`));
  }).listen(port, "127.0.0.1");
}

export interface Talk {
  beats: number;
  sent: number;
  /** Acknowledgements, in the order of the notifications. */
  acknowledged: number;
  /** Why the connection was given up, if it was. */
  broken?: string;
}

/** Connects, and notifies for `ms`. */
export async function talk(host: string, port: number, ms: number): Promise<Talk> {
  const result: Talk = { beats: 0, sent: 0, acknowledged: 0 };
  const socket = connect(port, host);
  const give = (reason: string) => {
    result.broken ??= reason;
    socket.destroy();
  };
  socket.on("error", (error) => give(error.message));
  socket.on("close", () => give("closed"));
  await once(socket, "connect");
  const late = setTimeout(() => give("no beat"), BEAT_EVERY + BEAT_LATE);
  createInterface({ input: socket }).on("line", (line) => {
    if (line === "beat") {
      result.beats++;
      late.refresh();
    } else if (line === `ack ${result.acknowledged}`) result.acknowledged++;
    else give(`unexpected: ${line}`);
  });
  for (const end = Date.now() + ms; Date.now() < end && result.broken === undefined; ) {
    socket.write(`${result.sent++}\n`);
    await delay(NOTIFY_EVERY);
  }
  for (const end = Date.now() + BEAT_LATE; result.acknowledged < result.sent && Date.now() < end; )
    await delay(20);
  clearTimeout(late);
  socket.removeAllListeners("close");
  socket.destroy();
  return result;
}
