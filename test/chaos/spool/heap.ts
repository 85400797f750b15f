/** Loaded into an agent before its own code: writes down what its heap holds, as often as whoever measures looks. */

import { heapStats } from "bun:jsc";
import { writeFileSync } from "node:fs";

/** ms; much less often than it takes. */
const SAMPLE = 250;
const file = process.env.FARSITE_HEAP_FILE;

if (file !== undefined) {
  setInterval(() => {
    const { heapSize, heapCapacity, extraMemorySize, objectCount } = heapStats();
    writeFileSync(file, JSON.stringify({ heapSize, heapCapacity, extraMemorySize, objectCount }));
  }, SAMPLE).unref();
}
