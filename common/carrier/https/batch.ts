/** Messages in the body of one request or answer: each with its length in front, back to back. */
import { FarsiteError } from "../../errors.ts";
import { MAX_BATCH, PREFIX_BYTES } from "./wire.ts";

/** The body that holds `messages`, in order. */
export function encodeBatch(messages: readonly Uint8Array[]): Buffer {
  const body = Buffer.allocUnsafe(messages.reduce((sum, each) => sum + PREFIX_BYTES + each.length, 0));
  let at = 0;
  for (const message of messages) {
    at = body.writeUInt16BE(message.length, at);
    body.set(message, at);
    at += message.length;
  }
  return body;
}

/** The messages in `body`, which they share. Throws E_PROTOCOL when it is not what `encodeBatch` makes. */
export function decodeBatch(body: Buffer): Buffer[] {
  if (body.length > MAX_BATCH) throw malformed("too long");
  const messages: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const start = at + PREFIX_BYTES;
    if (start > body.length) throw malformed("cut short");
    const end = start + body.readUInt16BE(at);
    if (end === start) throw malformed("with an empty message");
    if (end > body.length) throw malformed("cut short");
    messages.push(body.subarray(start, end));
    at = end;
  }
  return messages;
}

function malformed(how: string): FarsiteError {
  return new FarsiteError("E_PROTOCOL", `a batch of messages is ${how}`);
}
