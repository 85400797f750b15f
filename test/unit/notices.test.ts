import { expect, test } from "vitest";
import { FakeClock } from "../../common/clock.ts";
import { Notices } from "../../common/notices.ts";

test("one notice a second is told, with how many were not before it", () => {
  const clock = new FakeClock();
  const notices = new Notices(clock);
  const told: number[] = [];
  const note = () => notices.note((untold) => void told.push(untold));
  for (let round = 0; round < 100; round++) note();
  expect(told).toEqual([0]);
  clock.advance(999);
  note();
  expect(told).toEqual([0]);
  clock.advance(1);
  note();
  expect(told).toEqual([0, 100]);
  clock.advance(60_000);
  note();
  note();
  expect(told).toEqual([0, 100, 0]);
});
