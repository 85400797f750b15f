/** One query on its way: asks the sites, merges what they say, and writes the answer. */

import type { Clock, Timer } from "../../../common/clock.ts";
import { Deadline } from "../../../common/deadline.ts";
import { formatHead, Refusal } from "../../../common/livestatus/index.ts";
import type { AnswerEvents } from "../index.ts";
import type { Ask } from "./ask.ts";
import { Backlog } from "./backlog.ts";
import { type Collector, collector, type Source } from "./collect.ts";
import type { Deviations } from "./deviation.ts";
import { FanOut } from "./fan-out.ts";
import { type Format, formatOf, type Summary } from "./format.ts";
import type { Memory, Share } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { Plan } from "./plan.ts";
import type { Query } from "./query.ts";
import { SiteRun } from "./site-run.ts";
import { Spool, type SpoolOptions } from "./spool.ts";
import type { Row } from "./value.ts";

export interface RunLimits {
  /** ms for the sites, unless the client says otherwise. */
  sitesTimeout: number;
  /** ms in which a client takes nothing of its answer before it is given up. */
  clientTimeout: number;
  /** Sites that are sending at a time. */
  sites: number;
}

export interface RunOptions {
  query: Query;
  /** The sites it is for. */
  peers: readonly Peer[];
  /** What the hub knows itself; then no site is asked. */
  local?: Local | undefined;
  ask: Ask;
  deviations: Deviations;
  clock: Clock;
  limits: RunLimits;
  spool: SpoolOptions;
  memory: Memory;
  /** Sites that were asked for and do not exist. */
  missing: readonly string[];
  /** The answer's length goes before it. */
  fixed16: boolean;
  events: AnswerEvents;
  /** Sites whose rows are missing, when the rest is out. */
  partial: (failed: ReadonlyMap<string, string>) => void;
}

/** A table of the hub's own. */
export interface Local {
  columns: readonly string[];
  rows: Iterable<{ source: Source; row: Row }>;
}

/** Text that is collected before it goes on. */
const BATCH = 32 << 10;

export class Run {
  readonly #options: RunOptions;
  readonly #format: Format;
  readonly #backlog: Backlog;
  readonly #spool: Spool | undefined;
  readonly #idle: Deadline;
  readonly #memory: Share;
  readonly #failed = new Map<string, Refusal>();
  #fanOut: FanOut | undefined;
  #collector: Collector | undefined;
  #timer: Timer | undefined;
  /** ms for which the sites had to wait for the client, and since when they do. */
  #waited = 0;
  #waitingSince: number | undefined;
  #batch = "";
  #scanned = 0;
  #rest: Iterator<Row> | undefined;
  #writing = false;
  /** Goes on with what was kept. */
  #sending: (() => void) | undefined;
  #reading = false;
  #over = false;
  #told = false;
  #sent = false;

