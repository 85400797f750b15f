/** Local services of a remote site, with the manners that tests need, on ports of 127.0.0.1. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Cleanup } from "../lab/cleanup.ts";

/** What a service does with a connection. Each says in which direction it ends first. */
export const manners = {
  /** Sends back what comes, and ends when the client has. */
  echo: (socket: Socket) => void socket.pipe(socket),
  /** Answers with length and SHA-256 of all that came, once the client has ended. */
  digest(socket: Socket) {
    const hash = createHash("sha256");
    let bytes = 0;
    socket.on("data", (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    socket.on("end", () => socket.end(`${bytes} ${hash.digest("hex")}`));
  },
  /** Greets and ends at once, but still listens. */
  greet(socket: Socket) {
    socket.end("hello");
    socket.resume();
  },
  /** Sends without end. */
  fountain(socket: Socket) {
    const water = Buffer.alloc(64 << 10, "water");
    const pour = () => {
      while (!socket.destroyed && socket.write(water));
    };
    socket.on("drain", pour);
    pour();
  },
  /** Neither reads nor writes until it is told to listen; then it ends when the client has. */
  deaf(socket: Socket) {
    socket.pause();
    socket.on("end", () => socket.end());
  },
  /** Reads, never writes and never ends: only a break of the connection closes it. */
  hold: (socket: Socket) => void socket.resume(),
  /** Answers half of what was asked for, and breaks. */
  break(socket: Socket) {
    socket.once("data", () => socket.write("half of the ans", () => socket.resetAndDestroy()));
  },
  /** A core that tells an agent how it is, and everyone else who it is. */
  core: (name: string) => (socket: Socket) =>
    void socket.once("data", (chunk) => {
      const row = JSON.stringify([[1_790_000_000, 4711, name, name, 1, 2]]);
      const status = `200 ${String(row.length).padStart(11)}\n${row}`;
      socket.end(chunk.includes("program_start") ? status : name);
    }),
};

/** For an agent whose target must not have other connections than the test's: its core is asked once only. */
export const PROBED_ONCE = { probe: { interval_seconds: 3600 } };

export class Target {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Connections so far. */
  total = 0;
  /** Bytes received so far. */
  received = 0;
  /** Where connections came from, one after the other. */
  readonly peers: (string | undefined)[] = [];

  private constructor(serve: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.total++;
      this.peers.push(socket.remoteAddress);
      this.#open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#open.delete(socket));
      socket.on("data", (chunk) => {
        this.received += chunk.length;
      });
      serve(socket);
    });
  }

  static async start(serve: (socket: Socket) => void, cleanup: Cleanup): Promise<Target> {
    const target = new Target(serve);
    target.#server.listen(0, "127.0.0.1");
    await once(target.#server, "listening");
    cleanup.add("close a target", () => target.close());
    return target;
  }

  /** As agent.toml names it. */
  get name(): string {
    return `tcp:127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Makes all connections read what comes. */
  listen(): void {
    for (const socket of this.#open) socket.resume();
  }

  /** Closes the listener and every connection. */
  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}
