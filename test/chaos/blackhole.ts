/** Black holes one after the other: how long each side takes to notice, and when the streams go on. */
import { setTimeout as delay } from "node:timers/promises";
import type { Faults } from "./faults.ts";
import type { StallProbe } from "./load/probe.ts";
import { BOTH, type Direction } from "./schedule.ts";
import type { Stage } from "./stage.ts";

/** What is lost: the carrier of now in one direction or both, or the whole line, which no new carrier passes. */
const KINDS = ["both", "up", "down", "line"] as const;

export interface Hole {
  kind: (typeof KINDS)[number];
  /** ms until the agent dialled again. */
  agentNoticedMs: number;
  /** ms until the hub gave the carrier up or had another; of `line` it can only be the former. */
  hubNoticedMs: number;
  /** ms until the probe's stream went on; null for `line`, which is repaired once both have noticed. */
  replacedMs: number | null;
}

/** ms after which it is a failure. */
const PATIENCE = 40_000;
/** Seconds between two. */
const REST = 1_000;

/** Makes holes until `seconds` are over; the last one is waited for. Throws when one is not replaced. */
export async function blackHoles(
  { relay, journal }: Stage,
  probe: StallProbe,
  faults: Faults,
  seconds: number,
  progress: (line: string) => void,
): Promise<Hole[]> {
  const end = performance.now() + seconds * 1_000;
  const holes: Hole[] = [];
  while (performance.now() < end) {
    const kind = KINDS[holes.length % KINDS.length] as Hole["kind"];
    const began = performance.now();
    const taking = (event: Promise<void>) =>
      inTime(event, kind).then(() => Math.round(performance.now() - began));
    const dialled = taking(
      new Promise((done) => {
        relay.onConnection = done;
      }),
    );
    const lost = journal.says("hub", "carrier lost");
    const hub = taking(kind === "line" ? lost : Promise.race([lost, journal.says("hub", "agent connected")]));
    let replacedMs: number | null = null;
    if (kind === "line") {
      relay.become({ outage: true });
      await Promise.all([dialled, hub]);
      relay.recover();
      await inTime(probe.answered(), kind);
    } else {
      const directions: readonly Direction[] = kind === "both" ? BOTH : [kind];
      faults.apply({ kind: "blackhole", directions });
      replacedMs = await taking(probe.answered());
    }
    const hole: Hole = { kind, agentNoticedMs: await dialled, hubNoticedMs: await hub, replacedMs };
    holes.push(hole);
    progress(JSON.stringify(hole));
    await delay(REST);
  }
  return holes;
}

async function inTime(event: Promise<void>, kind: string): Promise<void> {
  const limit = new AbortController();
  const late = delay(PATIENCE, "late", { signal: limit.signal }).catch(() => "");
  if ((await Promise.race([event, late])) === "late") {
    throw new Error(`a black hole (${kind}) was not noticed and replaced in ${PATIENCE / 1000} s`);
  }
  limit.abort();
}
