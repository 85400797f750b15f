/** Listeners of an agent without a network: what they open ends at a hub's mux in memory. */
import { Connections } from "../../../agent/listen/connections.ts";
import { Datagrams } from "../../../agent/listen/datagrams.ts";
import type { OpenLine } from "../../../agent/listen/line.ts";
import { FakeClock } from "../../../common/clock.ts";
import { DatagramReader } from "../../../common/datagram.ts";
import { MemoryLog } from "../../../common/log.ts";
import type { Priority, ResetReason } from "../../../common/mux/index.ts";
import { muxPair, type Tap } from "../mux/rig.ts";
import { FakeSocket } from "../service/socket.ts";

export function rig() {
  // of its own: time moves in large steps here, and no carrier is to die of it
  const clock = new FakeClock();
  const log = new MemoryLog();
  const its = {
    clock,
    log,
    /** Streams that came to the hub, and datagrams in each. */
    accepted: [] as Tap[],
    datagrams: [] as string[][],
    /** What was asked to be opened. */
    opens: [] as { name: string; priority: Priority }[],
    /** Whether there is a way to the hub. */
    connected: true,
    /** How the hub meets each stream, when it does not take it. */
    refusal: undefined as ResetReason | undefined,
    /** Whether the hub takes what comes. */
    taking: true,
    said: () => log.lines.map(({ fields }) => `${fields.line}: ${fields.reason}`),
  };
  const pair = muxPair({
    hub: {
      consuming: false,
      accept: (tap) => {
        its.accepted.push(tap);
        if (its.refusal) return tap.stream.reset(its.refusal);
        const taken: string[] = [];
        its.datagrams.push(taken);
        const reader = new DatagramReader((datagram) => void taken.push(datagram.toString()));
        tap.on.data = (chunk) => {
          if (!its.taking) return;
          tap.stream.consumed(chunk.length);
          if (tap.stream.service === "syslog") reader.push(chunk);
        };
      },
    },
  });
  const open: OpenLine = (name, priority) => {
    its.opens.push({ name, priority });
    return its.connected ? pair.agent.mux.open(name, priority) : undefined;
  };
  return { ...its, its, pair, open };
}

export function datagrams(queue = { datagrams: 100, bytes: 1 << 20 }) {
  const made = rig();
  const { open, clock, log } = made;
  const line = new Datagrams({ name: "syslog", open, clock, log, queue });
  return {
    ...made,
    line,
    take: (...texts: string[]) => texts.forEach((t) => void line.take(Buffer.from(t))),
  };
}

export function connections(clients = 10, name = "notify") {
  const made = rig();
  const { open, clock, log } = made;
  const address = { kind: "tcp", host: "127.0.0.1", port: 6555 } as const;
  const line = new Connections({ name, address, clients, open, clock, log });
  /** A client connects. */
  const client = () => {
    const socket = new FakeSocket();
    socket.connecting = false;
    line.serve(socket.socket);
    return socket;
  };
  return { ...made, line, client };
}
