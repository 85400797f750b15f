/** Whether the audit is whole: reads the database by itself, beside a running hub or without one, and changes nothing. */
import { Database } from "bun:sqlite";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import type { Anchor } from "./anchor.ts";
import type { Row } from "./record.ts";
import { type Link, NO_SEAL, Sealer, sameSeal } from "./seal.ts";

/** What is wrong with a record, or at its place. */
export type Damage =
  /** It is not as it was written. */
  | "changed"
  /** It was not written by the hub. */
  | "inserted"
  /** It and perhaps more are not there. */
  | "missing"
  /** The newest are not there. */
  | "cut"
  /** What the chain is fastened to is not the hub's. */
  | "anchor";

export interface AuditProblem {
  damage: Damage;
  /** Number of the first record that it is about. */
  first: number;
  /** Of the last one. */
  last: number;
}

export interface AuditCheck {
  whole: boolean;
  /** Records that are there. */
  records: number;
  /** Of the first and the last of them: numbers, and times in ISO 8601. */
  first?: number;
  last?: number;
  from?: string;
  to?: string;
  /** Records that retention has removed: those before the first. */
  removed: number;
  /** The newest record; to be kept elsewhere, as NUMBER:SEAL. Missing: there is none. */
  head?: Link;
  /** What is wrong, the first of it. */
  problems: AuditProblem[];
  /** How much is, in all. */
  found: number;
}

export interface VerifyOptions {
  /** Of the database. */
  path: string;
  key: Uint8Array;
  /** Places in the chain that are known from elsewhere: read before this is called. */
  known: readonly Link[];
}

/** Problems that are told one by one. */
const MOST_PROBLEMS = 20;

/** A row of the table as somebody may have made it. */
type Found = Record<keyof Row | "number" | "seal", unknown>;

/** Throws E_STATE when the database cannot be read at all. */
export function verifyAudit({ path, key, known }: VerifyOptions): AuditCheck {
  try {
    using db = new Database(path, { readonly: true });
    // one moment of it, whatever the hub writes meanwhile
    db.run("BEGIN");
    const anchor = db.query<Anchor, []>("SELECT number, seal, proof FROM audit_anchor").get() ?? undefined;
    const records = db.query<Found, []>(
      "SELECT id AS number, at, who, origin, action, tenant, site, detail, seal FROM audit ORDER BY id",
    );
    return new Verification(new Sealer(key), anchor, known).run(records.iterate());
  } catch (error) {
    throw new FarsiteError("E_STATE", `the audit in ${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** A record that does not follow the one before, until the next one tells more. */
interface Doubt {
  record: Link;
  /** The seal and the number before it. */
  before: Link;
}

class Verification {
  readonly #problems: AuditProblem[] = [];
  #found = 0;
  #doubt: Doubt | undefined;
  /** The last record. */
  #last: Link;
  /** Seals of the places that are known from elsewhere, as far as they were met. */
  readonly #met = new Map<number, string>();

  constructor(
    private readonly sealer: Sealer,
    private readonly anchor: Anchor | undefined,
    private readonly known: readonly Link[],
  ) {
    if (anchor && !proven(anchor, sealer)) this.#tell("anchor", Number(anchor.number), Number(anchor.number));
    this.#last = anchor ?? { number: 0, seal: NO_SEAL };
    if (anchor) this.#meet(anchor);
  }

  run(rows: Iterable<Found>): AuditCheck {
    let records = 0;
    let first: { number: number; at: number } | undefined;
    let newest: { number: number; at: number } | undefined;
    for (const row of rows) {
      records++;
      const link = { number: Number(row.number), seal: String(row.seal) };
      newest = { number: link.number, at: Number(row.at) };
      first ??= newest;
      this.#take(link, row);
    }
    this.#settle();
    this.#compare();
    return {
      whole: this.#found === 0,
      records,
      ...(first && { first: first.number, from: timeOf(first.at) }),
      ...(newest && { last: newest.number, to: timeOf(newest.at) }),
      removed: this.anchor?.number ?? 0,
      ...(this.#last.number > 0 && { head: { number: this.#last.number, seal: this.#last.seal } }),
      problems: this.#problems,
      found: this.#found,
    };
  }

  #take(link: Link, row: Found): void {
    const follows = (before: string) => {
      const whole = wholeRow(row);
      return whole !== undefined && sameSeal(link.seal, this.sealer.record(before, link.number, whole));
    };
    const doubt = this.#doubt;
    if (doubt && follows(doubt.before.seal)) {
      // all is well without the one before
      this.#doubt = undefined;
      this.#tell("inserted", doubt.record.number, doubt.record.number);
    } else {
      const whole = follows(this.#last.seal);
      this.#settle();
      if (!whole) this.#doubt = { record: link, before: this.#last };
    }
    this.#last = link;
    this.#meet(link);
  }

  /** Nothing more can be known of a record that does not follow. */
  #settle(): void {
    const doubt = this.#doubt;
    this.#doubt = undefined;
    if (!doubt) return;
    const { record, before } = doubt;
    if (record.number > before.number + 1) this.#tell("missing", before.number + 1, record.number - 1);
    else if (this.known.length > 0 && this.known.every(({ number }) => number < record.number)) {
      this.#tell("inserted", record.number, record.number);
    } else this.#tell("changed", record.number, record.number);
  }

  #meet({ number, seal }: Link): void {
    if (this.known.some((each) => each.number === number)) this.#met.set(number, seal);
  }

  /** Against what is known from elsewhere. */
  #compare(): void {
    for (const { number, seal } of this.known) {
      const met = this.#met.get(number);
      if (number > this.#last.number) this.#tell("cut", this.#last.number + 1, number);
      else if (met !== undefined && !sameSeal(met, seal)) this.#tell("changed", number, number);
    }
  }

  #tell(damage: Damage, first: number, last: number): void {
    const same = this.#problems.some(
      (each) => each.damage === damage && each.first === first && each.last === last,
    );
    if (same) return;
    this.#found++;
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push({ damage, first, last });
  }
}

function proven({ number, seal, proof }: Anchor, sealer: Sealer): boolean {
  if (!Number.isSafeInteger(number) || typeof seal !== "string") return false;
  return sameSeal(sealer.anchor({ number, seal }), String(proof));
}

/** Undefined: a field is of another type than the hub gives it. */
function wholeRow({ at, who, origin, action, tenant, site, detail }: Found): Row | undefined {
  const texts = [who, origin, action, tenant, site, detail];
  if (!Number.isSafeInteger(at) || texts.some((text) => typeof text !== "string")) return undefined;
  return { at, who, origin, action, tenant, site, detail } as Row;
}

function timeOf(at: number): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "unknown" : time.toISOString();
}
