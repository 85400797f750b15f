/** Whether the registry answers, for the watchdog: without it no agent gets in, and nothing can be changed. */
import type { Vital } from "../../common/watchdog.ts";
import type { Store } from "./store/index.ts";

/** ms for an answer: a disk that flushes what others write may take many seconds. */
const PATIENCE = 60_000;

/** Asks the database at every pulse, one question at a time; the number of its answers is the pulse. */
export function registryVital(store: Store): Vital {
  let answers = 0;
  let asking = false;
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      await store.transaction((sql) => sql`SELECT 1`);
      answers++;
    } catch {
      // no answer; the watchdog says so when none comes for too long
    } finally {
      asking = false;
    }
  };
  return {
    name: "registry",
    pulse: () => {
      void ask();
      return answers;
    },
    within: PATIENCE,
  };
}
