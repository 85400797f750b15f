/** The same conversation at the core's own socket and at every endpoint. */
import { converse, type Outcome, type Step, shown } from "./client.ts";
import type { Stage } from "./stage.ts";

export interface Comparison {
  /** How it goes at the core's own Unix socket. */
  expected: Outcome;
  /** The endpoints at which it went otherwise. */
  differing: { door: string; expected: unknown; got: unknown }[];
}

/** How often the core may have changed its mind between two answers before that is a failure. */
const PATIENCE = 5;

/**
 * Has it with the core, with every endpoint at once, and with the core again. Where the core does otherwise
 * the second time, something has changed in between, and all are asked anew.
 */
export async function compare(stage: Stage, steps: readonly Step[]): Promise<Comparison> {
  for (let round = 0; round < PATIENCE; round++) {
    const expected = await converse(stage.core, ...steps);
    const got = await Promise.all(
      stage.doors.map(async ({ name, target }) => ({
        door: name,
        outcome: await converse(target, ...steps),
      })),
    );
    if (!same(expected, await converse(stage.core, ...steps))) continue;
    const differing = got
      .filter(({ outcome }) => !same(outcome, expected))
      .map(({ door, outcome }) => ({ door, expected: shown(expected), got: shown(outcome) }));
    return { expected, differing };
  }
  throw new Error(`the core itself does otherwise each time: ${steps.map(String).join("")}`);
}

function same(one: Outcome, other: Outcome): boolean {
  return one.ending === other.ending && one.bytes.equals(other.bytes);
}
