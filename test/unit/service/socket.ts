/** A local socket that the test is the other end of. */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** What a service does with its socket, without a network: connects, fails and carries bytes when told to. */
export class FakeSocket extends Duplex {
  connecting = true;
  noDelay = false;
  bytesRead = 0;
  /** The other side was told by a reset, not by an end. */
  wasReset = false;
  #received: Buffer[] = [];
  #blocked: (() => void) | undefined;
  /** While true, what is written stays here. */
  blocking = false;

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: 16 << 10 });
  }

  /** What the target has got so far. */
  get received(): string {
    return Buffer.concat(this.#received).toString();
  }

  connect(): void {
    this.connecting = false;
    this.emit("connect");
  }

  /** The target sends. */
  answer(text: string | Buffer): void {
    this.bytesRead += Buffer.byteLength(text);
    this.push(text);
  }

  /** The target sends no more. */
  finish(): void {
    this.push(null);
  }

  setNoDelay(on: boolean): this {
    this.noDelay = on;
    return this;
  }

  resetAndDestroy(): this {
    this.wasReset = true;
    return this.destroy();
  }

  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  unblock(): void {
    this.blocking = false;
    const blocked = this.#blocked;
    this.#blocked = undefined;
    blocked?.();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      this.#received.push(Buffer.from(chunk));
      done();
    };
    if (this.blocking) this.#blocked = take;
    else take();
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }
}
