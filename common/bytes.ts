/** Bytes of a fixed length inside MessagePack, for schemas. */
import { z } from "zod";

export const fixedBytes = (length: number) =>
  z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .refine((value) => value.length === length, `${length} bytes`);
