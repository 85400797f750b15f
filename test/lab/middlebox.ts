/** What stands between agent and hub and knows HTTP, but WebSockets in its own way only. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Cleanup } from "./cleanup.ts";

/**
 * What it does with a request for a WebSocket: lets it pass; passes it on as a plain request; answers with a
 * status of its own; lets it pass, but then nothing more; lets it pass, but cuts it once so many bytes crossed.
 */
export type Upgrades = "pass" | "strip" | "hang" | number | { cutAfter: number };

const HEAD_END = "\r\n\r\n";

export class Middlebox {
  readonly #server: Server;
  readonly #webSockets = new Set<Socket>();
  readonly #all = new Set<Socket>();
  /** Requests for a WebSocket so far. */
  asked = 0;

  private constructor(
    toPort: number,
    public upgrades: Upgrades,
  ) {
    this.#server = createServer((near) => {
      this.#track(near, this.#all);
      let head = "";
      near.on("data", (chunk: Buffer) => {
        head += chunk.toString("latin1");
        const end = head.indexOf(HEAD_END);
        if (end === -1) return;
        near.removeAllListeners("data");
        near.pause();
        this.#serve(near, head.slice(0, end), head.slice(end), toPort);
      });
    });
  }

  /** Starts one on a port of 127.0.0.1 in front of another. */
  static async start(toPort: number, upgrades: Upgrades, cleanup: Cleanup): Promise<Middlebox> {
    const box = new Middlebox(toPort, upgrades);
    box.#server.listen(0, "127.0.0.1");
    await once(box.#server, "listening");
    cleanup.add("close a middlebox", () => {
      box.#server.close();
      for (const socket of box.#all) socket.destroy();
    });
    return box;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** WebSockets open now. */
  get webSockets(): number {
    return this.#webSockets.size;
  }

  /** Ends all WebSockets. */
  cut(): void {
    for (const socket of this.#webSockets) socket.resetAndDestroy();
  }

  /** Ends all connections, as one that is restarted. */
  cutAll(): void {
    for (const socket of this.#all) socket.resetAndDestroy();
  }

  #track(socket: Socket, set: Set<Socket>): void {
    set.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => set.delete(socket));
  }

  /** Decides what becomes of a connection by the first request on it. */
  #serve(near: Socket, head: string, rest: string, toPort: number): void {
    const isUpgrade = /^upgrade: websocket$/im.test(head);
    const way = isUpgrade ? this.upgrades : "pass";
    if (isUpgrade) this.asked++;
    if (typeof way === "number") {
      near.end(`HTTP/1.1 ${way} Middlebox\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const far = connect(toPort, "127.0.0.1");
    this.#track(far, this.#all);
    const stripped = head.replace(/\r\n(upgrade|connection|sec-websocket-[a-z]+):[^\r]*/gi, "");
    far.write(Buffer.from((way === "strip" ? stripped : head) + rest, "latin1"));
    if (isUpgrade && way !== "strip") this.#track(near, this.#webSockets);
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on("close", () => to.destroy());
      from.on("drain", () => to.resume());
    }
    if (way === "hang") this.#passAnswerOnly(near, far);
    else this.#join(near, far, typeof way === "object" ? way.cutAfter : Number.POSITIVE_INFINITY);
  }

  #join(near: Socket, far: Socket, most: number): void {
    let crossed = 0;
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on("data", (chunk: Buffer) => {
        crossed += chunk.length;
        if (crossed > most) near.resetAndDestroy();
        else if (!to.write(chunk)) from.pause();
      });
      from.resume();
    }
  }

  /** The 101 gets through, and nothing behind it, in either direction. */
  #passAnswerOnly(near: Socket, far: Socket): void {
    near.resume();
    far.once("data", (chunk: Buffer) => near.write(chunk));
  }
}
