/**
 * JSON in ASCII, as cores write it. NagVis takes an answer's bytes for Latin-1, whatever JSON says, and would show
 * other letters otherwise.
 */

import type { Value } from "./value.ts";

export function json(value: Value): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
