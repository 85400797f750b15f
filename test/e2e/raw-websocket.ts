/** WebSockets to a hub made by hand (RFC 6455), so that every rule can be broken. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";

export interface FrameOptions {
  /** 1 text, 2 binary (default), 0 continuation, 8 close, 9 ping. */
  opcode?: number;
  /** Whether it is the last of its message. Default true. */
  fin?: boolean;
  /** As every client must (section 5.1). Default true. */
  masked?: boolean;
  /** The three reserved bits. */
  reserved?: number;
  /** What the header says of the length; the truth if not given. */
  claimed?: number;
}

/** A frame from a client to a server (section 5.2). */
export function frame(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = 2, fin = true, masked = true, reserved = 0, claimed = payload.length } = options;
  const header = Buffer.alloc(10);
  header[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (masked ? 0x80 : 0) | 127;
  header.writeBigUInt64BE(BigInt(claimed), 2);
  // a mask of zeros leaves the payload as it is
  return Buffer.concat([header, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

/**
 * A TLS connection to a hub; its certificate is its own, and nothing is at stake.
 * @param from the client's address, of 127.0.0.0/8
 */
export async function openTls(port: number, from = "127.0.0.1"): Promise<TLSSocket> {
  const plain = connectTcp({ host: "127.0.0.1", port, localAddress: from });
  const socket = connect({ socket: plain, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return socket.on("error", () => {});
}

export class RawWebSocket {
  /** Of the answer to the upgrade: 101 when all is well. */
  status = 0;
  /** Payloads of the binary messages that came, in order. */
  readonly messages: Buffer[] = [];
  /** The code with which the hub closed, if it did so in good order. */
  closeCode: number | undefined;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<this>;
  #unread = Buffer.alloc(0);

  private constructor(readonly socket: TLSSocket) {
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this)));
  }

  /** Asks for a WebSocket at the hub's tunnel; see `status` for whether it is one. */
  static async open(port: number, from?: string): Promise<RawWebSocket> {
    const raw = new RawWebSocket(await openTls(port, from));
    const answered = new Promise<void>((resolve) => {
      raw.socket.on("data", (chunk: Buffer) => {
        raw.#read(chunk);
        if (raw.status !== 0) resolve();
      });
    });
    const key = randomBytes(16).toString("base64");
    raw.socket.write(
      `GET /tunnel HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await Promise.race([answered, raw.closed]);
    return raw;
  }

  /** Sends one frame, a binary message unless told otherwise. */
  send(payload: Uint8Array, options?: FrameOptions): void {
    this.socket.write(frame(payload, options));
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    if (this.status === 0) {
      const end = this.#unread.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.status = Number(this.#unread.toString("latin1", 9, 12));
      this.#unread = this.#unread.subarray(end + 4);
    }
    if (this.status === 101) while (this.#readFrame());
  }

  /** Takes one frame of the hub off what was read; hubs do not mask, and send no long frames here. */
  #readFrame(): boolean {
    const [first = 0, second = 0] = this.#unread;
    const long = second === 126;
    if (this.#unread.length < (long ? 4 : 2)) return false;
    const start = long ? 4 : 2;
    const end = start + (long ? this.#unread.readUInt16BE(2) : second);
    if (this.#unread.length < end) return false;
    const payload = this.#unread.subarray(start, end);
    if ((first & 0x0f) === 2) this.messages.push(payload);
    if ((first & 0x0f) === 8) this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    this.#unread = this.#unread.subarray(end);
    return true;
  }
}
