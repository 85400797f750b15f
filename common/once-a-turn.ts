/**
 * Makes of `run` what can be asked for again and again: it runs once, after all that happens in this turn.
 * @param schedule when that is; before anything else by default
 */
export function onceATurn(run: () => void, schedule: (run: () => void) => void = queueMicrotask): () => void {
  let due = false;
  const turn = (): void => {
    due = false;
    run();
  };
  return () => {
    if (due) return;
    due = true;
    schedule(turn);
  };
}
