/** A run: the load goes on while the line fails, and then comes to its end in peace. */
import { setTimeout as delay } from "node:timers/promises";
import type { FarsiteLab } from "../lab/farsite.ts";
import { blackHoles, type Hole } from "./blackhole.ts";
import { Dice } from "./dice.ts";
import { Faults } from "./faults.ts";
import { bulkLoad } from "./load/bulk.ts";
import { StallProbe } from "./load/probe.ts";
import { queryLoad } from "./load/queries.ts";
import { Tally } from "./load/tally.ts";
import type { Options } from "./options.ts";
import type { Report } from "./report.ts";
import { type RollOvers, rollOvers } from "./rollover.ts";
import { describe, schedule } from "./schedule.ts";
import { setStage } from "./stage.ts";

/** ms of load over the undisturbed line before the first fault. */
const WARM_UP = 3_000;
/** ms for the last streams to go on and end once the line is good. */
const COOL_DOWN = 90_000;

export async function chaos(
  options: Options,
  lab: FarsiteLab,
  progress: (line: string) => void,
): Promise<Report> {
  const dice = new Dice(options.seed);
  const [routes, choices, sizes, chance] = [dice.fork(), dice.fork(), dice.fork(), dice.fork()];
  const stage = await setStage(options, lab, routes, progress);
  let ending = false;
  const tally = new Tally((line, first) => {
    if (!ending) progress(first ? `${line}; hub and agent said last:\n${stage.journal.last}` : line);
  });
  const stop = new AbortController();
  const probe = new StallProbe("through the tunnel", stage.probe, tally);
  const beside = new StallProbe("beside the tunnel", stage.echo, tally);
  lab.cleanup.add("end the load", () => {
    ending = true;
    stop.abort();
    for (const each of [probe, beside]) each.close();
  });
  const load = Promise.all([
    queryLoad(stage.livestatus, stage.questions, options.queryPause, choices, tally, stop.signal),
    bulkLoad(stage.bulk, options.bulkRate, sizes, tally, stop.signal),
  ]);
  await delay(WARM_UP);
  const rttMs = probe.begin();
  beside.begin();

  const faults = new Faults(stage.relay, stage.inspector);
  const began = performance.now();
  let holes: Hole[] | undefined;
  let changes: RollOvers | undefined;
  if (options.mode === "blackhole") holes = await blackHoles(stage, probe, faults, options.seconds, progress);
  else if (options.mode === "rollover") changes = await rollOvers(stage, probe, options.seconds);
  else {
    for (const { wait, fault } of schedule(options.mode, chance)) {
      const left = options.seconds * 1_000 - (performance.now() - began);
      await delay(Math.min(wait, left));
      if (wait >= left) break;
      progress(`${((performance.now() - began) / 1_000).toFixed(1)} s: ${describe(fault)}`);
      faults.apply(fault);
    }
  }
  const seconds = (performance.now() - began) / 1_000;
  faults.end();
  await within(COOL_DOWN, "the streams to go on", probe.answered());
  const longestStallMs = Math.max(probe.stall(), changes?.otherwiseMs ?? 0, ...(changes?.stalls ?? []));
  stop.abort();
  await within(COOL_DOWN, "the load to end", load);
  ending = true;

  const { journal } = stage;
  return {
    seconds: round(seconds),
    carriersKilled: faults.carriersKilled,
    queries: tally.queries,
    failed: tally.failed,
    wrong: tally.wrong,
    bulkBytes: tally.bulkBytes,
    bulkCorrupt: tally.bulkCorrupt,
    resumed: journal.resumed,
    longestStallMs: round(longestStallMs),
    mode: options.mode,
    carrier: options.carrier,
    seed: options.seed,
    rttMs: round(rttMs),
    machineStallMs: round(beside.stall()),
    sessionsLost: journal.sessionsEnded,
    faults: faults.counts,
    ...(changes && {
      rolledOver: journal.replaced,
      boundMs: round(1.5 * rttMs + 20),
      rollOverStallMs: round(Math.max(0, ...changes.stalls)),
      otherwiseStallMs: round(changes.otherwiseMs),
      rollOverStalls: changes.stalls.map(round),
    }),
    ...(holes && {
      noticedMs: Math.max(...holes.flatMap((hole) => [hole.agentNoticedMs, hole.hubNoticedMs])),
      replacedMs: Math.max(...holes.map((hole) => hole.replacedMs ?? 0)),
      holes,
    }),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

async function within<T>(ms: number, what: string, event: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = delay(ms, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`waiting for ${what}: not in ${ms / 1_000} s`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([event, late]);
  } finally {
    limit.abort();
  }
}
