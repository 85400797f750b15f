/** How a service of Checkmk is. */

/** OK, WARN, CRIT, UNKNOWN. */
export type CheckState = 0 | 1 | 2 | 3;

/** Of several states: CRIT, then UNKNOWN, then WARN. */
export function worst(states: readonly CheckState[]): CheckState {
  return ([2, 3, 1] as const).find((state) => states.includes(state)) ?? 0;
}
