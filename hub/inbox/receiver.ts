/** The hub's end of a stream of the service `outbox`. */
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { unpack } from "../../common/msgpack.ts";
import type { Stream } from "../../common/mux/index.ts";
import {
  ACK,
  ANSWER,
  HELLO,
  type Hello,
  hello,
  ITEM,
  MessageReader,
  message,
  REFUSED,
  readItem,
} from "../../common/outbox/index.ts";
import type { Box, Listener } from "./box.ts";

const FROM_AGENT: ReadonlySet<number> = new Set([HELLO, ITEM]);

export interface ReceiverOptions {
  stream: Stream;
  /** The box of a lane; undefined when the hub takes nothing of it. */
  box: (lane: string) => Promise<Box | undefined>;
  log: Log;
}

export class Receiver implements Listener {
  readonly #options: ReceiverOptions;
  readonly #reader = new MessageReader(FROM_AGENT);
  #hello: Hello | undefined;
  #epoch = "";
  #box: Box | undefined;
  #last = 0;
  /** Bytes that are held back, so that the agent sends no more. */
  #owed = 0;
  #over = false;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    options.stream.attach({
      data: (chunk) => this.#onData(chunk),
      end: () => {
        options.stream.reset("cancelled");
        this.#leave();
      },
      drain: () => {},
      reset: () => this.#leave(),
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    try {
      for (const { type, body } of this.#reader.read(chunk)) this.#onMessage(type, body);
    } catch (error) {
      this.#options.log.warn("an outbox's stream broke the protocol", { reason: reasonOf(error) });
      this.#options.stream.reset("internal");
      this.#leave();
      return;
    }
    if (this.#box?.full) this.#owed += chunk.length;
    else this.#options.stream.consumed(chunk.length);
  }

  #onMessage(type: number, body: Buffer): void {
    if (this.#over) return;
    if (type === HELLO) {
      if (this.#hello) throw new FarsiteError("E_PROTOCOL", "HELLO came twice");
      this.#hello = unpack(hello, body, "HELLO");
      void this.#open(this.#hello);
      return;
    }
    if (!this.#box) throw new FarsiteError("E_PROTOCOL", "an item came before HELLO was answered");
    const { head, sealed } = readItem(body);
    if (head.number <= this.#last) throw new FarsiteError("E_PROTOCOL", "an item's number is not rising");
    this.#last = head.number;
    this.#box.receive(this.#epoch, head, Buffer.from(sealed));
  }

  async #open({ lane, epoch, first }: Hello): Promise<void> {
    const { box, stream, log } = this.#options;
    try {
      const found = await box(lane);
      if (this.#over) return;
      if (!found) {
        stream.reset("serviceRefused");
        this.#leave();
        return;
      }
      this.#epoch = Buffer.from(epoch).toString("hex");
      this.#box = found;
      found.attach(this.#epoch, first, this);
    } catch (error) {
      log.error("an inbox cannot be opened", { lane, reason: reasonOf(error) });
      stream.reset("internal");
      this.#leave();
    }
  }

  acknowledge(number: number, note: string | undefined): void {
    this.#options.stream.write(message(ACK, note === undefined ? { number } : { number, note }));
  }

  refuse(number: number, reason: string): void {
    this.#options.stream.write(message(REFUSED, { number, reason }));
  }

  answer(number: number, answer: Uint8Array): void {
    this.#options.stream.write(message(ANSWER, { number, answer }));
  }

  room(): void {
    if (this.#owed === 0) return;
    const bytes = this.#owed;
    this.#owed = 0;
    this.#options.stream.consumed(bytes);
  }

  replaced(): void {
    if (this.#over) return;
    this.#options.stream.reset("cancelled");
    this.#over = true;
  }

  #leave(): void {
    this.#over = true;
    this.#box?.detach(this);
  }
}
