import { expect, test } from "vitest";
import { staying } from "../../../hub/web/view/index.ts";

test.each([
  [[], 0],
  [[0, 1, 2, 3], 4],
  [[3, 0, 1, 2], 3],
  [[1, 2, 3, 0], 3],
  [[8, 9, 0, 1, 2, 3, 4, 5, 6, 7], 8],
  [[3, 2, 1, 0], 1],
])("of %j as many as can be stay, in a rising row", (places, most) => {
  const found = staying(places);
  expect(found.size).toBe(most);
  const order = places.filter((place) => found.has(place));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("of any order no more could stay", () => {
  // every order of six, against all choices among them
  const orders = (rest: number[]): number[][] =>
    rest.length === 0
      ? [[]]
      : rest.flatMap((one) => orders(rest.filter((other) => other !== one)).map((more) => [one, ...more]));
  const rising = (row: number[]) => row.every((one, at) => at === 0 || one > (row[at - 1] as number));
  for (const order of orders([0, 1, 2, 3, 4, 5])) {
    let most = 0;
    for (let choice = 0; choice < 64; choice++) {
      const row = order.filter((_, at) => choice & (1 << at));
      if (rising(row)) most = Math.max(most, row.length);
    }
    expect(staying(order).size).toBe(most);
  }
});
