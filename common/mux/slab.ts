/**
 * Room to build records in, shared by all sessions of a process. A record is built in the free tail of a slab
 * without its size being known; a large one stays there, a small one is copied out, so that a few kept bytes
 * never pin a whole slab. Slabs are used again once all their records are released: fresh memory costs more
 * (page faults, garbage collection) than all that is done with it.
 */
const SLAB = 1 << 20;
const SMALL = 8 << 10;
/** Slabs kept for use again: more would hold on to the memory of a burst. */
const MOST_FREE = 8;

interface Slab {
  readonly bytes: Buffer;
  /** Records in it that were not released yet. */
  live: number;
}

const slabs = new WeakMap<ArrayBufferLike, Slab>();
const free: Slab[] = [];
let current: Slab | undefined;
let used = 0;

/** At least `bytes` of room; valid until the next call of `room` or `commit`. */
export function room(bytes: number): Buffer {
  if (!current || SLAB - used < bytes) {
    const full = current;
    current = free.pop() ?? make();
    used = 0;
    if (full) recycle(full);
  }
  return current.bytes.subarray(used, used + bytes);
}

/** Keeps the first `length` bytes of what `room` gave, until they are released. */
export function commit(length: number): Buffer {
  const slab = current as Slab;
  const built = slab.bytes.subarray(used, used + length);
  if (length < SMALL) {
    const copy = Buffer.allocUnsafeSlow(length);
    built.copy(copy);
    return copy;
  }
  used += length;
  slab.live++;
  return built;
}

/** A record that `commit` gave is not needed any more; it must not be looked at again. */
export function release(record: Buffer): void {
  const slab = record.length < SMALL ? undefined : slabs.get(record.buffer);
  if (!slab) return;
  slab.live--;
  if (slab !== current) recycle(slab);
}

function recycle(slab: Slab): void {
  if (slab.live === 0 && free.length < MOST_FREE) free.push(slab);
}

function make(): Slab {
  const bytes = Buffer.allocUnsafeSlow(SLAB);
  const slab = { bytes, live: 0 };
  slabs.set(bytes.buffer, slab);
  return slab;
}
