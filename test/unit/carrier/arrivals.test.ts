import { expect, test } from "vitest";
import { Arrivals, WINDOW } from "../../../common/carrier/https/index.ts";
import { forSeeds } from "../session/rig.ts";

test("batches that overtake each other are given in order", () => {
  const arrivals = new Arrivals<string>();
  expect(arrivals.take(1, "b")).toEqual([]);
  expect(arrivals.take(2, "c")).toEqual([]);
  expect(arrivals.take(0, "a")).toEqual(["a", "b", "c"]);
  expect(arrivals.next).toBe(3);
});

test("a batch that comes again counts once, whether its turn is over or still to come", () => {
  const arrivals = new Arrivals<string>();
  expect(arrivals.take(0, "a")).toEqual(["a"]);
  expect(arrivals.take(0, "a")).toEqual([]);
  expect(arrivals.take(2, "c")).toEqual([]);
  expect(arrivals.take(2, "c")).toEqual([]);
  expect(arrivals.take(1, "b")).toEqual(["b", "c"]);
});

test("no more is kept than the window holds", () => {
  const arrivals = new Arrivals<string>();
  expect([arrivals.expects(0), arrivals.expects(WINDOW - 1), arrivals.expects(WINDOW)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(arrivals.take(WINDOW, "too early")).toEqual([]);
  for (let n = 0; n <= WINDOW; n++) expect(arrivals.take(n, `${n}`)).toEqual([`${n}`]);
});

test("whatever the order and however often, each batch is given once and in order", async () => {
  await forSeeds(1, 100, async (dice) => {
    const arrivals = new Arrivals<number>();
    const given: number[] = [];
    while (arrivals.next < 50) {
      const number = Math.max(0, arrivals.next - 2 + dice.upTo(WINDOW + 4));
      given.push(...arrivals.take(number, number));
    }
    expect(given).toEqual(given.map((_, n) => n));
  });
});
