/** MessagePack for everything that is not on the data path, checked against a schema when read. */
// the two parts alone: the whole package brings streams and 10 MiB of memory
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { z } from "zod";
import { FarsiteError } from "./errors.ts";
import { checkPlain } from "./msgpack-plain.ts";

// plain MessagePack: no record extension, maps as objects, so that any implementation can speak it
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: false });
// others may write a time in ms as a 64-bit integer, which is a number here all the same
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export function pack(value: unknown): Buffer {
  // msgpackr packs into a buffer that it goes on using
  return Buffer.from(packr.pack(value));
}

/** Reads what the other side sent; `what` names it in the error. Throws E_PROTOCOL. */
export function unpack<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    checkPlain(bytes);
    value = unpackr.unpack(bytes);
  } catch {
    throw new FarsiteError("E_PROTOCOL", `${what} is not plain MessagePack`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
  throw new FarsiteError("E_PROTOCOL", `${what} is not as agreed: ${where}`);
}
