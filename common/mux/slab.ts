/**
 * Room to build records in, shared by all sessions of a process. A record is built in the slab's free tail
 * without knowing its size; a large one stays there, a small one is copied out, so that a few kept bytes
 * never pin a whole slab.
 */
const SLAB = 1 << 20;
const SMALL = 8 << 10;

let slab: Buffer = Buffer.alloc(0);
let used = 0;

/** At least `bytes` of room; valid until the next call of `room` or `commit`. */
export function room(bytes: number): Buffer {
  if (slab.length - used < bytes) {
    slab = Buffer.allocUnsafeSlow(SLAB);
    used = 0;
  }
  return slab.subarray(used, used + bytes);
}

/** Keeps the first `length` bytes of what `room` gave, as a buffer of its own. */
export function commit(length: number): Buffer {
  const built = slab.subarray(used, used + length);
  if (length >= SMALL) {
    used += length;
    return built;
  }
  const copy = Buffer.allocUnsafeSlow(length);
  built.copy(copy);
  return copy;
}
