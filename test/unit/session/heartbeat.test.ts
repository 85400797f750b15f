import { expect, test } from "vitest";
import { encodeAck, encodePing, PING, PONG } from "../../../common/session/record.ts";
import { connect, Dice, framesRecord, lone, ofKind, pair, pass, settle } from "./rig.ts";

/** Milliseconds from the last thing heard until the carrier is given up, when the line goes dead `into` a run. */
async function timeToNotice(unit: () => number, into: number): Promise<number> {
  const { clock, side, near, farLink } = lone({ random: { bytes: Buffer.alloc, unit } });
  await pass(clock, into, 50);
  farLink.send(encodeAck(0));
  await settle();
  const heard = clock.now();
  near.tamper = () => undefined;
  while (side.session.link && clock.now() < heard + 60_000) await pass(clock, 50, 50);
  expect(side.carriers.at(-1)).toMatch(/^E_CARRIER_LOST/);
  return clock.now() - heard;
}

test("a dead carrier is given up in time to have the next one within deadAfter, whenever it died", async () => {
  const dice = new Dice(1);
  for (const unit of [() => 0, () => 0.5, () => 0.999_999, () => dice.unit()]) {
    for (let into = 0; into <= 3_500; into += 250) {
      const ms = await timeToNotice(unit, into);
      expect(ms).toBeLessThanOrEqual(9_500);
      // three questions were asked, and the first had six seconds to be answered
      expect(ms).toBeGreaterThanOrEqual(6_000);
    }
  }
});

test("the dead carrier's end is told too where that still works, and the grace period begins", async () => {
  const { clock, agent, hub } = pair();
  const over = connect(agent.session, hub.session);
  over.blackHole();
  await pass(clock, 10_000);
  expect([agent.session.link, hub.session.link]).toEqual([undefined, undefined]);
  expect(over.agentLink.closed).toBe(true);
  await pass(clock, 60_000, 1_000);
  expect(agent.ends.map((end) => end.code)).toEqual(["E_SESSION_LOST"]);
});

test("an idle carrier that answers stays for hours", async () => {
  const dice = new Dice(7);
  const { clock, agent, hub } = pair({ random: dice });
  connect(agent.session, hub.session);
  await pass(clock, 2 * 3_600_000, 500);
  expect([agent.carriers, hub.carriers]).toEqual([["up"], ["up"]]);
});

test("a carrier that needs four seconds to answer is not given up", async () => {
  const { clock, side, sent, farLink } = lone({ random: new Dice(3) });
  let answered = 0;
  for (let ms = 0; ms < 600_000; ms += 100) {
    await pass(clock, 100);
    for (const ping of ofKind(sent, PING).slice(answered)) {
      answered++;
      clock.after(4_000, () => farLink.send(encodePing(PONG, ping.readUInt32BE(1))));
    }
  }
  expect(side.carriers).toEqual(["up"]);
});

test("any record counts as a sign of life, an answer or not", async () => {
  const { clock, side, farLink } = lone({ random: { bytes: Buffer.alloc, unit: () => 0 } });
  for (let i = 0; i < 100; i++) {
    await pass(clock, 5_900);
    farLink.send(i % 2 ? encodeAck(0) : framesRecord("x"));
    await settle();
  }
  expect(side.carriers).toEqual(["up"]);
});

test("a PING is answered with its own number", async () => {
  const { sent, farLink } = lone();
  for (const id of [0, 7, 0xffff_ffff]) farLink.send(encodePing(PING, id));
  await settle();
  expect(sent).toEqual([0, 7, 0xffff_ffff].map((id) => encodePing(PONG, id)));
});

test("a peer that asks without end and never takes an answer fills no memory", async () => {
  const { near, side, farLink } = lone({ limits: { unsentBytes: 1_000 } });
  near.stalled = true;
  for (let id = 0; id < 10_000; id++) farLink.send(encodePing(PING, id));
  await settle();
  expect(near.unsent).toBeLessThan(1_000 + 21);
  expect(side.carriers).toEqual(["up"]);
});

