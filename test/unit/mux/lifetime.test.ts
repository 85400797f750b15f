import { expect, test } from "vitest";
import { MAX_RECORD } from "../../../common/session/record.ts";
import { dial } from "../session/rig.ts";
import { type Dice, forSeeds, muxPair, type Pair, settle, type Tap, turns } from "./rig.ts";

/** Brings a stream to an end in one of the ways there are. */
function finish(near: Tap, far: Tap | undefined, way: number): void {
  switch (way) {
    case 0:
      near.stream.end();
      far?.stream.end();
      return;
    case 1:
      near.stream.reset("cancelled");
      return;
    case 2:
      if (far) far.stream.reset("internal");
      else near.stream.reset("cancelled");
      return;
    case 3:
      near.stream.end();
      near.stream.reset("cancelled");
      return;
    case 4:
      near.stream.reset("cancelled");
      far?.stream.reset("cancelled");
      return;
    default:
      far?.stream.end();
      near.stream.write(Buffer.from("last"));
      near.stream.end();
      far?.stream.reset("internal");
  }
}

async function churn(pair: Pair, dice: Dice, count: number, between: () => void = () => {}): Promise<void> {
  for (let i = 0; i < count; i++) {
    between();
    const [opener, other] = dice.upTo(2) === 0 ? [pair.agent, pair.hub] : [pair.hub, pair.agent];
    const near = opener.open();
    near.stream.write(Buffer.alloc(dice.upTo(2_000)));
    if (dice.upTo(2) === 0) await settle();
    else await turns(dice.upTo(5));
    const far = other.accepted.find((tap) => tap.stream.id === near.stream.id);
    finish(near, far, far ? dice.upTo(6) : [1, 2, 3][dice.upTo(3)]!);
    other.accepted.length = 0;
  }
}

test("thousands of streams opened and closed in every way leave none behind on either side", async () => {
  await forSeeds(1, 5, async (dice) => {
    const pair = muxPair();
    await churn(pair, dice, 1_000);
    await settle();
    expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
    expect([pair.agent.ends, pair.hub.ends]).toEqual([[], []]);
    expect([pair.agent.mux.pull(2, MAX_RECORD), pair.hub.mux.pull(2, MAX_RECORD)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

test("the same while carriers are cut and replaced under the streams", async () => {
  await forSeeds(1, 10, async (dice) => {
    const pair = muxPair();
    let over = pair.over;
    await churn(pair, dice, 200, () => {
      if (dice.upTo(5) === 0) over.cut();
      if (dice.upTo(5) === 0) over = dial(pair.agent.session, pair.hub.session);
      pair.clock.advance(dice.upTo(30));
    });
    over.cut();
    await settle();
    dial(pair.agent.session, pair.hub.session);
    await settle();
    expect([pair.agent.mux.streams, pair.hub.mux.streams]).toEqual([0, 0]);
    expect([pair.agent.ends, pair.hub.ends]).toEqual([[], []]);
  });
});
