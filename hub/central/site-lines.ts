/** What one site may use of the central side: each stream its agent opens is let in here, or not. */

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../common/clock.ts";
import { Complaints } from "../../common/complaints.ts";
import { Unseen } from "../../common/drain.ts";
import type { Log } from "../../common/log.ts";
import { join, type ResetReason, type Stream } from "../../common/mux/index.ts";
import { Notices } from "../../common/notices.ts";
import { Rate } from "../../common/rate.ts";
import type { Dial, OpenSender, TcpAddress, UdpAddress } from "./dial.ts";
import { type DatagramCount, forward } from "./forward.ts";
import { type CentralLine, sourceOf } from "./line.ts";

/** A stream that was not let in, for the audit. */
export interface RefusedLine {
  tenant: string;
  site: string;
  line: string;
  reason: string;
  /** Refusals before this one that were too many to be told one by one. */
  untold: number;
}

/** One line of a site, as people see it. */
export interface LineState {
  line: string;
  target: string;
  /** The address that the target sees; undefined: the hub's own. */
  from: string | undefined;
  /** Streams open now, and since the start of the hub. */
  open: number;
  opened: number;
  /** Streams that had to be turned away, because there were too many or the target could not be reached. */
  limited: number;
  unreachable: number;
  /** Of a line for datagrams. */
  datagrams?: DatagramCount;
}

export interface SiteLinesOptions {
  site: { id: number; tenant: string; name: string; address: string };
  /** Those that this site may use, by name. */
  lines: ReadonlyMap<string, CentralLine>;
  pool: string;
  clock: Clock;
  log: Log;
  dial: Dial;
  openSender: OpenSender;
  refused: (refused: RefusedLine) => void;
  /** Counts all of them. */
  count?: () => void;
}

interface Use {
  line: CentralLine;
  source: string | undefined;
  rate: Rate;
  state: LineState;
  /** How to end each stream, when the site may use the line no more. */
  ends: Map<Stream, () => void>;
}

export class SiteLines {
  readonly #options: SiteLinesOptions;
  #uses: ReadonlyMap<string, Use>;
  readonly #complaints: Complaints;
  readonly #refusals: Notices;
  readonly #unseen: Unseen;

  constructor(options: SiteLinesOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#complaints = new Complaints({ message: "line failed", clock, log });
    this.#refusals = new Notices(clock);
    this.#unseen = new Unseen(clock);
    this.#uses = new Map([...options.lines].map(([name, line]) => [name, this.#use(name, line)]));
  }

  get site(): SiteLinesOptions["site"] {
    return this.#options.site;
  }

  /** Other lines; one that says the same as before goes on, streams of one that is gone are ended. */
  reconfigure(lines: ReadonlyMap<string, CentralLine>): void {
    const before = this.#uses;
    this.#uses = new Map(
      [...lines].map(([name, line]) => {
        const present = before.get(name);
        return [name, present && isDeepStrictEqual(present.line, line) ? present : this.#use(name, line)];
      }),
    );
    for (const [name, use] of before) {
      if (!lines.has(name)) for (const end of [...use.ends.values()]) end();
    }
  }

  #use(name: string, line: CentralLine): Use {
    const { site, pool, clock } = this.#options;
    const source = sourceOf(line, pool) === "site" ? site.address : undefined;
    const state: LineState = {
      line: name,
      target: line.target.text,
      from: source,
      open: 0,
      opened: 0,
      limited: 0,
      unreachable: 0,
      ...(line.target.address.kind === "udp" && {
        datagrams: { received: 0, sent: 0, dropped: 0, lost: 0 },
      }),
    };
    const rate = new Rate(clock, line.opens_per_second);
    return { line, source, rate, state, ends: new Map() };
  }

  get states(): LineState[] {
    return [...this.#uses.values()].map(({ state }) => ({ ...state }));
  }

  /** Connections that somebody at the site may wait for. */
  get underWay(): number {
    return this.#unseen.young;
  }

  /** Joins a stream to the target of the line it names, or resets it. @param datagrams what the stream carries */
  accept(stream: Stream, datagrams: boolean): void {
    const use = this.#uses.get(stream.service);
    // the same to the agent in each case: what there is for others is not told
    if (!use) return this.#refuse(stream, "the site may not use a line of this name");
    const { address } = use.line.target;
    if (datagrams !== (address.kind === "udp")) {
      return this.#refuse(stream, `the line is not for ${datagrams ? "datagrams" : "connections"}`);
    }
    // a session has one stream for each of its datagram listeners
    const most = datagrams ? 1 : use.line.streams;
    if (use.state.open >= most || !use.rate.take()) {
      use.state.limited++;
      this.#note(use, "the site opens too many streams");
      stream.reset("limit");
      return;
    }
    use.state.open++;
    use.state.opened++;
    // it may be over before it has properly begun
    use.ends.set(stream, () => {});
    const end =
      address.kind === "udp" ? this.#forward(stream, use, address) : this.#connect(stream, use, address);
    if (use.ends.has(stream)) use.ends.set(stream, end);
  }

  #forward(stream: Stream, use: Use, address: UdpAddress): () => void {
    return forward(stream, {
      target: address,
      source: use.source,
      perSecond: use.line.datagrams_per_second,
      clock: this.#options.clock,
      open: this.#options.openSender,
      count: use.state.datagrams as DatagramCount,
      failed: (reason) => this.#note(use, reason),
      done: () => {
        use.state.open--;
        use.ends.delete(stream);
      },
    });
  }

  #connect(stream: Stream, use: Use, address: TcpAddress): () => void {
    const { dial, clock } = this.#options;
    const socket = dial(address, use.source);
    const leave = this.#unseen.enter();
    const timer = clock.after(use.line.connect_seconds * 1000, () =>
      socket.destroy(new Error("no connection in time")),
    );
    socket.once("connect", () => timer.cancel());
    socket.once("error", (error) => this.#note(use, error.message));
    const done = (outcome: "closed" | "socket-lost" | ResetReason) => {
      timer.cancel();
      leave();
      use.state.open--;
      use.ends.delete(stream);
      if (outcome === "targetUnreachable") use.state.unreachable++;
    };
    join(socket, stream, { unreachable: "targetUnreachable", deliver: "socket", done });
    return () => {
      stream.reset("serviceRefused");
      socket.destroy();
    };
  }

  #refuse(stream: Stream, reason: string): void {
    stream.reset("serviceRefused");
    const { site, log, refused, count } = this.#options;
    count?.();
    const line = stream.service;
    this.#refusals.note((untold) => {
      log.warn("line refused", { site: `${site.tenant}/${site.name}`, line, reason, untold });
      refused({ tenant: site.tenant, site: site.name, line, reason, untold });
    });
  }

  #note(use: Use, reason: string): void {
    const { tenant, name } = this.#options.site;
    this.#complaints.say({ site: `${tenant}/${name}`, line: use.state.line, reason });
  }
}
