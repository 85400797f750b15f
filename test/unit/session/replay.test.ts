import { expect, test } from "vitest";
import { type Dice, dial, forSeeds, type Pair, pair, settle, turns, type Wire } from "./rig.ts";

const TIGHT = { replayBytes: 200, unsentBytes: 120, ackBytes: 60 };

/** Calls `before` for every message that a carrier is about to deliver, in either direction. */
function eachMessage(over: Wire, before: () => void): Wire {
  for (const end of [over.agent, over.hub]) {
    end.tamper = (message) => {
      before();
      return message;
    };
  }
  return over;
}

/** A conversation whose carriers are cut just before the message whose place `cutAt` names. */
async function converse(cutAt: Set<number>): Promise<{ messages: number; cuts: number }> {
  const rig = pair({ limits: TIGHT });
  let messages = 0;
  let cuts = 0;
  const said: { agent: string[]; hub: string[] } = { agent: [], hub: [] };
  const redial = () => {
    const over = eachMessage(dial(rig.agent.session, rig.hub.session), () => {
      if (!cutAt.has(messages++)) return;
      cuts++;
      over.cut();
    });
    return over;
  };
  let current = redial();
  for (let i = 0; i < 14; i++) {
    for (const side of ["agent", "hub"] as const) {
      const text = `${side} ${i} ${"x".repeat((i * 7) % 20)}`;
      rig[side].say(text);
      said[side].push(text);
    }
    await turns(i % 4);
    if (i % 5 === 4) rig.clock.advance(25);
    if (current.agent.closed) current = redial();
  }
  for (let round = 0; round < 8; round++) {
    await settle();
    rig.clock.advance(25);
    if (current.agent.closed) current = redial();
  }
  expect(rig.hub.heard).toEqual(said.agent);
  expect(rig.agent.heard).toEqual(said.hub);
  return { messages, cuts };
}

test("a cut before any one message loses nothing, repeats nothing and changes no order", async () => {
  const { messages } = await converse(new Set());
  expect(messages).toBeGreaterThan(30);
  for (let place = 0; place < messages; place++) {
    const { cuts } = await converse(new Set([place])).catch((error) => {
      throw new Error(`cut before message ${place}: ${error.message}`, { cause: error });
    });
    expect(cuts).toBe(1);
  }
});

test("a second cut, at any place while what was lost is being replayed, does no more harm", async () => {
  const { messages } = await converse(new Set());
  for (let place = 0; place < messages; place += 3) {
    for (let after = 1; after <= 12; after++) {
      await converse(new Set([place, place + after])).catch((error) => {
        throw new Error(`cuts before ${place} and ${place + after}: ${error.message}`, { cause: error });
      });
    }
  }
});

interface Weather {
  rig: Pair;
  dice: Dice;
  wires: Wire[];
  said: { agent: string[]; hub: string[] };
}

/** One thing that happens to a conversation. */
function happen({ rig, dice, wires, said }: Weather): void {
  const latest = wires.at(-1);
  const side = dice.upTo(2) === 0 ? "agent" : "hub";
  switch (dice.upTo(12)) {
    case 0:
      latest?.cut();
      return;
    case 1:
    case 2:
      // also while the last one still serves; at times the claim, or its answer, is slower than what that says
      wires.push(dial(rig.agent.session, rig.hub.session));
      if (dice.upTo(3) === 0) wires.at(-1)![side].stalled = true;
      return;
    case 3:
      if (latest) latest[side].stalled = true;
      return;
    case 4:
      for (const wire of wires) for (const end of [wire.agent, wire.hub]) end.resume();
      return;
    case 5:
      if (latest && dice.upTo(3) === 0) latest.blackHole();
      return;
    case 6:
    case 7:
      rig.clock.advance(dice.upTo(30));
      return;
    case 8:
      if (dice.upTo(4) === 0) rig.clock.advance(dice.upTo(3_500));
      return;
    default:
      for (let n = dice.upTo(5); n > 0; n--) {
        const text = `${side} ${said[side].length} ${"x".repeat(dice.upTo(40))}`;
        said[side].push(text);
        rig[side].say(text);
      }
  }
}

test("hundreds of conversations over carriers cut, stalled, lost and replaced at random arrive whole", {
  timeout: 60_000,
}, async () => {
  await forSeeds(1, 400, async (dice) => {
    const rig = pair({ limits: TIGHT, random: dice });
    const weather: Weather = { rig, dice, wires: [], said: { agent: [], hub: [] } };
    for (let step = 0; step < 120; step++) {
      happen(weather);
      await turns(dice.upTo(6));
      for (const wire of weather.wires) {
        // one record may pass the limit, and counts and heartbeats are not held back
        const unsent = Math.max(wire.agent.unsent, wire.hub.unsent);
        if (unsent >= TIGHT.unsentBytes + 500) throw new Error(`${unsent} bytes wait in a carrier`);
      }
    }
    // fair weather again: one carrier that is left alone
    for (const wire of weather.wires) wire.cut();
    await settle();
    dial(rig.agent.session, rig.hub.session);
    const missing = () =>
      rig.hub.heard.length < weather.said.agent.length || rig.agent.heard.length < weather.said.hub.length;
    for (let round = 0; round < 60 && missing(); round++) {
      await settle();
      rig.clock.advance(25);
    }
    await settle();
    rig.clock.advance(25);
    await settle();
    expect([rig.agent.ends, rig.hub.ends]).toEqual([[], []]);
    expect(rig.hub.heard).toEqual(weather.said.agent);
    expect(rig.agent.heard).toEqual(weather.said.hub);
    // and every record was given back, once
    expect([rig.agent.givenBack, rig.hub.givenBack]).toEqual([weather.said.agent, weather.said.hub]);
  });
});
