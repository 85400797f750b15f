/**
 * What the sites of some tenants are, for all pages that show them: kept once for all readers who may see the same.
 *
 * Each row has the number of the change that made it what it is, and each reader the number of the last change it was
 * told. So nothing queues up: a reader that is slow, or was away, is told what is newer than that, once.
 */
import type { Clock, Timer } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { keyOf, type SiteRow } from "../view/index.ts";
import type { FeedReach } from "./reach.ts";
import { siteRow } from "./site-row.ts";

/** Somebody who is told. */
export interface Reader {
  reach: FeedReach;
  /** The last change that it was told. */
  seen: number;
  /** `TENANT/SITE`, where it wants to know of that one only. */
  readonly only?: string | undefined;
  /** More can be sent to it now. */
  ready(): boolean;
  send(text: string): void;
}

export interface FeedOptions {
  clock: Clock;
  /** Of this feed alone: a reader of another one, as before the hub's last start, must begin anew. */
  epoch: string;
  failed: (error: unknown) => void;
}

interface Entry {
  row: SiteRow;
  json: string;
  /** What was changed last, and when its figures were. */
  change: number;
  figuresAt: number;
}

/** ms in which changes are put together. */
export const WINDOW = 250;
/** ms between two looks at what nobody tells: round-trip times, throughput, queues. */
export const LOOK = 5_000;
/** Rows of which only such figures are different that are told after one look, those that have waited longest first. */
export const MOST_FIGURES = 250;
/** Changed sites up to which each is asked for by itself. */
const FEW = 60;
/** Sites that are gone which are remembered, for readers who still show them. */
export const MOST_GONE = 1_000;

export class Feed {
  readonly #options: FeedOptions;
  readonly #rows = new Map<string, Entry>();
  readonly #readers = new Set<Reader>();
  #gone: { key: string; change: number }[] = [];
  /** Readers who were told less than this must begin anew. */
  #floor = 0;
  #change = 0;
  #dirty = new Map<string, { tenant: string; site: string }>();
  #lookedAt: number | undefined;
  #window: Timer | undefined;
  #look: Timer | undefined;
  #looking: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** The change that is being made has a number already. */
  #changing = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** What a reader says later who knows all that there is now. */
  get cursor(): string {
    return `${this.#options.epoch}.${this.#change}`;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** All rows, as they are now, and what to say when changes after them are wanted. */
  async page(reach: FeedReach): Promise<{ rows: SiteRow[]; cursor: string }> {
    const age =
      this.#lookedAt === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - this.#lookedAt;
    if (age > WINDOW) await this.#lookAt(reach);
    return { rows: [...this.#rows.values()].map(({ row }) => row), cursor: this.cursor };
  }

  /** Where a reader stands who says `cursor`; undefined: it must begin anew. */
  standing(cursor: string): number | undefined {
    const [, epoch, change] = /^([^.]*)\.(\d{1,15})$/.exec(cursor) ?? [];
    if (change === undefined || epoch !== this.#options.epoch) return undefined;
    const seen = Number(change);
    return seen >= this.#floor && seen <= this.#change ? seen : undefined;
  }

  /** From now on the reader is told; returns what ends it. */
  join(reader: Reader): () => void {
    this.#readers.add(reader);
    this.#arm();
    this.tell(reader);
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0) return;
      this.#look?.cancel();
      this.#window?.cancel();
      this.#look = this.#window = undefined;
    };
  }

  /** Something about a site is different; may be said any number of times. */
  touch(tenant: string, site: string): void {
    this.#dirty.set(keyOf({ tenant, site }), { tenant, site });
    this.#window ??= this.#options.clock.after(WINDOW, () => {
      this.#window = undefined;
      void this.#inTurn(() => this.#take()).catch((error) => this.#options.failed(error));
    });
  }

  /** Tells one reader what is newer than what it knows, if it can take it. */
  tell(reader: Reader): void {
    if (reader.seen === this.#change || !reader.ready()) return;
    const news = this.#news(reader.seen, reader.only);
    reader.seen = this.#change;
    if (news !== undefined) reader.send(news);
  }

  async #take(): Promise<void> {
    const dirty = [...this.#dirty.values()];
    this.#dirty.clear();
    const [first] = this.#readers;
    if (!first) return;
    if (dirty.length > FEW) return this.#lookAtAll(first.reach);
    const sparks = await first.reach.sparks();
    const sites = await Promise.all(
      dirty.map(({ tenant, site }) => first.reach.site(tenant, site).catch(unlessGone)),
    );
    this.#begin();
    dirty.forEach((name, at) => {
      const site = sites[at];
      const key = keyOf(name);
      if (site) this.#note(key, siteRow(site, sparks.get(key)));
      else this.#remove(key);
    });
    this.#end();
  }

  #arm(): void {
    this.#look ??= this.#options.clock.after(LOOK, () => {
      this.#look = undefined;
      const [first] = this.#readers;
      if (!first) return;
      void this.#lookAt(first.reach)
        .catch((error) => this.#options.failed(error))
        .finally(() => {
          if (this.#readers.size > 0) this.#arm();
        });
    });
  }

