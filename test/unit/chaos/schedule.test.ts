import { expect, test } from "vitest";
import { Dice } from "../../chaos/dice.ts";
import { describe, type Step, schedule } from "../../chaos/schedule.ts";

function first(count: number, mode: "mixed" | "kill", seed: number): Step[] {
  const steps = schedule(mode, new Dice(seed));
  return Array.from({ length: count }, () => steps.next().value);
}

test("the same seed gives the same faults, another seed others", () => {
  expect(first(500, "mixed", 7)).toEqual(first(500, "mixed", 7));
  expect(first(500, "mixed", 7)).not.toEqual(first(500, "mixed", 8));
});

test("what one user of the dice draws does not change what another gets", () => {
  const draw = (between: number) => {
    const dice = new Dice(5);
    const [one, other] = [dice.fork(), dice.fork()];
    for (let i = 0; i < between; i++) one.unit();
    return other.unit();
  };
  expect(draw(100)).toBe(draw(0));
});

test("carriers are killed every 0.2 to 2 s, by reset and in good order", () => {
  const steps = first(2_000, "kill", 1);
  const waits = steps.map((step) => step.wait);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(200);
  expect(Math.min(...waits)).toBeLessThan(220);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000);
  expect(Math.max(...waits)).toBeGreaterThan(1_980);
  expect(new Set(steps.map((step) => describe(step.fault)))).toEqual(new Set(["reset", "closed"]));
});

test("mixed faults are of every kind, in every direction", () => {
  const faults = first(2_000, "mixed", 1).map((step) => step.fault);
  expect(new Set(faults.map((fault) => fault.kind))).toEqual(
    new Set(["kill", "blackhole", "outage", "delay", "throttle", "corrupt", "tamper"]),
  );
  const directions = faults.flatMap((fault) =>
    "direction" in fault
      ? `${fault.kind} ${fault.direction}`
      : "directions" in fault
        ? `${fault.kind} ${fault.directions.join(" and ")}`
        : [],
  );
  expect(new Set(directions)).toEqual(
    new Set([
      ...["corrupt up", "corrupt down", "tamper up", "tamper down"],
      ...["blackhole up", "blackhole down", "blackhole up and down"],
    ]),
  );
});
