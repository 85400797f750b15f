/** One site's part in a query: what is asked of it, and what becomes of its rows. */

import { Refusal } from "../../../common/livestatus/index.ts";
import { SiteAnswer } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { Source } from "./collect.ts";
import { type Deviations, STATUS_REQUEST } from "./deviation.ts";
import type { Branch } from "./fan-out.ts";
import type { Share } from "./memory.ts";
import type { Peer } from "./peer.ts";
import type { SitePlan } from "./plan.ts";
import { checkCells, type Deviation } from "./stats.ts";
import type { Row } from "./value.ts";

export interface SiteRunOptions {
  peer: Peer;
  index: number;
  plan: SitePlan;
  /** No other site is asked: whatever it says is the answer. */
  alone: boolean;
  ask: Ask;
  wait: number;
  /** Where it matters how the core computes standard deviations. */
  deviations: Deviations | undefined;
  /** Columns that the site names itself. */
  header(source: Source): void;
  /** Rows that are as they should be. */
  rows(source: Source, rows: readonly Row[]): void;
  memory: Share;
  paused(): boolean;
  /** Undefined: all rows have come. */
  over(failure: Refusal | undefined): void;
}

export class SiteRun implements Branch {
  readonly #options: SiteRunOptions;
  #answer: SiteAnswer | undefined;
  #source: Source | undefined;
  #deviation: Deviation = "sample";
  /** Of statistics: half of them would not be half right. */
  #held: Row[] = [];
  #heldBytes = 0;
  #cancelled = false;

  constructor(options: SiteRunOptions) {
    this.#options = options;
  }

  /** Something of an answer has come. */
  get begun(): boolean {
    return this.#answer?.begun ?? false;
  }

  start(): void {
    const { deviations, peer } = this.#options;
    const known = deviations?.of(peer);
    if (known) this.#deviation = known;
    if (deviations && !known) this.#learn(deviations);
    else this.#query();
  }

  release(): void {
    this.#answer?.release();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#answer?.cancel();
  }

  fail(refusal: Refusal): void {
    if (this.#cancelled) return;
    this.cancel();
    this.#options.over(refusal);
  }

  /** Asks what core it is before anything else. */
  #learn(deviations: Deviations): void {
    let versions: Row = [];
    this.#begin(STATUS_REQUEST, {
      rows: ([first = []]) => {
        versions = first;
      },
      over: (failure) => {
        if (failure) this.#options.over(failure);
        else {
          this.#deviation = deviations.learn(this.#options.peer, versions);
          this.#query();
        }
      },
    });
  }

  #query(): void {
    if (this.#cancelled) return;
    const { memory, plan } = this.#options;
    this.#begin(plan.request, {
      rows: (rows, bytes) => this.#take(rows, bytes),
      over: (failure) => {
        memory.give(this.#heldBytes);
        this.#heldBytes = 0;
        if (!failure && this.#source && this.#held.length > 0) this.#options.rows(this.#source, this.#held);
        this.#options.over(failure);
      },
    });
  }

  #begin(
    request: Buffer,
    events: { rows: (rows: Row[], bytes: number) => void; over: (failure: Refusal | undefined) => void },
  ): void {
    const { peer, ask, wait, memory, paused } = this.#options;
    this.#answer = new SiteAnswer({
      ask: (question, told) => ask(peer, question, told),
      request,
      wait,
      memory,
      paused,
      ...events,
    });
    this.#answer.start();
  }

  #take(rows: Row[], bytes: number): void {
    const { plan } = this.#options;
    if (!this.#source) {
      const columns = plan.columns ?? namesOf(rows.shift());
      this.#source = this.#sourceOf(columns);
      if (!plan.columns) this.#options.header(this.#source);
    }
    const source = this.#source;
    if (plan.stats) this.#hold(source, rows, bytes);
    else {
      for (const row of rows) if (row.length !== source.columns.length) throw misshapen(row, source);
      this.#options.rows(source, rows);
    }
  }

  #sourceOf(columns: readonly string[]): Source {
    const { peer, index, plan } = this.#options;
    return { peer, index, columns, stats: plan.stats, deviation: this.#deviation };
  }

  #hold(source: Source, rows: readonly Row[], bytes: number): void {
    const { stats, columns } = source;
    if (!stats) return;
    const { memory, alone } = this.#options;
    this.#heldBytes += bytes;
    if (!memory.take(bytes)) throw new Refusal(413, "its statistics have too many groups");
    for (const row of rows) {
      // Icinga 2 says so that there are no groups: a row of zeros without the columns
      if (columns.length > 0 && row.length === stats.width && row.every((cell) => cell === 0)) continue;
      if (row.length !== columns.length + stats.width) throw misshapen(row, source);
      if (!alone) checkCells(stats, row.slice(columns.length));
      this.#held.push(row);
    }
  }
}

function namesOf(row: Row | undefined): string[] {
  if (row?.every((cell) => typeof cell === "string")) return row as string[];
  throw new Refusal(502, "its answer cannot be read: it does not begin with names of columns");
}

function misshapen(row: Row, { columns, stats }: Source): Refusal {
  const expected = columns.length + (stats?.width ?? 0);
  return new Refusal(502, `its answer cannot be read: a row has ${row.length} cells, not ${expected}`);
}