  /** Looks at all sites; who asks meanwhile waits for the same. */
  #lookAt(reach: FeedReach): Promise<void> {
    this.#looking ??= this.#inTurn(() => this.#lookAtAll(reach)).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAtAll(reach: FeedReach): Promise<void> {
    const [sites, sparks] = await Promise.all([reach.sites(), reach.sparks()]);
    this.#begin();
    const rows = new Map(sites.map((site) => [keyOf(site), siteRow(site, sparks.get(keyOf(site)))]));
    for (const key of [...this.#rows.keys()]) if (!rows.has(key)) this.#remove(key);
    const figures: [string, SiteRow, number][] = [];
    for (const [key, row] of rows) {
      const known = this.#rows.get(key);
      if (known && sameBut(known.row, row)) figures.push([key, row, known.figuresAt]);
      else this.#note(key, row);
    }
    figures.sort(([, , a], [, , b]) => a - b);
    let told = 0;
    for (const [key, row] of figures) {
      if (told >= MOST_FIGURES && this.#readers.size > 0) break;
      if (this.#note(key, row)) told++;
    }
    this.#lookedAt = this.#options.clock.now();
    this.#end();
  }

  /** One after the other: what was asked earlier must not overwrite what was asked later. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #begin(): void {
    this.#changing = false;
  }

  /** The first difference of a turn makes a new change. */
  #changed(): number {
    if (!this.#changing) {
      this.#changing = true;
      this.#change++;
    }
    return this.#change;
  }

  #end(): void {
    if (!this.#changing) return;
    // most have been told the same, and want the same
    const texts = new Map<string, string | undefined>();
    for (const reader of this.#readers) {
      if (!reader.ready()) continue;
      const kind = `${reader.seen} ${reader.only ?? ""}`;
      if (!texts.has(kind)) texts.set(kind, this.#news(reader.seen, reader.only));
      const text = texts.get(kind);
      reader.seen = this.#change;
      if (text !== undefined) reader.send(text);
    }
  }

  /** Says whether the row is another one. */
  #note(key: string, row: SiteRow): boolean {
    const json = JSON.stringify(row);
    if (this.#rows.get(key)?.json === json) return false;
    this.#gone = this.#gone.filter((each) => each.key !== key);
    this.#rows.set(key, { row, json, change: this.#changed(), figuresAt: this.#options.clock.now() });
    return true;
  }

  #remove(key: string): void {
    if (!this.#rows.delete(key)) return;
    this.#gone.push({ key, change: this.#changed() });
    const surplus = this.#gone.splice(0, Math.max(0, this.#gone.length - MOST_GONE)).at(-1);
    if (surplus) this.#floor = surplus.change;
  }

  /** As `text/event-stream` has it: all that is newer than a change; undefined: nothing that is wanted. */
  #news(seen: number, only: string | undefined): string | undefined {
    const rows: string[] = [];
    for (const [key, { change, json }] of this.#rows)
      if (change > seen && (only === undefined || only === key)) rows.push(json);
    const gone = this.#gone
      .filter(({ key, change }) => change > seen && (only === undefined || only === key))
      .map(({ key }) => key);
    if (rows.length === 0 && gone.length === 0) return undefined;
    return `id: ${this.cursor}\nevent: sites\ndata: {"rows":[${rows.join(",")}],"gone":${JSON.stringify(gone)}}\n\n`;
  }
}

/** What is not there is a row less; whatever else fails is no news of the site. */
function unlessGone(error: unknown): undefined {
  if (error instanceof FarsiteError && error.code === "E_NOT_FOUND") return undefined;
  throw error;
}

/** Whether two rows say the same, their figures aside. */
function sameBut(a: SiteRow, b: SiteRow): boolean {
  return (
    a.state === b.state &&
    a.since === b.since &&
    a.why === b.why &&
    a.queue === b.queue &&
    a.queueProblem === b.queueProblem &&
    a.version === b.version &&
    a.carrier === b.carrier &&
    a.outdated === b.outdated &&
    a.never === b.never
  );
}
