/** Listeners and the central side's lines on real sockets, with a session in memory between them. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { onTestFinished } from "vitest";
import { parseListenAddress } from "../../../agent/listen/index.ts";
import { Listeners } from "../../../agent/listen/listeners.ts";
import type { Address } from "../../../common/address.ts";
import { type Clock, systemClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { MemoryLog } from "../../../common/log.ts";
import { Central, centralLine, dialTarget, openSender } from "../../../hub/central/index.ts";
import { muxPair, type Pair } from "../../unit/mux/rig.ts";

/** A corner of 127.0.0.0/8 for a site's address. */
export const SITE = { id: 1, tenant: "acme", name: "main", address: "127.61.7.1" };

type Input = Parameters<typeof centralLine.parse>[0];

export interface Rig {
  pair: Pair;
  central: Central;
  listeners: Listeners;
  hubLog: MemoryLog;
  agentLog: MemoryLog;
}

/** @param clock of the listeners */
export async function rig(
  listen: Record<string, string>,
  central: Record<string, Input>,
  clock: Clock = systemClock,
): Promise<Rig> {
  const hubLog = new MemoryLog();
  const agentLog = new MemoryLog();
  const hub = new Central({
    lines: Object.fromEntries(Object.entries(central).map(([name, line]) => [name, centralLine.parse(line)])),
    pool: "127.61.0.0/16",
    clock: systemClock,
    log: hubLog,
    dial: dialTarget,
    openSender,
    refused: () => {},
  });
  const pair = muxPair({
    hub: { accept: (tap) => hub.accept({ site: SITE, listens: listeners.kinds }, tap.stream) },
  });
  const lines = Object.entries(listen).map(([name, text]) => [
    name,
    { text, address: parseListenAddress(text) as Address },
  ]);
  const listeners = new Listeners({
    lines: Object.fromEntries(lines),
    open: (name, priority) => pair.agent.mux.open(name, priority),
    clients: 100,
    queue: { datagrams: 1000, bytes: 4 << 20 },
    clock,
    log: agentLog,
  });
  onTestFinished(() => {
    listeners.stop();
    pair.agent.session.end(new FarsiteError("E_SESSION_LOST", "the test is over"));
    pair.hub.session.end(new FarsiteError("E_SESSION_LOST", "the test is over"));
  });
  await listeners.start();
  return { pair, central: hub, listeners, hubLog, agentLog };
}

/** A UDP port that is listened on, and what came to it. */
export class Receiver {
  readonly datagrams: Buffer[] = [];
  readonly peers = new Set<string>();
  #stopped = false;

  private constructor(readonly socket: UdpSocket) {
    socket.setRecvBufferSize(8 << 20);
    socket.on("message", (datagram, { address }) => {
      this.datagrams.push(datagram);
      this.peers.add(address);
    });
  }

  static async start(address = "127.0.0.1", port = 0): Promise<Receiver> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.bind({ address, port });
    await once(socket, "listening");
    const receiver = new Receiver(socket);
    onTestFinished(() => receiver.stop());
    return receiver;
  }

  stop(): void {
    if (!this.#stopped) this.socket.close();
    this.#stopped = true;
  }

  get port(): number {
    return this.socket.address().port;
  }

  get texts(): string[] {
    return this.datagrams.map(String);
  }
}

/** A socket that sends datagrams to a port. */
export async function sender(
  port: number,
  address = "127.0.0.1",
): Promise<(datagram: Uint8Array | string) => Promise<void>> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.bind(0);
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return (datagram) =>
    new Promise((resolve, reject) => {
      socket.send(datagram, port, address, (error) => (error ? reject(error) : resolve()));
    });
}

/** A UDP port that nobody listens on now. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind({ address: "127.0.0.1", port: 0 });
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Takes a TCP port of 127.0.0.1 until it is given back. */
export async function occupy(port: number): Promise<() => Promise<void>> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return () => new Promise((resolve) => void server.close(() => resolve()));
}
