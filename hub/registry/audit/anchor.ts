/** What the chain is fastened to when its oldest records are gone: the last of them, sealed. */

import type { Statements } from "../store/index.ts";
import type { Link, Sealer } from "./seal.ts";

export interface Anchor extends Link {
  /** Over number and seal. */
  proof: string;
}

/** Undefined: no record was ever removed. */
export async function anchorOf(sql: Statements): Promise<Anchor | undefined> {
  const [anchor] = await sql<Anchor>`SELECT number, seal, proof FROM audit_anchor`;
  return anchor;
}

/** Everything up to `last` is gone. */
export async function setAnchor(sql: Statements, last: Link, sealer: Sealer): Promise<void> {
  await sql`DELETE FROM audit_anchor`;
  await sql`INSERT INTO audit_anchor (number, seal, proof) VALUES (${last.number}, ${last.seal}, ${sealer.anchor(last)})`;
}
