/** Runs the cases over the peers, round by round. */
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "../../common/errors.ts";
import type { Case, Effort, Figures } from "./cases/case.ts";
import type { PeerName, Way } from "./peers/peer.ts";
import type { Stage, StageName } from "./stage.ts";

/** A moment of each case, so that no round finds cold code. Lines are too slow for that to matter. */
const WARM_UP: Effort = { seconds: 0.2, mebibytes: 64, lineSeconds: 0, restSeconds: 0 };
const REST_MS = 1000;
/** Rounds of the cases that take long. */
const LONG_ROUNDS = 3;

const roundsOf = ({ rounds, long }: Case): number =>
  rounds ?? (long ? LONG_ROUNDS : Number.POSITIVE_INFINITY);

/** A stage and the ways that are open on it. */
export interface Opened {
  readonly stage: Stage;
  readonly ways: ReadonlyMap<PeerName, Way>;
}

export interface Plan {
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly effort: Effort;
  /** No case is begun again (after the first round) if it would probably end later than this, in ms from now. */
  readonly limitMs: number;
  /** Ends the measuring, by throwing. */
  readonly ending: AbortSignal;
  readonly progress: (line: string) => void;
}

/** All samples taken, and what went wrong. */
export class Results {
  readonly failures: string[] = [];
  #samples = new Map<string, number[]>();

  add(peer: PeerName, figures: Figures): void {
    for (const [row, figure] of Object.entries(figures)) {
      const key = `${peer} ${row}`;
      this.#samples.set(key, [...(this.#samples.get(key) ?? []), figure]);
    }
  }

  /** The median over the rounds, the mean of the middle two if they are even. Null if there is none. */
  median(peer: PeerName, row: string): number | null {
    const sorted = (this.#samples.get(`${peer} ${row}`) ?? []).toSorted((a, b) => a - b);
    const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
    return low === undefined || high === undefined ? null : (low + high) / 2;
  }
}

/**
 * In every round each case goes over all peers, one after the other, and the order of the peers is turned
 * round from round to round: a machine that grows slower or faster does so for all of them. A case that
 * fails on a peer is a failure of the run and is not tried there again.
 */
export async function measure(stages: ReadonlyMap<StageName, Opened>, plan: Plan): Promise<Results> {
  const { cases, rounds, progress } = plan;
  const end = performance.now() + plan.limitMs;
  const results = new Results();
  const broken = new Set<string>();
  const longest = new Map<Case, number>();

  const peersOf = ({ stage, only }: Case): PeerName[] =>
    [...(stages.get(stage)?.ways.keys() ?? [])].filter((peer) => only === undefined || peer === only);

  const attempt = async (item: Case, peer: PeerName, effort: Effort): Promise<Figures> => {
    const opened = stages.get(item.stage);
    const way = opened?.ways.get(peer);
    const key = `${item.name} on ${peer}`;
    if (!opened || !way || broken.has(key)) return {};
    try {
      return await item.measure(opened.stage, way, effort);
    } catch (error) {
      plan.ending.throwIfAborted();
      broken.add(key);
      results.failures.push(`${key}: ${reasonOf(error)}`);
      progress(`${key} FAILED: ${reasonOf(error)}`);
      return {};
    }
  };

  const resting = cases.filter((item) => item.atRest);
  if (resting.length > 0) await delay(REST_MS);
  for (const item of resting) {
    for (const [peer, way] of stages.get(item.stage)?.ways ?? []) {
      results.add(peer, (await item.atRest?.(way)) ?? {});
    }
  }

  progress("warming up");
  for (const item of cases.filter(({ stage, warm }) => stage === "loopback" && !warm)) {
    for (const peer of peersOf(item)) await attempt(item, peer, WARM_UP);
  }

  for (let round = 1; round <= rounds; round++) {
    const late: string[] = [];
    for (const item of cases.filter((each) => round <= roundsOf(each))) {
      const peers = round % 2 ? peersOf(item) : peersOf(item).reverse();
      const start = performance.now();
      if (round > 1 && start + (longest.get(item) ?? 0) > end) {
        late.push(item.name);
        continue;
      }
      const line: string[] = [];
      for (const peer of peers) {
        const figures = await attempt(item, peer, plan.effort);
        results.add(peer, figures);
        const numbers = Object.values(figures).map((figure) => Number(figure.toPrecision(4)));
        if (numbers.length > 0) line.push(`${peer} ${numbers.join(" ")}`);
      }
      longest.set(item, Math.max(longest.get(item) ?? 0, performance.now() - start));
      progress(`round ${round} of ${rounds}: ${item.name.padEnd(9)} ${line.join(" | ")}`);
    }
    if (late.length > 0) progress(`round ${round}: ${late.join(", ")} left out, the time is up`);
  }
  return results;
}
