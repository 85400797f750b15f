/** Whether a local target takes connections now. */
import { dialTarget } from "./services.ts";
import type { Target } from "./target.ts";

/** ms to wait for a target. */
const PATIENCE = 2_000;

/** Connects and hangs up; undefined when that worked, else why it did not. */
export function probeTarget(target: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = dialTarget(target);
    socket.setTimeout(PATIENCE, () => {
      socket.destroy();
      resolve("no answer");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}
