/** Streams of one session: opens them, shares the session's records among them, delivers what comes. */

import type { Clock, Timer } from "../clock.ts";
import { Deque } from "../deque.ts";
import { FarsiteError } from "../errors.ts";
import { records } from "../session/index.ts";
import * as wire from "./frame.ts";
import { Packing } from "./packing.ts";
import { commit, release, room } from "./slab.ts";
import { MuxStream, PACKED_BODY, type Stream, type StreamOwner } from "./stream.ts";
import type { Traffic } from "./traffic.ts";

/** What the mux needs of the session below it. */
export interface FrameCarrier {
  /** There is something to pull. */
  wake(when?: "now" | "turn" | "next"): void;
  end(reason: FarsiteError): void;
}

export interface MuxHandlers {
  /** The other side opens a stream; attach handlers to it or reset it, before returning. */
  accept(stream: Stream): void;
  /** A control message; throws when it breaks the protocol. */
  control(body: Buffer): void;
}

export interface MuxOptions {
  /** The agent opens odd streams, the hub even ones. */
  side: "agent" | "hub";
  session: FrameCarrier;
  handlers: MuxHandlers;
  clock: Clock;
  /** Round-trip time of the session in ms, when it is known. */
  rtt: () => number | undefined;
  /** Most streams open at once, per session; each costs at most its credit in memory. Default 1,024. */
  maxStreams?: number;
  /** Where the bytes of a service's streams are counted; nowhere without it. */
  traffic?: (service: string) => Traffic;
}

/** Bytes of one stream in a record while others of its priority wait. */
const QUANTUM = 16 << 10;

/** Bytes of one packed body: what MAX_UNPACKED bytes of text pack into. On a thin line others wait for it. */
const PACKED_ROOM = 48 << 10;

/** A record is cut shorter on lines under about 64 Mbit/s. */
const THIN_RECORD = 32 << 10;

/** Frames other than DATA that may wait to be sent. */
const MAX_URGENT = 16_384;

/** Credit beyond the initial one that all streams of a session may have together. */
const MOST_WIDENED = 32 << 20;

/** ms for which somebody who was just sent something is taken to wait for more. */
const SHARED_FOR = 200;

/** ms for which what nobody waits for waits for a record to go with. */
const IDLE = 5;

/** Bytes to which bulk fills a record meanwhile: the work on it, at both ends, is what others wait for. */
const SHARED_RECORD = 32 << 10;

/** Services whose packing is remembered: the other side may make names up. */
const MOST_PACKINGS = 64;

/** Highest number of a stream: a u32. */
const MAX_STREAM = 0xffff_ffff;

