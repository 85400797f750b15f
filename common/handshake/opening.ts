/** The opening of a carrier, for both sides: one message, or one record, at a time, until a session takes over. */
import type { Carrier } from "../carrier/index.ts";
import type { Clock } from "../clock.ts";
import { FarsiteError } from "../errors.ts";
import { Link, type RecordCipher } from "../session/index.ts";

export class Opening {
  #link: Link | undefined;
  #waiting: PromiseWithResolvers<Buffer> | undefined;
  #kept: Buffer | undefined;
  #failed: FarsiteError | undefined;
  #abort: ((error: FarsiteError) => void) | undefined;
  readonly #timer;

  /** @param timeout ms for the whole opening, so that a silent or slow peer costs no more than that */
  constructor(
    private readonly carrier: Carrier,
    clock: Clock,
    timeout: number,
  ) {
    this.#timer = clock.after(timeout, () => {
      this.fail(
        new FarsiteError("E_HANDSHAKE_TIMEOUT", `the handshake did not finish in ${timeout / 1000} s`),
      );
    });
    carrier.attach({
      message: (bytes) => this.#onMessage(bytes),
      drain: () => this.#link?.onDrain(),
      close: (reason) => {
        this.#link?.onClose(reason);
        this.#settle(
          new FarsiteError("E_HANDSHAKE", `the connection closed during the handshake: ${reason}`),
        );
      },
    });
  }

  /** Runs the whole opening: when it throws, the carrier ends with that reason. */
  async conduct<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.fail(
        error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", "a fault in the handshake"),
      );
      throw error;
    } finally {
      this.#timer.cancel();
      this.#abort = undefined;
    }
  }

  /** The next handshake message. Throws when the carrier closes or the time is over. */
  message(): Promise<Buffer> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#kept) {
      const kept = this.#kept;
      this.#kept = undefined;
      return Promise.resolve(kept);
    }
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Keys are agreed: what comes from now on are records. Throws when a message came before its turn. */
  secure(cipher: RecordCipher): Link {
    if (this.#kept) throw tooMuch();
    this.#link = new Link(this.carrier, cipher);
    return this.#link;
  }

  /**
   * Waits for the first record and runs `take` on it before any later one is looked at, so that a session
   * can take the link over in between. Where none does, a second record ends the carrier.
   */
  record<T>(take: (record: Buffer, link: Link) => T): Promise<T> {
    const link = this.#link;
    if (!link) throw new FarsiteError("E_INTERNAL", "a record was awaited before keys were agreed");
    if (this.#failed) return Promise.reject(this.#failed);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#abort = reject;
    let taken = false;
    link.attach({
      record: (record) => {
        if (taken) return this.fail(tooMuch());
        taken = true;
        try {
          resolve(take(record, link));
        } catch (error) {
          reject(error);
        }
      },
      drain() {},
      close: reject,
    });
    return promise;
  }

  /** Ends the carrier, and whatever waits. */
  fail(error: FarsiteError): void {
    this.#settle(error);
    if (this.#link) this.#link.fail(error);
    else this.carrier.close(error.code);
  }

  #settle(error: FarsiteError): void {
    this.#timer.cancel();
    if (this.#failed) return;
    this.#failed = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    this.#abort?.(error);
  }

  #onMessage(bytes: Buffer): void {
    if (this.#link) {
      this.#link.onMessage(bytes);
    } else if (this.#waiting) {
      this.#waiting.resolve(bytes);
      this.#waiting = undefined;
    } else if (!this.#kept && !this.#failed) {
      this.#kept = bytes;
    } else {
      this.fail(tooMuch());
    }
  }
}

function tooMuch(): FarsiteError {
  return new FarsiteError("E_HANDSHAKE", "more was sent than the handshake has");
}
