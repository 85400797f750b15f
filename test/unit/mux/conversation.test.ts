import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { INITIAL_CREDIT, INTERACTIVE, isPriority } from "../../../common/mux/frame.ts";
import type { MuxStream } from "../../../common/mux/stream.ts";
import { dial, type Wire } from "../session/rig.ts";
import { type Dice, forSeeds, Side, settle, type Tap, turns } from "./rig.ts";

/** Small enough that every limit is met again and again. */
const TIGHT = { replayBytes: 200 << 10, unsentBytes: 80 << 10, ackBytes: 50 << 10 };

/** Bytes of which no two places look alike. */
function numbered(length: number, salt: number): Buffer {
  const bytes = Buffer.alloc(length + 4);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE((at + salt * 0x0100_0001) >>> 0, at);
  return bytes.subarray(0, length);
}

/** One direction of a stream: what is written bit by bit, and what the other end got and consumes late. */
class Flow {
  readonly #bytes: Buffer;
  #written = 0;
  #drainsAwaited = 0;
  #consumed = 0;

  constructor(
    private readonly dice: Dice,
    private readonly from: () => Tap | undefined,
    private readonly to: () => Tap | undefined,
  ) {
    this.#bytes = numbered(dice.upTo(4) === 0 ? dice.upTo(100) : dice.upTo(700_000), dice.upTo(256));
  }

  write(): void {
    const from = this.from();
    while (from && from.drains >= this.#drainsAwaited && this.#written <= this.#bytes.length) {
      if (this.#written === this.#bytes.length) {
        this.#written++;
        return from.stream.end();
      }
      const chunk = this.#bytes.subarray(this.#written, this.#written + 1 + this.dice.upTo(80_000));
      this.#written += chunk.length;
      if (!from.stream.write(chunk)) this.#drainsAwaited = from.drains + 1;
      else if (this.dice.upTo(3) === 0) return;
    }
  }

  consume(all: boolean): void {
    const to = this.to();
    if (!to) return;
    const held = to.bytes - this.#consumed;
    if (held > INITIAL_CREDIT + (to.stream as MuxStream).widened)
      throw new Error(`${held} bytes came without credit`);
    const bytes = all ? held : this.dice.upTo(held + 1);
    this.#consumed += bytes;
    to.stream.consumed(bytes);
  }

  get whole(): boolean {
    return this.to()?.ended === true && Buffer.concat(this.to()?.chunks ?? []).equals(this.#bytes);
  }

  get open(): boolean {
    return !this.to()?.ended;
  }
}

/** Two flows on one stream that `opener` opens. */
function talk(dice: Dice, opener: Side, other: Side): Flow[] {
  const priority = dice.upTo(3);
  const near = opener.open("talk", isPriority(priority) ? priority : INTERACTIVE, false, dice.upTo(2) === 0);
  const far = () => other.accepted.find((tap) => tap.stream.id === near.stream.id);
  return [new Flow(dice, () => near, far), new Flow(dice, far, () => near)];
}

/** One thing that happens to the carriers. */
function weather(dice: Dice, clock: FakeClock, wires: Wire[], redial: () => void): void {
  const latest = wires.at(-1);
  switch (dice.upTo(20)) {
    case 0:
      return latest?.cut();
    case 1:
    case 2:
      // also while the last one still serves
      return redial();
    case 3:
      if (latest) latest[dice.upTo(2) === 0 ? "agent" : "hub"].stalled = true;
      return;
    case 4:
    case 5:
      for (const wire of wires) for (const end of [wire.agent, wire.hub]) end.resume();
      return;
    case 6:
      if (dice.upTo(3) === 0) latest?.blackHole();
      return;
    default:
      clock.advance(dice.upTo(30));
  }
}

test("streams arrive whole and in order over carriers cut, stalled, lost and replaced at random", {
  timeout: 60_000,
}, async () => {
  await forSeeds(1, 60, async (dice) => {
    const clock = new FakeClock();
    const sides = { limits: TIGHT, consuming: false };
    const agent = new Side("agent", clock, sides);
    const hub = new Side("hub", clock, sides);
    const wires: Wire[] = [];
    const redial = () => void wires.push(dial(agent.session, hub.session));
    const flows: Flow[] = [];
    const each = (act: (flow: Flow) => void) => {
      for (const flow of flows) act(flow);
    };
    redial();
    for (let step = 0; step < 150; step++) {
      if (step % 20 === 0)
        flows.push(...(dice.upTo(2) === 0 ? talk(dice, agent, hub) : talk(dice, hub, agent)));
      each((flow) => dice.upTo(3) === 0 && flow.write());
      each((flow) => dice.upTo(3) === 0 && flow.consume(false));
      weather(dice, clock, wires, redial);
      await turns(dice.upTo(8));
    }
    // fair weather again: one carrier that is left alone
    for (const wire of wires) wire.cut();
    await settle();
    redial();
    for (let round = 0; round < 400 && flows.some((flow) => flow.open); round++) {
      each((flow) => flow.write());
      each((flow) => flow.consume(true));
      await settle();
      clock.advance(25);
    }
    await settle();
    expect([agent.ends, hub.ends]).toEqual([[], []]);
    expect(flows.map((flow) => flow.whole)).toEqual(flows.map(() => true));
    const taps = [...agent.accepted, ...hub.accepted];
    expect([taps.filter((tap) => tap.resetBy).length, agent.mux.streams, hub.mux.streams]).toEqual([0, 0, 0]);
  });
});
