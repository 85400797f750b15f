/** Which of Checkmk's spool files are notifications that want to be forwarded. */
import { type PythonValue, parsePython } from "../../../common/python/index.ts";

/** Bytes of a spool file; Checkmk's own have about 10 KiB. */
export const MAX_SPOOL_FILE = 1 << 20;
const LIMITS = { length: MAX_SPOOL_FILE, depth: 8, values: 20_000 };

/** A notification's macros by name. */
export type Context = Map<string, string>;

/**
 * The context of a notification that is marked for forwarding; undefined when the file is for somebody else: for
 * delivery here, or the result of one. Throws an Error when it is none of Checkmk's spool files.
 */
export function readNotification(bytes: Uint8Array): Context | undefined {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const value = parsePython(text, LIMITS);
  if (!(value instanceof Map)) throw new Error("it is no dict");
  const context = value.get("context");
  if (context === undefined && !value.has("plugin")) throw new Error("it has no context");
  if (value.get("forward") !== true) return undefined;
  // what came of a delivery is for the spooler that asked for it
  if (value.has("plugin") || value.has("status")) return undefined;
  return readContext(context);
}

function readContext(value: PythonValue | undefined): Context {
  if (!(value instanceof Map)) throw new Error("its context is no dict");
  const context: Context = new Map();
  for (const [name, macro] of value) {
    if (typeof name !== "string" || typeof macro !== "string") {
      throw new Error("its context has other things than texts in it");
    }
    context.set(name, macro);
  }
  return context;
}
