/** The line between agent and hub: a relay that fails as it is told. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Cleanup } from "../../lab/cleanup.ts";
import type { Direction } from "../schedule.ts";
import { type Conditions, Way } from "./way.ts";

/** A connection through the relay. */
export class Connection {
  readonly #ways: Record<Direction, Way>;
  readonly closed: Promise<void>;
  /** Bytes delivered, both ways. */
  carried = 0;
  /** It was killed or became a black hole: it is of no use any more, and whoever has it must notice. */
  lost = false;

  constructor(
    /** Towards the agent. */
    readonly near: Socket,
    /** Towards the hub. */
    readonly far: Socket,
    conditions: Conditions,
  ) {
    const carried = (bytes: number) => {
      this.carried += bytes;
    };
    this.#ways = {
      up: new Way(near, far, conditions, carried),
      down: new Way(far, near, conditions, carried),
    };
    this.closed = Promise.all(
      [near, far].map((socket) => new Promise((done) => socket.once("close", done))),
    ).then(() => undefined);
  }

  kill(how: "reset" | "end"): void {
    this.lost = true;
    for (const way of Object.values(this.#ways)) way.stop();
    for (const socket of [this.near, this.far]) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  hole(directions: readonly Direction[]): void {
    this.lost = true;
    for (const direction of directions) this.#ways[direction].hole();
  }

  /** Changes one bit of what comes next in a direction; `done` is told when that happened. */
  corrupt(direction: Direction, done: () => void): void {
    this.#ways[direction].corrupt(done);
  }

  flush(): void {
    for (const way of Object.values(this.#ways)) way.flush();
  }
}

export class Relay {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #conditions: Conditions;
  /** Connections taken so far. */
  taken = 0;
  /** Called with every new connection. */
  onConnection: () => void = () => {};

  private constructor(
    route: () => number,
    private readonly delay: number,
  ) {
    this.#conditions = { delay, rate: undefined, outage: false };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.taken++;
      const far = connect({ port: route(), host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      const connection = new Connection(near, far, this.#conditions);
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      this.onConnection();
    });
  }

  /**
   * @param route the port of 127.0.0.1 that the next connection is carried to
   * @param delay ms of the undisturbed line, each way
   */
  static async start(route: () => number, delay: number, cleanup: Cleanup): Promise<Relay> {
    const relay = new Relay(route, delay);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    cleanup.add("close the relay", () => {
      relay.#server.close();
      for (const connection of relay.#connections) connection.kill("reset");
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are not lost yet. */
  get connections(): Connection[] {
    return [...this.#connections].filter((connection) => !connection.lost);
  }

  /** Changes the line for all connections, those to come as well. */
  become(change: Partial<Conditions>): void {
    Object.assign(this.#conditions, change);
    for (const connection of this.#connections) connection.flush();
  }

  /** The line is as it was at first. */
  recover(): void {
    this.become({ delay: this.delay, rate: undefined, outage: false });
  }

  /** Adds to the delay of the undisturbed line, ms each way. */
  slow(extra: number): void {
    this.become({ delay: this.delay + extra });
  }
}
