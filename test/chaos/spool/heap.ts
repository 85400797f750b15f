/**
 * Loaded into an agent before its own code: writes down what its heap held at its last collection. To count it anew
 * would stop the agent for 10 ms each time, and whoever asks through it.
 */

import { writeFileSync } from "node:fs";

/** ms; much less often than it takes. */
const SAMPLE = 250;
const file = process.env.FARSITE_HEAP_FILE;

if (file !== undefined) {
  setInterval(() => {
    writeFileSync(file, JSON.stringify({ heapSize: process.memoryUsage().heapUsed }));
  }, SAMPLE).unref();
}
