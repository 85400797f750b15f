/** A case with a thousand sites, at a hub of its own. */
import { Scope } from "../scope.ts";
import type { Case } from "./case.ts";

export const FLEET = { sites: 1000, perProcess: 100 } as const;

/** @param measure gives the figures of all rows; what it starts ends with the scope */
export function fleetCase(
  name: string,
  rows: Case["rows"],
  measure: (scope: Scope) => ReturnType<Case["measure"]>,
): Case {
  return {
    name,
    rows,
    stage: "loopback",
    long: true,
    warm: true,
    // nothing else can be asked so, and the hub is another one than that of the other cases
    only: "farsite",
    rounds: 1,
    async measure() {
      const scope = new Scope();
      try {
        return await measure(scope);
      } finally {
        await scope.end();
      }
    },
  };
}
