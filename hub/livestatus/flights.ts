/** Static answers of one site: from the cache, or asked for once for all who want them at the same time. */

import { parseHead, type Refusal, type Request, requestBytes } from "../../common/livestatus/index.ts";
import type { Asking } from "./asking.ts";
import { type Cache, LARGEST_KEPT } from "./cache.ts";
import type { AnswerEvents } from "./exchange.ts";
import type { Question } from "./question.ts";
import { cacheKey } from "./static.ts";
import type { Totals } from "./totals.ts";

/** What comes of a static query: its answer, why there is none, or that each must ask for itself. */
export type StaticResult = Buffer | Refusal | "no-answer" | "ask-yourself";

export interface FlightsOptions {
  siteId: number;
  cache: Cache;
  totals: Pick<Totals, "cacheHits" | "cacheMisses">;
  /** Another text after each reload of the core; undefined: not known, then nothing is kept. */
  generation: () => string | undefined;
  /** ms since the epoch. */
  wall: () => number;
  ask: (who: string, question: Question, events: AnswerEvents) => Asking;
}

/** Headers that are between the client and the hub. */
export const BETWEEN_US: ReadonlySet<string> = new Set(["Cache", "KeepAlive"]);

export class Flights {
  readonly #options: FlightsOptions;
  readonly #underWay = new Map<string, ((result: StaticResult) => void)[]>();
  #generation: string | undefined;
  /** Queries that were answered without the core, and those that could have been. */
  hits = 0;
  misses = 0;

  constructor(options: FlightsOptions) {
    this.#options = options;
  }

  /** Under what its answer is kept; undefined when it is not. */
  key(request: Request): string | undefined {
    const { siteId, cache, generation, wall } = this.#options;
    const now = generation();
    if (now !== this.#generation) {
      cache.forget(`${siteId}\n`);
      this.#generation = now;
    }
    if (now === undefined) return undefined;
    const key = cacheKey(request, wall());
    return key === undefined ? undefined : `${siteId}\n${now}\n${key}`;
  }

  /**
   * Answers a query; at once if it can.
   * @param key what `key` gave for it
   */
  take(key: string, request: Request, who: string, done: (result: StaticResult) => void): void {
    const kept = this.#options.cache.get(key);
    if (kept === "too-large") {
      done("ask-yourself");
      return;
    }
    if (kept) {
      this.hits++;
      this.#options.totals.cacheHits++;
      done(kept);
      return;
    }
    const underWay = this.#underWay.get(key);
    if (underWay) {
      this.hits++;
      this.#options.totals.cacheHits++;
      underWay.push(done);
      return;
    }
    this.misses++;
    this.#options.totals.cacheMisses++;
    this.#underWay.set(key, [done]);
    this.#fetch(key, request, who);
  }

  #fetch(key: string, request: Request, who: string): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const land = (result: StaticResult) => {
      const all = this.#underWay.get(key) ?? [];
      this.#underWay.delete(key);
      for (const done of all) done(result);
    };
    const asking = this.#options.ask(
      who,
      { bytes: [requestBytes(request, BETWEEN_US)], fixed16: true, halfClose: false, wait: 0 },
      {
        data: (chunk) => {
          const announced = bytes === 0 ? (parseHead(chunk)?.length ?? 0) : 0;
          bytes += chunk.length;
          asking.consumed(chunk.length);
          chunks.push(chunk);
          if (Math.max(bytes, announced) <= LARGEST_KEPT) return;
          asking.cancel();
          this.#options.cache.put(key, "too-large");
          land("ask-yourself");
        },
        whole: () => {
          // a copy of just its size: the chunks are parts of larger records
          const answer = Buffer.allocUnsafeSlow(bytes);
          let at = 0;
          for (const chunk of chunks) at += chunk.copy(answer, at);
          if (parseHead(answer)?.code === 200) this.#options.cache.put(key, answer);
          land(answer);
        },
        cut: () => land("no-answer"),
        failed: land,
      },
    );
    asking.start();
  }
}
