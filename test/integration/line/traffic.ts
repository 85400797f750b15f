/** Traffic for the tests of a line, as a process in a namespace: `bun traffic.ts ROLE ADDRESS PORT [NUMBER]`. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const [role, host = "", portText, numberText] = process.argv.slice(2);
const [port, number] = [Number(portText), Number(numberText)];
const ECHO_BYTES = 64;

function say(word: unknown): void {
  process.stdout.write(`${word}\n`);
}

const ROLES: Record<string, () => Promise<void>> = {
  /** Sends back what comes. */
  async echo() {
    const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
    await once(server.listen(port, host), "listening");
    say("listening");
  },

  /** Makes so many round trips and says how many ms the fastest took. */
  async roundTrips() {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < number; i++) {
      const start = performance.now();
      socket.write(Buffer.alloc(ECHO_BYTES));
      await once(socket, "data");
      least = Math.min(least, performance.now() - start);
    }
    say(least);
    socket.destroy();
  },

  /** Takes connections; says how many bytes came on each. */
  async sink() {
    const server = createServer((socket) => {
      let bytes = 0;
      socket.on("data", (chunk) => {
        bytes += chunk.length;
      });
      socket.on("end", () => socket.end(String(bytes)));
    });
    await once(server.listen(port, host), "listening");
    say("listening");
  },

  /** Sends so many bytes; says how many came and in how many ms. */
  async send() {
    const start = performance.now();
    const socket = connect({ host, port });
    socket.end(Buffer.alloc(number));
    const [answer] = await once(socket, "data");
    say(`${answer} ${performance.now() - start}`);
    socket.destroy();
  },

  /** Counts datagrams; says how many came once one comes that is empty. */
  async count() {
    const socket = createSocket("udp4");
    let came = 0;
    socket.on("message", (message) => {
      if (message.length > 0) came++;
      else {
        say(came);
        socket.close();
      }
    });
    socket.bind(port, host);
    await once(socket, "listening");
    say("listening");
  },

  /** Sends so many datagrams of 500 bytes at once, and, until it is killed, empty ones. */
  async datagrams() {
    const socket = createSocket("udp4");
    for (let i = 0; i < number; i++) socket.send(Buffer.alloc(500), port, host);
    for (;;) {
      await delay(500);
      socket.send(Buffer.alloc(0), port, host);
    }
  },
};

await ROLES[role ?? ""]?.();
