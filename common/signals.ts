/** Signals from whoever runs this process. */

/** Resolves with the first signal that asks this process to stop. */
export function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

/** Calls back with every SIGHUP, which asks for the configuration to be read again, until what it gives is called. */
export function onHangup(act: () => void): () => void {
  process.on("SIGHUP", act);
  return () => void process.off("SIGHUP", act);
}
