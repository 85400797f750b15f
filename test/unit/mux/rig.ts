/** Muxes to test: one alone, whose session the test plays, and two on sessions over carriers in memory. */
import { FakeClock } from "../../../common/clock.ts";
import type { FarsiteError } from "../../../common/errors.ts";
import * as frame from "../../../common/mux/frame.ts";
import { type FrameCarrier, Mux } from "../../../common/mux/mux.ts";
import type { Stream, StreamHandlers } from "../../../common/mux/stream.ts";
import type { SessionLimits } from "../../../common/session/options.ts";
import { FRAMES, FRAMES_HEADER, MAX_RECORD } from "../../../common/session/record.ts";
import { Session } from "../../../common/session/session.ts";
import { connect, Dice, settle, type Wire } from "../session/rig.ts";

export { Dice, forSeeds, settle, turns } from "../session/rig.ts";

/** The header of a FRAMES record that acknowledges nothing. */
export const HEADER = Buffer.alloc(FRAMES_HEADER, FRAMES);

/** Any frame, also one that no mux would send; `length` when it is to claim another than that of its body. */
export function raw(type: number, flags: number, id: number, body: Uint8Array, length = body.length): Buffer {
  const header = Buffer.alloc(8);
  header[0] = type;
  header[1] = flags;
  header.writeUInt16BE(length, 2);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, body]);
}

export function open(
  id: number,
  service = "livestatus",
  priority: number = frame.INTERACTIVE,
  flags = 0,
): Buffer {
  return raw(frame.OPEN, flags, id, Buffer.concat([Buffer.of(priority), Buffer.from(service, "latin1")]));
}

export function data(id: number, bytes: string | Uint8Array, flags = 0): Buffer {
  return raw(frame.DATA, flags, id, Buffer.from(bytes as Uint8Array));
}

export function fin(id: number, bytes: string | Uint8Array = ""): Buffer {
  return data(id, bytes, frame.FIN);
}

export function credit(id: number, bytes: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(bytes);
  return raw(frame.CREDIT, 0, id, body);
}

export function reset(id: number, code: number): Buffer {
  const body = Buffer.alloc(2);
  body.writeUInt16BE(code);
  return raw(frame.RESET, 0, id, body);
}

export function control(body: string | Uint8Array): Buffer {
  return raw(frame.CONTROL, 0, 0, Buffer.from(body as Uint8Array));
}

export interface Frame {
  type: number;
  flags: number;
  id: number;
  body: Buffer;
}