export class Mux implements StreamOwner {
  readonly #side: "agent" | "hub";
  readonly #session: FrameCarrier;
  readonly #handlers: MuxHandlers;
  readonly #maxStreams: number;
  readonly #streams = new Map<number, MuxStream>();
  readonly #urgent = new Deque<Buffer>();
  readonly #ready: [Deque<MuxStream>, Deque<MuxStream>, Deque<MuxStream>] = [
    new Deque(),
    new Deque(),
    new Deque(),
  ];
  readonly #clock: Clock;
  readonly #rtt: () => number | undefined;
  readonly #traffic: ((service: string) => Traffic) | undefined;
  readonly #packings = new Map<string, Packing>();
  #lastReady: MuxStream | undefined;
  #idle: Timer | undefined;
  /** When data was last sent that is not bulk, and that is. */
  #interactiveAt = Number.NEGATIVE_INFINITY;
  #bulkAt = Number.NEGATIVE_INFINITY;
  #widened = 0;
  #lastOwn: number;
  #lastPeer: number;
  #over = false;

  constructor(options: MuxOptions) {
    this.#side = options.side;
    this.#session = options.session;
    this.#handlers = options.handlers;
    this.#maxStreams = options.maxStreams ?? 1024;
    this.#clock = options.clock;
    this.#rtt = options.rtt;
    this.#traffic = options.traffic;
    this.#lastOwn = this.#side === "agent" ? -1 : 0;
    this.#lastPeer = this.#side === "agent" ? 0 : -1;
  }

  /** Whether bulk is in use, and somebody waits for what goes beside it. */
  get shared(): boolean {
    const since = this.#clock.now() - SHARED_FOR;
    return this.#interactiveAt > since && this.#bulkAt > since;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Opens a stream; undefined when the session is over, has too many, or has too many frames to send. Bytes
   * may be written at once.
   * @param packed whether its data may be compressed, both ways
   */
  open(service: string, priority: wire.Priority, packed = false): Stream | undefined {
    if (this.#over || this.#streams.size >= this.#maxStreams) return undefined;
    // while nothing leaves, clients that come and go must not use up what is there for answers
    if (this.#urgent.length >= MAX_URGENT / 2) return undefined;
    if (this.#lastOwn + 2 > MAX_STREAM) {
      this.#session.end(new FarsiteError("E_LIMIT", "every stream number of this session has been used"));
      return undefined;
    }
    this.#lastOwn += 2;
    const stream = new MuxStream(
      this.#lastOwn,
      service,
      priority,
      this,
      packed ? this.#packing(service) : undefined,
      this.#traffic?.(service),
    );
    this.#streams.set(stream.id, stream);
    const name = Buffer.from(service, "latin1");
    const frame = this.#frame(wire.OPEN, stream.id, 1 + name.length, packed ? wire.PACKED : 0);
    frame[wire.HEADER] = priority;
    name.copy(frame, wire.HEADER + 1);
    this.#urgent.push(frame);
    // whoever opens it usually has a request that is about to be read: it shares the record
    this.#session.wake("next");
    return stream;
  }

  /** Tells the other side something; at most MAX_CONTROL bytes, or E_INTERNAL is thrown. */
  sendControl(body: Uint8Array): void {
    if (body.length > wire.MAX_CONTROL) {
      throw new FarsiteError("E_INTERNAL", `a control message of ${body.length} bytes is too long`);
    }
    const frame = this.#frame(wire.CONTROL, 0, body.length);
    frame.set(body, wire.HEADER);
    this.#send(frame);
  }

  /** The session is over: so is every stream. */
  end(): void {
    this.#over = true;
    this.#idle?.cancel();
    for (const stream of [...this.#streams.values()]) stream.onReset("sessionLost");
  }

  /**
   * Builds the next FRAMES record, or undefined when there is nothing to send.
   * @param lowest streams of this priority and better ones may send now
   * @param most bytes the record should hold at most; other frames than DATA may exceed that
   */
  pull(lowest: wire.Priority, most: number): Buffer | undefined {
    if (this.#urgent.length === 0 && !this.#anyReady(lowest)) return undefined;
    const record = room(records.MAX_RECORD);
    record[0] = records.FRAMES;
    let at: number = records.FRAMES_HEADER;
    for (
      let frame = this.#urgent.at(0);
      frame && at + frame.length <= records.MAX_RECORD;
      frame = this.#urgent.at(0)
    ) {
      at += frame.copy(record, at);
      this.#urgent.shift();
    }
    const taken: MuxStream[] = [];
    // a stream's data must not overtake its OPEN, which may be among what still waits
    for (let priority = 0; priority <= lowest && this.#urgent.length === 0; priority++) {
      const limit = priority === wire.BULK && this.shared ? Math.min(most, SHARED_RECORD) : most;
      at = this.#fill(record, at, limit, this.#ready[priority as wire.Priority], taken);
    }
    const built = at > records.FRAMES_HEADER ? commit(at) : undefined;
    for (const stream of taken) stream.afterTake();
    return built;
  }

  #anyReady(lowest: wire.Priority): boolean {
    for (let priority = 0; priority <= lowest; priority++) {
      if (this.#ready[priority as wire.Priority].length > 0) return true;
    }
    return false;
  }

  /** A record that `pull` gave has arrived. */
  acknowledged(record: Buffer): void {
    release(record);
  }

  /** Lets the streams of one priority put data into a record, in turns. */
  #fill(record: Buffer, from: number, most: number, queue: Deque<MuxStream>, taken: MuxStream[]): number {
    let at = from;
    while (at + wire.HEADER < most) {
      const stream = queue.shift();
      if (!stream) break;
      stream.queued = false;
      if (!stream.sendable || stream.finSent) continue;
      const space = most - at - wire.HEADER;
      const left = records.MAX_RECORD - at - wire.HEADER;
      const body = stream.body(
        record,
        at + wire.HEADER,
        queue.length > 0 ? Math.min(QUANTUM, space) : space,
        Math.min(left, queue.length > 0 ? QUANTUM : PACKED_ROOM),
        most < THIN_RECORD,
      );
      const packed = body >= PACKED_BODY;
      const length = packed ? body - PACKED_BODY : body;
      const fin = stream.finWanted && stream.pendingBytes === 0;
      if (fin) stream.finSent = true;
      const flags = (fin ? wire.FIN : 0) | (packed ? wire.PACKED : 0);
      wire.writeHeader(record, at, wire.DATA, flags, length, stream.id);
      at += wire.HEADER + length;
      if (!fin && stream.sendable) this.#enqueue(stream);
      taken.push(stream);
      if (stream.priority < wire.BULK) this.#interactiveAt = this.#clock.now();
      else this.#bulkAt = this.#clock.now();
    }
    return at;
  }

  /** Takes a FRAMES record apart. Throws when it breaks the protocol. */
  frames(record: Buffer): void {
    let at: number = records.FRAMES_HEADER;
    while (at < record.length) {
      if (at + wire.HEADER > record.length) throw wire.brokenFrame("header cut short");
      const type = record[at];
      const flags = record[at + 1] as number;
      const length = record.readUInt16BE(at + 2);
      const id = record.readUInt32BE(at + 4);
      at += wire.HEADER;
      if (at + length > record.length) throw wire.brokenFrame("body cut short");
      this.#dispatch(type, flags, id, record.subarray(at, at + length));
      if (this.#over) return;
      at += length;
    }
  }

  #dispatch(type: number | undefined, flags: number, id: number, body: Buffer): void {
    const known = type === wire.DATA ? wire.FIN | wire.PACKED : type === wire.OPEN ? wire.PACKED : 0;
    if ((flags & ~known) !== 0) throw wire.brokenFrame("unknown flags");
    switch (type) {
      case wire.DATA:
        this.#find(id)?.onData(body, (flags & wire.FIN) !== 0, (flags & wire.PACKED) !== 0);
        return;
      case wire.OPEN:
        this.#onOpen(id, body, (flags & wire.PACKED) !== 0);
        return;
      case wire.CREDIT:
        if (body.length !== 4) throw wire.brokenFrame("CREDIT length");
        this.#find(id)?.onCredit(body.readUInt32BE(0));
        return;
      case wire.RESET:
        if (body.length !== 2) throw wire.brokenFrame("RESET length");
        this.#find(id)?.onReset(wire.resetReason(body.readUInt16BE(0)));
        return;
      case wire.CONTROL:
        if (id !== 0 || body.length > wire.MAX_CONTROL) throw wire.brokenFrame("CONTROL stream or length");
        this.#handlers.control(body);
        return;
      default:
        throw wire.brokenFrame(`unknown type ${type}`);
    }
  }

  #onOpen(id: number, body: Buffer, packed: boolean): void {
    const own = id % 2 === (this.#side === "agent" ? 1 : 0);
    if (own || id <= this.#lastPeer) throw wire.brokenFrame(`OPEN of stream ${id}`);
    const priority = body[0];
    const service = body.toString("latin1", 1);
    if (!wire.isPriority(priority)) throw wire.brokenFrame("OPEN priority");
    if (service.length > wire.MAX_SERVICE_NAME || !/^[a-z][a-z0-9-]*$/.test(service)) {
      throw wire.brokenFrame("OPEN service name");
    }
    this.#lastPeer = id;
    const stream = new MuxStream(
      id,
      service,
      priority,
      this,
      packed ? this.#packing(service) : undefined,
      this.#traffic?.(service),
    );
    if (this.#streams.size >= this.#maxStreams) {
      this.sendReset(stream, "limit");
      return;
    }
    this.#streams.set(id, stream);
    this.#handlers.accept(stream);
  }

  /** The stream of a frame; undefined when it is gone here while frames of it were still on their way. */
  #find(id: number): MuxStream | undefined {
    const stream = this.#streams.get(id);
    if (stream) return stream;
    const last = id % 2 === (this.#side === "agent" ? 1 : 0) ? this.#lastOwn : this.#lastPeer;
    if (id === 0 || id > last) throw wire.brokenFrame(`stream ${id} was never opened`);
    return undefined;
  }

  ready(stream: MuxStream, idle = false): void {
    if (!stream.queued && stream.sendable && !stream.finSent) {
      this.#enqueue(stream);
      if (idle) {
        this.#idle ??= this.#clock.after(IDLE, () => {
          this.#idle = undefined;
          this.#session.wake();
        });
        return;
      }
      // a short exchange that is alone need not wait for others that would share its record
      const alone = stream === this.#lastReady && stream.pendingBytes < QUANTUM;
      this.#session.wake(alone ? "now" : "turn");
      this.#lastReady = stream;
    }
  }

  credit(stream: MuxStream, bytes: number): void {
    const frame = this.#frame(wire.CREDIT, stream.id, 4);
    frame.writeUInt32BE(bytes, wire.HEADER);
    this.#send(frame);
  }

  /** Doubles a window that is used up within two round trips: then the line waits for credit. */
  widen(stream: MuxStream, window: number): number {
    const now = this.#clock.now();
    const elapsed = now - stream.grantedAt;
    stream.grantedAt = now;
    // on a machine or a LAN, what takes the time is the turns of the two event loops
    if (elapsed * 2 > Math.max(1, this.#rtt() ?? 0)) return 0;
    const extra = Math.max(0, Math.min(window, wire.MOST_CREDIT - window, MOST_WIDENED - this.#widened));
    this.#widened += extra;
    return extra;
  }

  sendReset(stream: MuxStream, reason: wire.ResetReason): void {
    const frame = this.#frame(wire.RESET, stream.id, 2);
    frame.writeUInt16BE(wire.RESET_CODES[reason], wire.HEADER);
    this.#send(frame);
  }

  gone(stream: MuxStream): void {
    if (this.#streams.delete(stream.id)) this.#widened -= stream.widened;
    if (this.#lastReady === stream) this.#lastReady = undefined;
  }

  #packing(service: string): Packing {
    const known = this.#packings.get(service) ?? new Packing();
    if (this.#packings.size < MOST_PACKINGS) this.#packings.set(service, known);
    return known;
  }

  #enqueue(stream: MuxStream): void {
    stream.queued = true;
    this.#ready[stream.priority].push(stream);
  }

  #frame(type: number, stream: number, length: number, flags = 0): Buffer {
    const frame = Buffer.allocUnsafe(wire.HEADER + length);
    wire.writeHeader(frame, 0, type, flags, length, stream);
    return frame;
  }

  #send(frame: Buffer): void {
    // only a peer that asks for answers and never takes them gets here
    if (this.#urgent.length >= MAX_URGENT) {
      this.#session.end(new FarsiteError("E_LIMIT", `${MAX_URGENT} control frames wait to be sent`));
      return;
    }
    this.#urgent.push(frame);
    this.#session.wake();
  }
}
