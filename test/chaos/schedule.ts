/** What happens to the line and when: follows from mode and seed alone. */
import type { Dice } from "./dice.ts";

export const MODES = ["mixed", "kill", "rollover", "blackhole"] as const;
export type Mode = (typeof MODES)[number];

export type Direction = "up" | "down";
/** `up` is from agent to hub. */
export const BOTH: readonly Direction[] = ["up", "down"];

export type Fault =
  /** The connections of now end: as when a device on the way restarts, or a proxy closes them in good order. */
  | { kind: "kill"; how: "reset" | "end" }
  /** The connections of now carry nothing more in these directions, for ever, not even their end. */
  | { kind: "blackhole"; directions: readonly Direction[] }
  /** Nothing is carried at all for so many ms; then it goes on. */
  | { kind: "outage"; ms: number }
  /** So many ms more in each direction, for a time. */
  | { kind: "delay"; extra: number; ms: number }
  /** So many bytes a second in each direction, for a time. */
  | { kind: "throttle"; rate: number; ms: number }
  /** One bit of what is on the line changes: TLS must notice. */
  | { kind: "corrupt"; direction: Direction }
  /** One bit of a message changes within TLS, by whoever terminates it on the way: Noise must notice. */
  | { kind: "tamper"; direction: Direction };

export interface Step {
  /** ms after the step before. */
  wait: number;
  fault: Fault;
}

const KILL_EVERY = { least: 200, most: 2_000 };

/** The endless row of faults of a mode; those of `rollover` and `blackhole` come from elsewhere. */
export function* schedule(mode: "mixed" | "kill", dice: Dice): Generator<Step, never> {
  for (;;) {
    const wait = Math.round(dice.between(KILL_EVERY.least, KILL_EVERY.most));
    yield { wait, fault: mode === "kill" ? kill(dice) : anyFault(dice) };
  }
}

function kill(dice: Dice): Fault {
  return { kind: "kill", how: dice.unit() < 0.5 ? "reset" : "end" };
}

function anyFault(dice: Dice): Fault {
  const ms = (least: number, most: number) => Math.round(dice.between(least, most));
  const direction = () => dice.pick<Direction>(BOTH.map((each) => [1, each] as const));
  // a black hole takes up to dead_seconds, in which little else is seen: it comes seldom
  const make = dice.pick<() => Fault>([
    [6, () => kill(dice)],
    [3, () => ({ kind: "corrupt", direction: direction() })],
    [3, () => ({ kind: "tamper", direction: direction() })],
    [2, () => ({ kind: "outage", ms: ms(100, 1_500) })],
    [2, () => ({ kind: "delay", extra: ms(5, 200), ms: ms(500, 3_000) })],
    [2, () => ({ kind: "throttle", rate: ms(64 << 10, 4 << 20), ms: ms(500, 3_000) })],
    [
      0.7,
      () => ({
        kind: "blackhole",
        directions: dice.pick<readonly Direction[]>([
          [2, BOTH],
          [1, ["up"]],
          [1, ["down"]],
        ]),
      }),
    ],
  ]);
  return make();
}

/** A fault in few words, for those who watch. */
export function describe(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return fault.how === "reset" ? "reset" : "closed";
    case "blackhole":
      return `black hole ${fault.directions.join(" and ")}`;
    case "outage":
      return `nothing carried for ${fault.ms} ms`;
    case "delay":
      return `${fault.extra} ms more each way for ${fault.ms} ms`;
    case "throttle":
      return `${Math.round(fault.rate / 1024)} KiB/s for ${fault.ms} ms`;
    case "corrupt":
      return `a bit changed on the line, ${fault.direction}`;
    case "tamper":
      return `a bit of a message changed within TLS, ${fault.direction}`;
  }
}
