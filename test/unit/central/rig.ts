/** The central side's lines without a network: sockets and senders that the test plays, streams from agents. */

import type { Address } from "../../../common/address.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import type { SenderEvents } from "../../../hub/central/dial.ts";
import { Central, type CentralLine, centralLine, type RefusedLine } from "../../../hub/central/index.ts";
import { muxPair, Tap } from "../mux/rig.ts";
import { FakeSocket } from "../service/socket.ts";

export const SITES = {
  acme: { id: 1, tenant: "acme", name: "main", address: "127.64.0.1" },
  globex: { id: 2, tenant: "globex", name: "main", address: "127.64.0.2" },
};

/** A sender that keeps what it was given. */
export class FakeSender {
  readonly sent: string[] = [];
  closed = false;

  constructor(
    readonly address: Address,
    readonly source: string | undefined,
    readonly events: SenderEvents,
  ) {}

  send(datagram: Buffer): void {
    if (this.closed) throw new Error("sent after close");
    this.sent.push(datagram.toString());
    this.events.sent();
  }

  close(): void {
    if (this.closed) throw new Error("closed twice");
    this.closed = true;
  }
}

type LineInput = Parameters<typeof centralLine.parse>[0];

export function rig(config: Record<string, LineInput>, pool = "127.64.0.0/16") {
  const lines: Record<string, CentralLine> = {};
  for (const [name, line] of Object.entries(config)) lines[name] = centralLine.parse(line);
  // of its own: time moves in large steps here, and no carrier is to die of it
  const clock = new FakeClock();
  const log = new MemoryLog();
  const dialled: { address: Address; source: string | undefined }[] = [];
  const sockets: FakeSocket[] = [];
  const senders: FakeSender[] = [];
  const refused: RefusedLine[] = [];
  const central = new Central({
    lines,
    pool,
    clock,
    log,
    dial: (address, source) => {
      dialled.push({ address, source });
      const made = new FakeSocket();
      sockets.push(made);
      return made.socket;
    },
    openSender: (address, source, events) => {
      const made = new FakeSender(address, source, events);
      senders.push(made);
      return made;
    },
    refused: (each) => void refused.push(each),
  });
  const pairs = Object.fromEntries(
    Object.entries(SITES).map(([name, site]) => [
      name,
      muxPair({ hub: { accept: (tap) => central.accept({ site, listens }, tap.stream) } }),
    ]),
  ) as Record<keyof typeof SITES, ReturnType<typeof muxPair>>;
  /** What the agents said they listen for. */
  const listens: Record<string, "tcp" | "udp"> = {};
  /** A site's agent opens a stream. */
  const open = (line: string, site: keyof typeof SITES = "acme") =>
    new Tap(pairs[site].agent.mux.open(line, INTERACTIVE)!);
  const state = (line: string, site: keyof typeof SITES = "acme") =>
    central.states(SITES[site]).find((each) => each.line === line);
  return { central, clock, log, dialled, sockets, senders, refused, listens, open, state };
}
