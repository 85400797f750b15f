/** Outgoing sockets to the targets of the central side. */

import { createSocket } from "node:dgram";
import { createConnection, isIPv6, type Socket } from "node:net";
import type { Address } from "../../common/address.ts";

export type TcpAddress = Extract<Address, { kind: "tcp" | "unix" }>;
export type UdpAddress = Extract<Address, { kind: "udp" }>;

/** Connects to a target. @param source the address it is done from; undefined: this host's own */
export type Dial = (address: TcpAddress, source: string | undefined) => Socket;

export interface SenderEvents {
  /** Datagrams can be sent from now on. */
  ready(): void;
  /** A datagram is on its way. */
  sent(): void;
  /** A datagram was not taken. */
  lost(reason: string): void;
  /** Nothing can be sent, now or later. */
  failed(reason: string): void;
}

export interface Sender {
  send(datagram: Buffer): void;
  close(): void;
}

/** Opens a socket that sends datagrams to one target. */
export type OpenSender = (address: UdpAddress, source: string | undefined, events: SenderEvents) => Sender;

/** ms of silence after which the system asks the other end whether it is still there: idle forever is allowed. */
const KEEP_ALIVE = 60_000;

export const dialTarget: Dial = (address, source) => {
  if (address.kind === "unix") return createConnection({ path: address.path, allowHalfOpen: true });
  return createConnection({
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
    // sites have IPv4 addresses
    ...(source !== undefined && { localAddress: source, family: 4 }),
  });
};

export const openSender: OpenSender = ({ host, port }, source, events) => {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  let ready = false;
  let closed = false;
  // once connected: an ICMP message, such as that nobody listens, says that an earlier datagram was not taken
  socket.on("error", (error) => (ready ? events.lost(error.message) : events.failed(error.message)));
  socket.on("connect", () => {
    ready = true;
    events.ready();
  });
  socket.bind({ port: 0, ...(source !== undefined && { address: source }) }, () => {
    if (!closed) socket.connect(port, host);
  });
  return {
    send: (datagram) =>
      socket.send(datagram, (error) => (error ? events.lost(error.message) : events.sent())),
    close: () => {
      closed = true;
      socket.close();
    },
  };
};
