import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Admission } from "../../../hub/tunnel/index.ts";

const MINUTE = 60_000;

function admission(
  handshakes = 3,
  refusalsPerMinute = 2,
  handshakesPerAddress = handshakes,
): { clock: FakeClock; door: Admission } {
  const clock = new FakeClock();
  return { clock, door: new Admission({ clock, handshakes, handshakesPerAddress, refusalsPerMinute }) };
}

test("as many handshakes as the limit are open at once, and a place is free again when one is over", () => {
  const { door } = admission(3);
  expect([door.enter("a"), door.enter("a"), door.enter("b"), door.enter("c")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(door.open).toBe(3);
  door.leave("a");
  expect([door.enter("c"), door.enter("d"), door.open]).toEqual([true, false, 3]);
});

test("one address cannot take all places", () => {
  const { door } = admission(10, 2, 2);
  expect([door.enter("a"), door.enter("a"), door.enter("a"), door.enter("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  door.leave("a");
  expect([door.enter("a"), door.enter("a"), door.open]).toEqual([true, false, 3]);
});

test("an address that was refused too often within a minute is turned away, and no other", () => {
  const { door } = admission(100, 2);
  door.refused("a");
  expect(door.enter("a")).toBe(true);
  door.refused("a");
  expect([door.enter("a"), door.enter("b")]).toEqual([false, true]);
});

test("turning away costs no place", () => {
  const { door } = admission(1, 1);
  door.refused("a");
  for (let i = 0; i < 10; i++) expect(door.enter("a")).toBe(false);
  expect([door.open, door.enter("b")]).toEqual([0, true]);
});

test("a minute after its first refusal an address may try again", () => {
  const { clock, door } = admission(100, 2);
  door.refused("a");
  clock.advance(MINUTE - 1);
  door.refused("a");
  expect(door.enter("a")).toBe(false);
  clock.advance(1);
  expect(door.enter("a")).toBe(true);
  door.refused("a");
  expect(door.enter("a")).toBe(true);
});

test("refusals that are more than a minute apart never turn an address away", () => {
  const { clock, door } = admission(100, 2);
  for (let i = 0; i < 20; i++) {
    door.refused("a");
    expect(door.enter("a")).toBe(true);
    clock.advance(MINUTE);
  }
});

test("no more than 10,000 addresses are remembered: the oldest are forgotten first", () => {
  const { door } = admission(100_000, 1);
  for (let n = 0; n < 10_000; n++) door.refused(`10.0.${n >> 8}.${n & 255}`);
  expect([door.enter("10.0.0.0"), door.enter("10.0.39.15")]).toEqual([false, false]);
  door.refused("2001:db8::1");
  expect([door.enter("10.0.0.0"), door.enter("10.0.0.1"), door.enter("2001:db8::1")]).toEqual([
    true,
    false,
    false,
  ]);
});
