/**
 * A client that sends exactly what it is told to, reads or does not, and tells every byte that came and how
 * the server ended the conversation: what must be the same through the tunnel as at the core's own socket.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { Target } from "../../lab/livestatus.ts";

/** Ends the sending direction and goes on reading. */
export const HALF_CLOSE = Symbol("half-close");
export type Step = string | Uint8Array | typeof HALF_CLOSE;

export interface Outcome {
  bytes: Buffer;
  /** "closed" by the server, or the error that the connection failed with, such as ECONNRESET. */
  ending: string;
}

/** ms until a conversation must be over. */
const LIMIT = 30_000;
/** ms between two writes that shall not arrive as one. */
const APART = 5;

export class Client {
  /** What came until the server ended it. Rejects when that takes too long, or when this side gave up. */
  readonly outcome: Promise<Outcome>;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #received = 0;
  #over = false;

  constructor(readonly target: Target) {
    this.#socket = connect({
      ...("unix" in target ? { path: target.unix } : target),
      allowHalfOpen: true,
      noDelay: true,
    });
    this.outcome = this.#watch();
    // who is only interested in some of the bytes does not ask for the outcome
    this.outcome.catch(() => {});
  }

  get received(): number {
    return this.#received;
  }

  send(bytes: string | Uint8Array): this {
    this.#socket.write(bytes);
    return this;
  }

  halfClose(): this {
    this.#socket.end();
    return this;
  }

  /** Stops reading: the kernel's buffers fill up, then the server's. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Goes away without a word, whatever is still to come. */
  abandon(): void {
    this.#socket.destroy();
  }

  /** Resolves when so many bytes have come. */
  async atLeast(bytes: number): Promise<void> {
    while (this.#received < bytes) {
      if (this.#over) throw new Error(`it was over after ${this.#received} of ${bytes} bytes`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #watch(): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.destroy();
        reject(new Error(`no end in ${LIMIT} ms; ${this.#received} bytes came`));
      }, LIMIT);
      const end = (ending: string) => resolve({ bytes: Buffer.concat(this.#chunks), ending });
      this.#socket.on("data", (chunk: Buffer) => {
        this.#chunks.push(chunk);
        this.#received += chunk.length;
        this.#wake();
      });
      this.#socket.on("end", () => end("closed"));
      this.#socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      this.#socket.on("close", () => {
        clearTimeout(timer);
        this.#over = true;
        this.#wake();
        reject(new Error("this side gave up"));
      });
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A client that leaves at the end of the test if it has not left before. */
export function visit(target: Target): Client {
  const client = new Client(target);
  onTestFinished(() => client.abandon());
  return client;
}

/** Takes the steps one after another, far enough apart to arrive so, and waits for the server to end it. */
export async function converse(target: Target, ...steps: readonly Step[]): Promise<Outcome> {
  const client = new Client(target);
  for (const [index, step] of steps.entries()) {
    if (step === HALF_CLOSE) client.halfClose();
    else client.send(step);
    if (index < steps.length - 1) await delay(APART);
  }
  return client.outcome.finally(() => client.abandon());
}

/** An outcome in a form that fails readably: small ones as they are, large ones by their digest. */
export function shown({ bytes, ending }: Outcome): Record<string, unknown> {
  const text = bytes.toString("latin1");
  const content = bytes.length <= 4_096 ? text : { sha256: sha256(bytes), beginning: text.slice(0, 200) };
  return { ending, length: bytes.length, content };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
