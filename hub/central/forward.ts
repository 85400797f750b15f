/** The datagrams of one stream, sent on to a target as they come. */

import type { Clock } from "../../common/clock.ts";
import { DatagramReader } from "../../common/datagram.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Stream } from "../../common/mux/index.ts";
import { Rate } from "../../common/rate.ts";
import type { OpenSender, Sender, UdpAddress } from "./dial.ts";

/** Pieces that may wait until a target's name is resolved: few, since each costs more than its bytes. */
const MOST_WAITING = 1024;

/** Of one site and line, since the hub's start. */
export interface DatagramCount {
  /** Came from the site. */
  received: number;
  /** Went to the target. */
  sent: number;
  /** Not sent on: too many within a second. */
  dropped: number;
  /** Not taken by the target's host, or by this one. */
  lost: number;
}

export interface ForwardOptions {
  target: UdpAddress;
  source: string | undefined;
  perSecond: number;
  clock: Clock;
  open: OpenSender;
  count: DatagramCount;
  failed: (reason: string) => void;
  done: () => void;
}

/**
 * Reads datagrams from `stream` until it ends. What comes in too large numbers is dropped, never held: a site must
 * not fill the hub's memory by sending faster than its target takes. Nothing is sent back. Gives how to end it: the
 * line is not there any more.
 */
export function forward(stream: Stream, options: ForwardOptions): () => void {
  const { count, failed, done } = options;
  const rate = new Rate(options.clock, options.perSecond);
  /** Copies, until the sender is ready; together no more than a stream's first credit. */
  let waiting: Buffer[] | undefined = [];
  let over = false;

  const reader = new DatagramReader((datagram) => {
    count.received++;
    if (rate.take()) sender.send(datagram);
    else count.dropped++;
  });
  const close = () => {
    if (over) return;
    over = true;
    waiting = undefined;
    sender.close();
    done();
  };
  const take = (chunk: Buffer) => {
    if (over) return;
    try {
      reader.push(chunk);
      stream.consumed(chunk.length);
    } catch (error) {
      failed(reasonOf(error));
      stream.reset("internal");
      close();
    }
  };
  const sender: Sender = options.open(options.target, options.source, {
    ready: () => {
      const held = waiting ?? [];
      waiting = undefined;
      for (const chunk of held) take(chunk);
    },
    sent: () => {
      count.sent++;
    },
    lost: (reason) => {
      count.lost++;
      failed(reason);
    },
    failed: (reason) => {
      if (over) return;
      failed(reason);
      stream.reset("targetUnreachable");
      close();
    },
  });

  stream.attach({
    data: (chunk) => {
      if (!waiting) take(chunk);
      else if (waiting.length < MOST_WAITING) waiting.push(Buffer.from(chunk));
      else {
        stream.reset("limit");
        close();
      }
    },
    // the agent sends no more; nothing ever went the other way
    end: () => {
      stream.end();
      close();
    },
    drain: () => {},
    reset: close,
  });
  return () => {
    stream.reset("serviceRefused");
    close();
  };
}
