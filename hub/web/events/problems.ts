/** Tells one reader that problems changed: how many nobody handles, and that it is time to look again. */
import type { Clock, Timer } from "../../../common/clock.ts";
import type { Counts, ProblemChanges } from "../../problems/index.ts";

/** ms in which changes are put together. */
export const PROBLEM_WINDOW = 500;

export interface ProblemNews {
  changed(changes: Pick<ProblemChanges, "unhandled">): void;
  /** The reader can take more again. */
  drained(): void;
  close(): void;
}

/**
 * Only the last count waits for a slow reader.
 * @param ready the reader can take more
 */
export function problemNews(
  clock: Clock,
  ready: () => boolean,
  send: (unhandled: number) => void,
): ProblemNews {
  let latest: number | undefined;
  let timer: Timer | undefined;
  let closed = false;
  const tell = () => {
    if (latest === undefined || timer || !ready()) return;
    send(latest);
    latest = undefined;
  };
  return {
    changed({ unhandled }) {
      if (closed) return;
      latest = total(unhandled);
      timer ??= clock.after(PROBLEM_WINDOW, () => {
        timer = undefined;
        tell();
      });
    },
    drained: tell,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
