/** Finds what WebSocket messages hold in one direction of a connection's bytes (RFC 6455, section 5.2). */

const HEAD_END = "\r\n\r\n";
const CONTROL = 0x08;

type State =
  | { in: "head"; seen: string }
  | { in: "header"; bytes: number[] }
  | { in: "payload"; left: number; control: boolean };

export class PayloadFinder {
  #state: State = { in: "head", seen: "" };

  /** Where payload of messages lies in the next bytes: pairs of first and past-the-last index. */
  scan(chunk: Buffer): [from: number, to: number][] {
    const found: [number, number][] = [];
    for (let at = 0; at < chunk.length; ) {
      const state = this.#state;
      if (state.in === "payload") {
        const to = Math.min(chunk.length, at + state.left);
        if (!state.control) found.push([at, to]);
        state.left -= to - at;
        at = to;
        if (state.left === 0) this.#state = { in: "header", bytes: [] };
      } else if (state.in === "head") {
        state.seen = (state.seen + String.fromCharCode(chunk[at++] as number)).slice(-HEAD_END.length);
        if (state.seen === HEAD_END) this.#state = { in: "header", bytes: [] };
      } else {
        state.bytes.push(chunk[at++] as number);
        this.#state = payloadAfter(Buffer.from(state.bytes)) ?? state;
      }
    }
    return found;
  }
}

/** What follows a frame's header once that is whole. */
function payloadAfter(header: Buffer): State | undefined {
  if (header.length < 2) return undefined;
  const short = header.readUInt8(1) & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const maskBytes = header.readUInt8(1) & 0x80 ? 4 : 0;
  if (header.length < 2 + lengthBytes + maskBytes) return undefined;
  const left =
    lengthBytes === 0
      ? short
      : Number(lengthBytes === 2 ? header.readUInt16BE(2) : header.readBigUInt64BE(2));
  if (left === 0) return { in: "header", bytes: [] };
  return { in: "payload", left, control: (header.readUInt8(0) & CONTROL) !== 0 };
}
