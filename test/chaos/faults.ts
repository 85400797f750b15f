/** Makes faults happen to the line, and counts them. */
import type { Inspector } from "./line/inspector.ts";
import type { Relay } from "./line/relay.ts";
import type { Fault } from "./schedule.ts";

export class Faults {
  /** How often each kind happened. */
  readonly counts: Partial<Record<Fault["kind"], number>> = {};
  /** Connections that were of no use any more afterwards. */
  carriersKilled = 0;
  readonly #timers = new Map<Fault["kind"], NodeJS.Timeout>();

  constructor(
    private readonly relay: Relay,
    private readonly inspector: Inspector,
  ) {}

  /** Does nothing where there is no connection that the fault could happen to. */
  apply(fault: Fault): void {
    const { relay } = this;
    switch (fault.kind) {
      case "kill":
        return this.#toEach(fault.kind, (connection) => connection.kill(fault.how));
      case "blackhole":
        return this.#toEach(fault.kind, (connection) => connection.hole(fault.directions));
      case "outage":
        relay.become({ outage: true });
        return this.#forATime(fault, () => relay.become({ outage: false }));
      case "delay":
        relay.slow(fault.extra);
        return this.#forATime(fault, () => relay.slow(0));
      case "throttle":
        relay.become({ rate: fault.rate });
        return this.#forATime(fault, () => relay.become({ rate: undefined }));
      case "corrupt":
        relay.connections.at(-1)?.corrupt(fault.direction, () => this.#count(fault.kind, 1));
        return;
      case "tamper":
        this.inspector.tamper(fault.direction, () => this.#count(fault.kind, 1));
    }
  }

  /** The line is good again. */
  end(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.relay.recover();
  }

  #toEach(kind: Fault["kind"], happen: (connection: Relay["connections"][number]) => void): void {
    const { connections } = this.relay;
    for (const connection of connections) happen(connection);
    if (connections.length > 0) this.#count(kind, connections.length);
  }

  #forATime(fault: Fault & { ms: number }, end: () => void): void {
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1;
    clearTimeout(this.#timers.get(fault.kind));
    this.#timers.set(fault.kind, setTimeout(end, fault.ms));
  }

  #count(kind: Fault["kind"], connections: number): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.carriersKilled += connections;
  }
}
