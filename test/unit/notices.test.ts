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

test("what goes on for long is told once a minute, with how many were not", () => {
  const clock = new FakeClock();
  const notices = new Notices(clock, 10);
  let told = 0;
  let untold = 0;
  const minute = () => {
    told = 0;
    for (let second = 0; second < 60; second++) {
      for (let each = 0; each < 10; each++)
        notices.note((more) => {
          told++;
          untold = more;
        });
      clock.advance(1_000);
    }
    return told;
  };
  expect(minute()).toBe(69);
  for (let round = 0; round < 20; round++) minute();
  expect([minute(), untold]).toEqual([1, 599]);
  // after an hour of silence it is told as at first
  clock.advance(36_000_000);
  expect(minute()).toBe(69);
});