  constructor(options: RunOptions) {
    this.#options = options;
    const { query, events, clock, fixed16, spool, limits, memory, missing } = options;
    this.#memory = memory.share();
    for (const key of missing) this.#failed.set(key, new Refusal(400, "there is no site of that name here"));
    this.#format = formatOf(query.format, query.separators);
    this.#backlog = new Backlog(
      (chunk) => {
        this.#sent = true;
        this.#idle.set(limits.clientTimeout);
        events.data(chunk);
      },
      () => this.#drained(),
    );
    this.#spool = fixed16 ? new Spool(spool) : undefined;
    this.#idle = new Deadline(clock, () => this.#stuck());
  }

  /** Some of the answer is out: it can no longer be replaced by an error. */
  get begun(): boolean {
    return this.#sent;
  }

  start(): void {
    const { query, local } = this.#options;
    try {
      const columns = query.columns ?? local?.columns;
      if (columns) this.#begin(columns);
      if (local || query.limit === 0) this.#answerLocally();
      else this.#ask();
    } catch (error) {
      this.#failWith(error);
    }
  }

  consumed(bytes: number): void {
    this.#backlog.consumed(bytes);
    if (this.#backlog.underWay > 0) this.#idle.set(this.#options.limits.clientTimeout);
    else this.#idle.clear();
  }

  /** Nobody wants the answer any more. */
  cancel(): void {
    this.#told = true;
    this.#end();
  }

  #answerLocally(): void {
    const { query, local } = this.#options;
    for (const { source, row } of (query.limit !== 0 && local?.rows) || []) this.#take(source, [row]);
    this.#complete();
  }

  #ask(): void {
    const { peers, limits, clock, query } = this.#options;
    const plan = new Plan(query);
    const runs = peers.flatMap((peer, index) => {
      const site = plan.for(peer);
      return site ? [{ peer, index, plan: site }] : [];
    });
    const alone = runs.length === 1;
    this.#arm(query.timeLimit ?? limits.sitesTimeout);
    this.#fanOut = new FanOut({
      clock,
      limit: limits.sites,
      starts: runs.map((run) => (over) => this.#siteRun({ ...run, alone }, over)),
      paused: () => this.#blocked,
      done: () => this.#complete(),
    });
    this.#fanOut.start();
  }

  #siteRun(
    site: Pick<ConstructorParameters<typeof SiteRun>[0], "peer" | "index" | "plan" | "alone">,
    over: () => void,
  ): SiteRun {
    const { ask, deviations, query } = this.#options;
    const needs = query.stats.some((stat) => stat.kind === "aggregate" && stat.operation === "std");
    return new SiteRun({
      ...site,
      ask,
      wait: query.wait,
      memory: this.#memory,
      deviations: needs ? deviations : undefined,
      header: (source) => this.#begin(source.columns),
      rows: (source, rows) => this.#take(source, rows),
      paused: () => this.#blocked,
      over: (failure) => {
        if (failure) this.#failed.set(site.peer.key, failure);
        over();
      },
    });
  }

  /** The columns are known now: the answer begins. */
  #begin(columns: readonly string[]): void {
    if (this.#collector) return;
    const { query } = this.#options;
    const names = [...columns, ...query.stats.map((_, at) => `stats_${at + 1}`)];
    const unknown = query.stats.length > 0 && query.sort.find(({ column }) => !names.includes(column));
    if (unknown) throw new Refusal(400, `sort column ${unknown.column} is not in the result`);
    this.#collector = collector(query, names, this.#memory);
    this.#write(this.#format.begin(query.columnHeaders ? names : undefined));
  }

  #take(source: Source, rows: readonly Row[]): void {
    const gathering = this.#collector;
    if (!gathering || this.#over) return;
    this.#scanned += rows.length;
    try {
      for (const row of rows) {
        const out = gathering.take(source, row);
        if (out) this.#write(this.#format.row(out));
      }
    } catch (error) {
      this.#failWith(error);
    }
    this.#pass();
    if (gathering.satisfied) this.#fanOut?.stop();
  }

  /** All sites are done, or no more of them is needed. */
  #complete(): void {
    if (this.#over) return;
    this.#timer?.cancel();
    const refusal = this.#commonFailure();
    if (refusal) {
      this.#failWith(refusal);
      return;
    }
    // no site has told its columns: none has rows
    if (!this.#collector) this.#write(this.#format.begin(undefined));
    this.#rest = (this.#collector?.finish() ?? [])[Symbol.iterator]();
    this.#writeRest();
  }

  get #count(): number {
    return (this.#fanOut?.count ?? 0) + this.#options.missing.length;
  }

  /**
   * Why no site has an answer, where that is more than that they cannot be reached: then every one of them, or
   * one big site, would say the same. What some of them say is told beside the rows of the others.
   */
  #commonFailure(): Refusal | undefined {
    const [first, ...others] = this.#failed.values();
    if (!first || this.#failed.size < this.#count) return undefined;
    const same = others.every(({ code }) => code === first.code);
    if (this.#options.query.format === "wrapped_json" && !(same && first.code < 500)) return undefined;
    if (same) return this.#failed.size === 1 || first.code < 500 ? first : noneReachable(this.#failed);
    return noneReachable(this.#failed);
  }

  #writeRest(): void {
    const rest = this.#rest;
    if (!rest || this.#writing) return;
    // the client may take what is written here at once, and ask for more
    this.#writing = true;
    let next = rest.next();
    while (!next.done) {
      this.#write(this.#format.row(next.value));
      if (this.#blocked || this.#over) break;
      next = rest.next();
    }
    this.#writing = false;
    if (!next.done || this.#over) return;
    this.#rest = undefined;
    this.#write(this.#format.end(this.#summary()));
    this.#flush();
    if (this.#failed.size > 0) this.#options.partial(this.#summary().failed);
    this.#finish();
  }

  #summary(): Summary {
    const failed = new Map([...this.#failed].map(([key, { message }]) => [key, message]));
    return { failed, total: this.#collector?.total ?? 0, scanned: this.#scanned };
  }

  get #blocked(): boolean {
    return this.#backlog.blocked || (this.#spool?.busy ?? false);
  }

  #write(text: string): void {
    this.#batch += text;
    if (this.#batch.length >= BATCH) this.#flush();
  }

  /** Rows do not wait for others: a client may read on while slow sites are waited for. */
  #pass(): void {
    if (!this.#spool && this.#batch.length > 0) this.#flush();
  }

  #flush(): void {
    if (this.#batch === "" || this.#over) return;
    const chunk = Buffer.from(this.#batch);
    this.#batch = "";
    if (!this.#spool) this.#backlog.write(chunk);
    else {
      this.#spool.append(chunk);
      if (this.#spool.failure) this.#failWith(this.#spool.failure);
      else if (this.#spool.busy) this.#spool.whenIdle(() => this.#drained());
    }
    if (this.#blocked) this.#waitingSince ??= this.#options.clock.now();
  }

  #drained(): void {
    if (this.#over) return;
    if (this.#spool?.failure) {
      this.#failWith(this.#spool.failure);
      return;
    }
    if (this.#waitingSince !== undefined) this.#waited += this.#options.clock.now() - this.#waitingSince;
    this.#waitingSince = undefined;
    if (this.#sending) this.#sendSpool();
    else if (this.#rest) this.#writeRest();
    else this.#fanOut?.release();
  }

  /** All is written; what was kept goes out. */
  #finish(): void {
    const spool = this.#spool;
    if (!spool) {
      this.#whole();
      return;
    }
    spool.whenIdle(() => {
      if (this.#over) return;
      if (spool.failure) {
        this.#failWith(spool.failure);
        return;
      }
      const next = spool.reader();
      this.#sending = () =>
        next((piece) => {
          this.#reading = false;
          if (spool.failure) this.#failWith(spool.failure);
          else if (!piece) this.#whole();
          else {
            this.#backlog.write(piece);
            this.#sendSpool();
          }
        });
      this.#backlog.write(Buffer.from(formatHead({ code: 200, length: spool.length })));
      this.#sendSpool();
    });
  }

  #sendSpool(): void {
    if (this.#over || this.#reading || this.#backlog.blocked) return;
    this.#reading = true;
    this.#sending?.();
  }

  #whole(): void {
    this.#told = true;
    this.#end();
    this.#options.events.whole();
  }

  #failWith(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    if (this.#told) return;
    this.#told = true;
    this.#end();
    this.#options.events.failed(error);
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#idle.clear();
    this.#fanOut?.cancel();
    this.#spool?.close();
    this.#memory.close();
  }

  /** The sites' time runs while they are waited for, not while they have to wait. */
  #arm(ms: number): void {
    const { clock } = this.#options;
    const from = clock.now();
    const before = this.#waited;
    this.#timer = clock.after(ms, () => {
      const since = this.#waitingSince === undefined ? 0 : clock.now() - this.#waitingSince;
      const left = ms - (clock.now() - from - (this.#waited + since - before));
      if (left > 1) this.#arm(left);
      else this.#late();
    });
  }

  #late(): void {
    const { query, limits } = this.#options;
    const seconds = Math.round((query.timeLimit ?? limits.sitesTimeout) / 1_000);
    this.#fanOut?.fail(new Refusal(502, `the site did not answer within ${seconds} s`));
  }

  #stuck(): void {
    this.#failWith(new Refusal(502, "the client does not take its answer"));
  }
}

function noneReachable(failed: ReadonlyMap<string, Refusal>): Refusal {
  const [[key, { message }] = ["", new Refusal(502, "")]] = failed;
  return new Refusal(502, `none of ${failed.size} sites has an answer; ${key}: ${message}`);
}
