/** Planned changes of the carrier: how long streams stand still while one happens, and how long otherwise. */
import { setTimeout as delay } from "node:timers/promises";
import type { StallProbe } from "./load/probe.ts";
import type { Stage } from "./stage.ts";

/** ms after the agent dialled in which what stands still does so because of the change. */
const CHANGE = 1_500;

export interface RollOvers {
  /** The longest stall of each change, ms. */
  stalls: number[];
  /** The longest stall at any other time: what this machine and the load add. */
  otherwiseMs: number;
}

/** Watches the agent replace its carriers for so many seconds. */
export async function rollOvers({ relay }: Stage, probe: StallProbe, seconds: number): Promise<RollOvers> {
  const end = performance.now() + seconds * 1_000;
  const stalls: number[] = [];
  let otherwiseMs = 0;
  for (;;) {
    const dialled = new Promise<boolean>((done) => {
      relay.onConnection = () => done(true);
    });
    const left = Math.max(0, end - performance.now());
    const another = await Promise.race([dialled, delay(left, false)]);
    otherwiseMs = Math.max(otherwiseMs, probe.stall());
    if (!another) return { stalls, otherwiseMs };
    await delay(CHANGE);
    stalls.push(probe.stall());
  }
}