/** The frames of a record, read by the layout and not by the code under test. */
export function framesOf(record: Buffer): Frame[] {
  if (record[0] !== FRAMES) throw new Error(`a record of kind ${record[0]}`);
  const frames: Frame[] = [];
  for (let at = FRAMES_HEADER; at < record.length; ) {
    const length = record.readUInt16BE(at + 2);
    const [type, flags] = [record[at]!, record[at + 1]!];
    frames.push({
      type,
      flags,
      id: record.readUInt32BE(at + 4),
      body: record.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length;
  }
  return frames;
}

const NAMES = ["", "OPEN", "DATA", "CREDIT", "RESET", "CONTROL"];

/** A frame in short: `DATA 1 +5 fin`; what is packed has its length as it travels. */
export function brief({ type, flags, id, body }: Frame): string {
  const detail =
    type === frame.RESET || type === frame.CREDIT ? body.readUIntBE(0, body.length) : `+${body.length}`;
  const marks = [flags & frame.FIN ? " fin" : "", flags & frame.PACKED ? " packed" : ""];
  return `${NAMES[type]} ${id} ${detail}${marks.join("")}`;
}

/** Takes what a stream gives and fails when it comes in an order that the seam forbids. */
export class Tap implements StreamHandlers {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  ended = false;
  drains = 0;
  resetBy: frame.ResetReason | undefined;
  /** What a test does from within a handler. */
  on: Partial<StreamHandlers> = {};

  /** @param consuming whether it says at once that it consumed what came */
  constructor(
    readonly stream: Stream,
    private readonly consuming = true,
  ) {
    stream.attach(this);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  data(chunk: Buffer): void {
    this.#notAfterReset("data");
    if (this.ended) throw new Error("data after the end");
    if (chunk.length === 0) throw new Error("empty data");
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.consuming) this.stream.consumed(chunk.length);
    this.on.data?.(chunk);
  }

  end(): void {
    this.#notAfterReset("end");
    if (this.ended) throw new Error("a second end");
    this.ended = true;
    this.on.end?.();
  }

  drain(): void {
    this.#notAfterReset("drain");
    this.drains++;
    this.on.drain?.();
  }

  reset(reason: frame.ResetReason): void {
    this.#notAfterReset("reset");
    this.resetBy = reason;
    this.on.reset?.(reason);
  }

  #notAfterReset(what: string): void {
    if (this.resetBy) throw new Error(`${what} after reset`);
  }
}

export interface MuxSideOptions {
  maxStreams?: number;
  /** What is done with a stream that the other side opens, after its tap was attached. */
  accept?: (tap: Tap) => void;
  /** Whether taps of accepted streams consume what comes. */
  consuming?: boolean;
  control?: (body: Buffer) => void;
  /** Time as the mux sees it; if not given one that stands still, or that of the session it is on. */
  clock?: FakeClock;
  /** Unknown if not given, or that of the session it is on. */
  rtt?: () => number | undefined;
}

/** A mux and all that it handed up. */
class MuxSide {
  readonly mux: Mux;
  readonly accepted: Tap[] = [];
  readonly controls: string[] = [];

  constructor(side: "agent" | "hub", session: FrameCarrier, options: MuxSideOptions) {
    this.mux = new Mux({
      side,
      session,
      handlers: {
        accept: (stream) => {
          const tap = new Tap(stream, options.consuming ?? true);
          this.accepted.push(tap);
          options.accept?.(tap);
        },
        control: options.control ?? ((body) => void this.controls.push(`${body}`)),
      },
      clock: options.clock ?? new FakeClock(),
      rtt: options.rtt ?? (() => undefined),
      ...(options.maxStreams === undefined ? {} : { maxStreams: options.maxStreams }),
    });
  }

  /** Opens a stream and taps it. */
  open(
    service = "livestatus",
    priority: frame.Priority = frame.INTERACTIVE,
    consuming = true,
    packed = false,
  ): Tap {
    return new Tap(this.mux.open(service, priority, packed)!, consuming);
  }
}

/** One mux, by default the hub's; the test is its session and the other side. */
export class Lone extends MuxSide {
  readonly ends: FarsiteError[] = [];
  /** How it asked for records to be taken. */
  readonly wakes: string[] = [];

  constructor(options: MuxSideOptions & { side?: "agent" | "hub" } = {}) {
    const end = (reason: FarsiteError) => {
      this.ends.push(reason);
      this.mux.end();
    };
    super(options.side ?? "hub", { wake: (when = "turn") => void this.wakes.push(when), end }, options);
  }

  /** Gives it a record of these frames. */
  feed(...frames: Buffer[]): void {
    this.mux.frames(Buffer.concat([HEADER, ...frames]));
  }

  /** The frames of the next record it sends; none when there is nothing to send. */
  next(): Frame[] {
    const record = this.mux.pull(2, MAX_RECORD);
    return record ? framesOf(record) : [];
  }

  /** All it has to send, in short, one list per record. */
  flush(): string[][] {
    const records: string[][] = [];
    for (let frames = this.next(); frames.length > 0; frames = this.next()) records.push(frames.map(brief));
    return records;
  }
}

/** A mux on its session. */
export class Side extends MuxSide {
  readonly ends: FarsiteError[] = [];
  readonly session: Session;

  constructor(
    side: "agent" | "hub",
    clock: FakeClock,
    options: MuxSideOptions & { limits?: Partial<SessionLimits> },
  ) {
    const session = new Session(new Uint8Array(16), {
      clock,
      random: new Dice(1),
      limits: options.limits ?? {},
      defer: queueMicrotask,
    });
    super(side, session, { clock, rtt: () => session.rtt, ...options });
    this.session = session;
    session.attach({
      pull: (lowest, most) => this.mux.pull(lowest, most),
      acknowledged: (record) => {
        // whoever sends it again, or shares its memory, sends nonsense
        record.fill(0xff);
        this.mux.acknowledged(record);
      },
      frames: (record) => this.mux.frames(record),
      carrier() {},
      goAway() {},
      end: (reason) => {
        this.ends.push(reason);
        this.mux.end();
      },
    });
  }
}

export interface Pair {
  clock: FakeClock;
  agent: Side;
  hub: Side;
  over: Wire;
}

/** Two muxes on two sessions over one carrier. */
export function muxPair(
  options: { agent?: MuxSideOptions; hub?: MuxSideOptions; limits?: Partial<SessionLimits> } = {},
): Pair {
  const clock = new FakeClock();
  const limits = options.limits ?? {};
  const agent = new Side("agent", clock, { ...options.agent, limits });
  const hub = new Side("hub", clock, { ...options.hub, limits });
  return { clock, agent, hub, over: connect(agent.session, hub.session) };
}

/** Opens a stream from the hub to the agent and gives both its ends. */
export async function stream(pair: Pair, consuming = true): Promise<{ near: Tap; far: Tap }> {
  const near = pair.hub.open("livestatus", frame.INTERACTIVE, consuming);
  await settle();
  return { near, far: pair.agent.accepted.at(-1)! };
}
