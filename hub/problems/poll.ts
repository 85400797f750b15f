/** One site, asked again and again: in short as a rule, for all its problems when something is different. */

import type { Clock } from "../../common/clock.ts";
import { Refusal } from "../../common/livestatus/index.ts";
import type { Row } from "../livestatus/federation/index.ts";
import type { GatedSite } from "../livestatus/index.ts";
import type { Cores } from "./core.ts";
import type { Problem } from "./problem.ts";
import { digestQuery, problemsQuery, TABLES, type Table } from "./questions.ts";
import { readProblem } from "./read.ts";

export interface PollOptions {
  site: GatedSite;
  cores: Cores;
  clock: Clock;
  /** Problems of one table that are asked for. */
  most: number;
  /** ms until an answer must be there. */
  within: number;
  /** ms after which all problems are asked for in any case: outputs change without anything else. */
  refresh: number;
  /** All problems of a table, and how many there are beyond those. */
  told: (table: Table, problems: readonly Problem[], more: number) => void;
}

/** Bytes of an answer for each row that is asked for: names, and outputs that cores do not bound. */
const BYTES_PER_ROW = 4 << 10;
/** Bytes of a digest. */
const LARGEST_DIGEST = 4 << 10;

interface Known {
  /** What the digest said, its last number aside. */
  digest: string | undefined;
  /** s since the epoch: the last change, and how many problems have changed at it or later; undefined: not known. */
  newest: number;
  since: number | undefined;
  /** When all problems were told, on the clock that never jumps. */
  at: number;
}

export class Poll {
  readonly #options: PollOptions;
  readonly #known: Record<Table, Known>;

  constructor(options: PollOptions) {
    this.#options = options;
    const nothing = () => ({ digest: undefined, newest: 0, since: undefined, at: Number.NEGATIVE_INFINITY });
    this.#known = { hosts: nothing(), services: nothing() };
  }

  /** Asks once. Rejects with a Refusal. */
  async ask(): Promise<void> {
    await Promise.all(TABLES.map((table) => this.#ask(table)));
  }

  async #ask(table: Table): Promise<void> {
    const { clock, refresh } = this.#options;
    const known = this.#known[table];
    const digest = readDigest(await this.#rows(digestQuery(table, known.newest), LARGEST_DIGEST));
    const same = digest.text === known.digest && (known.since ?? digest.since) === digest.since;
    if (same && clock.now() - known.at < refresh) {
      known.since = digest.since;
      return;
    }
    await this.#askAll(table, digest);
  }

  async #askAll(table: Table, { text, count }: Digest): Promise<void> {
    const { site, most, clock, told } = this.#options;
    const rows = await this.#rows(problemsQuery(table, most), most * BYTES_PER_ROW);
    // a core that does not know Limit, or does not keep to it
    const problems = rows.slice(0, most).map((row) => readProblem(site, table, row));
    const more = rows.length < most ? 0 : Math.max(0, count - problems.length);
    const newest = Math.floor(problems.reduce((last, { since }) => Math.max(last, since), 0) / 1_000);
    this.#known[table] = {
      digest: text,
      newest,
      since: more > 0 ? undefined : problems.filter(({ since }) => since >= newest * 1_000).length,
      at: clock.now(),
    };
    told(table, problems, more);
  }

  #rows(text: string, largest: number): Promise<Row[]> {
    const { cores, site, within } = this.#options;
    return cores.rows(site, { text, largest, within });
  }
}

interface Digest {
  text: string;
  /** Problems, and those of them that have changed at the moment named or later. */
  count: number;
  since: number;
}

/** @throws Refusal it is no row of statistics */
function readDigest([row]: readonly Row[]): Digest {
  const [count, since] = [row?.[0], row?.at(-1)];
  if (!row || typeof count !== "number" || typeof since !== "number") {
    throw new Refusal(502, "its answer cannot be read: it holds no numbers where counts were asked for");
  }
  return { text: JSON.stringify(row.slice(0, -1)), count, since };
}
