/** From where on a figure is WARN, and CRIT. */
import { FarsiteError } from "../errors.ts";
import type { CheckState } from "./state.ts";

export interface Levels {
  warn: number;
  crit: number;
}

/** Reads `WARN,CRIT`, both from 0, the second not below the first. Throws E_USAGE. */
export function parseLevels(option: string, text: string): Levels {
  const match = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(text);
  const [warn, crit] = [Number(match?.[1]), Number(match?.[2])];
  if (warn <= crit) return { warn, crit };
  throw new FarsiteError("E_USAGE", `${option} ${text}: WARN,CRIT is expected, two numbers such as 300,3600`);
}

/** A figure that reaches a level is there. */
export function levelsState(value: number, { warn, crit }: Levels): CheckState {
  return value >= crit ? 2 : value >= warn ? 1 : 0;
}

/** Seconds since a point in time (ISO 8601); 0 where clocks were set back. */
export function age(iso: string | undefined, now: number): number {
  return iso === undefined ? 0 : Math.max(0, (now - Date.parse(iso)) / 1000);
}
