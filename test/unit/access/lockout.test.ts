import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Refusals } from "../../../common/refusals.ts";
import { Lockout } from "../../../hub/access/lockout.ts";

const MINUTE = 60_000;
const [HOME, AWAY] = ["192.0.2.1", "198.51.100.9"] as const;

function rig() {
  const clock = new FakeClock();
  return { clock, lockout: new Lockout({ clock, failures: 3, lock: 15 * MINUTE }) };
}

test("a name is locked by its third failure, for as long as configured", () => {
  const { clock, lockout } = rig();
  expect([1, 2, 3].map(() => lockout.failed("alice", AWAY))).toEqual([false, false, true]);
  expect(lockout.left("alice", AWAY)).toBe(15 * MINUTE);
  expect(lockout.left("alice", HOME)).toBe(15 * MINUTE);
  expect(lockout.left("bob", AWAY)).toBe(0);
  clock.advance(15 * MINUTE - 1);
  expect(lockout.left("alice", AWAY)).toBe(1);
  clock.advance(1);
  expect(lockout.left("alice", AWAY)).toBe(0);
  expect(lockout.failed("alice", AWAY)).toBe(false);
});

test("failures that are far apart do not add up, and a success ends the count", () => {
  const { clock, lockout } = rig();
  for (let round = 0; round < 5; round++) {
    lockout.failed("alice", AWAY);
    clock.advance(15 * MINUTE);
  }
  expect(lockout.left("alice", AWAY)).toBe(0);
  lockout.failed("alice", AWAY);
  lockout.failed("alice", AWAY);
  lockout.succeeded("alice", AWAY);
  expect([1, 2].map(() => lockout.failed("alice", AWAY))).toEqual([false, false]);
});

test("who guesses from elsewhere does not lock its owner out where he has logged in before", () => {
  const { lockout } = rig();
  lockout.succeeded("alice", HOME);
  for (let count = 0; count < 10; count++) lockout.failed("alice", AWAY);
  expect(lockout.left("alice", AWAY)).toBeGreaterThan(0);
  expect(lockout.left("alice", HOME)).toBe(0);
  // nor does an address go on for ever because somebody once logged in there
  for (let count = 0; count < 3; count++) lockout.failed("alice", HOME);
  expect(lockout.left("alice", HOME)).toBeGreaterThan(0);
});

test("names without end do not fill memory: the oldest are forgotten", () => {
  const { lockout } = rig();
  for (let count = 0; count < 3; count++) lockout.failed("first", AWAY);
  for (let count = 0; count < 20_000; count++) lockout.failed(`name${count}`, AWAY);
  expect(lockout.left("first", AWAY)).toBe(0);
});

test("an address is turned away after too many refusals in a minute, all of a /64 as one", () => {
  const clock = new FakeClock();
  const refusals = new Refusals(clock, 2);
  for (const peer of ["2001:db8::1", "2001:db8::ffff:1"]) refusals.note(peer);
  for (const peer of [AWAY, AWAY]) refusals.note(peer);
  expect(["2001:db8::7", "2001:db8:0:1::7", AWAY, HOME].map((peer) => refusals.tooMany(peer))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  clock.advance(MINUTE);
  expect(refusals.tooMany(AWAY)).toBe(false);
});
