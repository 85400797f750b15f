/** Writes the audit: records with rising numbers, each sealed behind the one before. */

import { systemRandom } from "../../../common/random.ts";
import { afterCommit, type Statements, type Store, storeOf } from "../store/index.ts";
import type { Actor, Row } from "./record.ts";
import { type Link, NO_SEAL, SEAL_BYTES, Sealer } from "./seal.ts";

/** UTF-16 units that are kept of a detail: some are a core's or an agent's words. */
const LONGEST_DETAIL = 1_000;
/** The same of the other texts. */
const LONGEST_TEXT = 256;

export interface TrailOptions {
  /** SEAL_BYTES bytes that are not in the database. */
  key: Uint8Array;
  /** The newest record, as far as it is known beside the database. */
  head?: Link | undefined;
  /** There is a newer one, for good. */
  committed?: (head: Link) => void;
}

export class Trail {
  readonly sealer: Sealer;
  readonly #committed: ((head: Link) => void) | undefined;
  #head: Link;

  constructor({ key, head, committed }: TrailOptions) {
    this.sealer = new Sealer(key);
    this.#committed = committed;
    this.#head = head ?? { number: 0, seal: NO_SEAL };
  }

  /** The newest record; number 0: none. */
  get head(): Link {
    return this.#head;
  }

  /**
   * Writes a record in the transaction of `sql`.
   * @param at ms since the epoch
   * @param target the tenant, or `TENANT/SITE`; empty where it is about the hub
   */
  async write(
    sql: Statements,
    at: number,
    actor: Actor | string,
    action: string,
    target: string,
    detail: string,
  ): Promise<void> {
    const { who, from } = typeof actor === "string" ? { who: actor, from: "" } : actor;
    const [tenant = "", site = ""] = target.split("/");
    const row: Row = {
      at: Math.round(at),
      who: text(who),
      origin: text(from),
      action: text(action),
      tenant: text(tenant),
      site: text(site),
      detail: text(detail, LONGEST_DETAIL),
    };
    const before = await this.#before(sql);
    const number = before.number + 1;
    const seal = this.sealer.record(before.seal, number, row);
    await sql`INSERT INTO audit (id, at, who, origin, action, tenant, site, detail, seal)
              VALUES (${number}, ${row.at}, ${row.who}, ${row.origin}, ${row.action}, ${row.tenant}, ${row.site},
                      ${row.detail}, ${seal})`;
    afterCommit(sql, () => {
      this.#head = { number, seal };
      this.#committed?.(this.#head);
    });
  }

  /**
   * The record before the next one: of this transaction, too. Where the database has less than was written, the next
   * does not take the place of what is missing.
   */
  async #before(sql: Statements): Promise<Link> {
    const [last] = await sql<Link>`SELECT id AS number, seal FROM audit ORDER BY id DESC LIMIT 1`;
    return last && last.number > this.#head.number ? last : this.#head;
  }
}

/** By their stores: so nobody who has a transaction can write a record that is not sealed. */
const TRAILS = new WeakMap<Store, Trail>();

/** The trail of a store; one that was not opened, as in tests, is sealed with a key that nobody keeps. */
export function trailOf(store: Store): Trail {
  const known = TRAILS.get(store);
  if (known) return known;
  const trail = new Trail({ key: systemRandom.bytes(SEAL_BYTES) });
  setTrail(store, trail);
  return trail;
}

export function setTrail(store: Store, trail: Trail): void {
  TRAILS.set(store, trail);
}

/** As `Trail.write`, into the trail of the store whose transaction it is. */
export async function writeAudit(
  sql: Statements,
  at: number,
  actor: Actor | string,
  action: string,
  target: string,
  detail: string,
): Promise<void> {
  await trailOf(storeOf(sql)).write(sql, at, actor, action, target, detail);
}

/** What the database gives back as it was: neither half a character nor NUL, at which some readers stop. */
function text(value: string, longest = LONGEST_TEXT): string {
  return value.slice(0, longest).replaceAll("\0", "\ufffd").toWellFormed();
}