test("beats differ from each other and from those of another session", async () => {
  const beats = async (seed: number) => {
    const { clock, sent, farLink } = lone({ random: new Dice(seed) });
    const gaps: number[] = [];
    for (let last = 0; gaps.length < 20; ) {
      await pass(clock, 2);
      if (ofKind(sent.splice(0), PING).length === 0) continue;
      gaps.push(clock.now() - last);
      last = clock.now();
      farLink.send(encodeAck(0));
    }
    return gaps;
  };
  const [one, other] = [await beats(1), await beats(2)];
  expect(new Set(one).size).toBeGreaterThan(15);
  expect(one).not.toEqual(other);
  for (const gap of [...one, ...other]) {
    expect(gap).toBeGreaterThanOrEqual(2_125);
    expect(gap).toBeLessThanOrEqual(2_377);
  }
});

test("the round-trip time is that of the last answered heartbeat", async () => {
  // beats every 1,350 ms
  const { clock, side, sent, farLink } = lone({ limits: { deadAfter: 6_000 } });
  expect(side.session.rtt).toBeUndefined();
  for (const ms of [120, 35]) {
    sent.length = 0;
    while (ofKind(sent, PING).length === 0) await pass(clock, 1);
    clock.advance(ms);
    const id = sent[0]!.readUInt32BE(1);
    farLink.send(encodePing(PONG, id + 1));
    farLink.send(encodePing(PONG, id));
    await settle();
    expect(side.session.rtt).toBe(ms);
  }
});

/** The numbers of the next PINGs, each `ms` after the other. */
async function pings({ clock, sent }: ReturnType<typeof lone>, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    sent.length = 0;
    await pass(clock, 1, 1);
    ids.push(...ofKind(sent, PING).map((ping) => ping.readUInt32BE(1)));
  }
  return ids;
}

test("a late answer tells the round-trip time, too, as long as no newer question took its place", async () => {
  // a beat each 225 ms
  const its = lone({ limits: { deadAfter: 1_000 } });
  const { side, farLink } = its;
  const [oldest, second] = (await pings(its, 3)) as [number, number, number];
  farLink.send(encodePing(PONG, oldest));
  await settle();
  expect(side.session.rtt).toBe(2 * 225);
  await pings(its, 1);
  farLink.send(encodePing(PONG, second));
  await settle();
  expect(side.session.rtt).toBe(2 * 225);
  await pings(its, 1);
  // the fifth question took the place of the first
  farLink.send(encodePing(PONG, oldest));
  await settle();
  expect(side.session.rtt).toBe(2 * 225);
  farLink.send(encodePing(PONG, second));
  await settle();
  expect(side.session.rtt).toBe(3 * 225);
});

test("an answer to a question that was never asked tells nothing", async () => {
  const its = lone({ limits: { deadAfter: 1_000 } });
  const { side, farLink } = its;
  for (const id of [0, 1, 2, 0xffff_ffff]) farLink.send(encodePing(PONG, id));
  await settle();
  expect(side.session.rtt).toBeUndefined();
  const [id] = (await pings(its, 1)) as [number];
  for (const other of [id - 1, id + 1, id + 4, 0xffff_ffff]) farLink.send(encodePing(PONG, other));
  await settle();
  expect(side.session.rtt).toBeUndefined();
});

test("until a heartbeat was answered the round-trip time is that of the fastest acknowledgement", async () => {
  const its = lone({ limits: { deadAfter: 10_000 } });
  const { clock, side, farLink } = its;
  for (const [n, ms] of [80, 60, 70].entries()) {
    side.say("x");
    await settle();
    clock.advance(ms);
    farLink.send(encodeAck(n + 1));
    await settle();
  }
  expect(side.session.rtt).toBe(60);
  const [id] = (await pings(its, 1)) as [number];
  clock.advance(90);
  farLink.send(encodePing(PONG, id));
  await settle();
  expect(side.session.rtt).toBe(90);
});
