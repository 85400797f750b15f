/** Opens the audit at the hub's start: its key, how far it has come, and records that are not sealed yet. */

import type { Disk } from "../../../common/disk.ts";
import type { Log } from "../../../common/log.ts";
import type { Random } from "../../../common/random.ts";
import type { Statements, Store } from "../store/index.ts";
import { anchorOf } from "./anchor.ts";
import { CONFIGURATION } from "./configuration.ts";
import { HeadFile, readAuditKey, readHead, writeAuditKey } from "./files.ts";
import type { Row } from "./record.ts";
import { type Link, NO_SEAL, SEAL_BYTES, Sealer } from "./seal.ts";
import { setTrail, Trail } from "./trail.ts";

export interface OpenTrailOptions {
  store: Store;
  stateDir: string;
  disk: Disk;
  random: Random;
  log: Log;
  /** Wall clock, ms. */
  wall: () => number;
}

/** Records that are sealed in one transaction. */
const BATCH = 2_000;

export interface OpenTrail {
  trail: Trail;
  /** Resolves when what is beside the database is written, too. */
  settled(): Promise<void>;
}

/**
 * Throws E_KEY_FILE or E_STATE. Where there is no key, one is made, and all records there are get sealed with it: from
 * then on a change shows. A record of its own says so.
 */
export async function openTrail(options: OpenTrailOptions): Promise<OpenTrail> {
  const { store, stateDir, disk, random, log, wall } = options;
  const known = readAuditKey(stateDir);
  const key = known ?? random.bytes(SEAL_BYTES);
  const file = new HeadFile(stateDir, disk, log);
  const head = known
    ? await whereItWas(store, readHead(stateDir), log)
    : await sealAll(store, new Sealer(key));
  const trail = new Trail({ key, head, committed: (newest) => file.note(newest) });
  setTrail(store, trail);
  if (!known) {
    if (head.number > 0) {
      const detail = `records 1 to ${head.number} were there before; what was done to them until now is not known`;
      await store.transaction((sql) => trail.write(sql, wall(), "hub", "audit.begin", "", detail));
    }
    // not before all are sealed: after a crash in between it begins again
    writeAuditKey(stateDir, key);
  }
  file.note(trail.head);
  await file.idle;
  return { trail, settled: () => file.idle };
}

/** The newest record: what was noted beside the database counts more than the database. */
async function whereItWas(store: Store, noted: Link | undefined, log: Log): Promise<Link> {
  const { last, anchor } = await store.transaction(async (sql) => ({
    last: (await sql<Link>`SELECT id AS number, seal FROM audit ORDER BY id DESC LIMIT 1`)[0],
    anchor: await anchorOf(sql),
  }));
  const there = last ?? anchor ?? { number: 0, seal: NO_SEAL };
  if (!noted) {
    log.warn("the audit's head is missing: whether its newest records are there is not known");
    return there;
  }
  if (noted.number <= there.number) return there;
  log.error("the audit's newest records are missing; see farsite-hub audit verify", {
    noted: noted.number,
    there: there.number,
  });
  return noted;
}

/** Gives each record the seal that it would have, had it been written with this key; gives the last. */
async function sealAll(store: Store, sealer: Sealer): Promise<Link> {
  let last: Link = { number: 0, seal: NO_SEAL };
  await store.transaction(async (sql) => {
    await sql`DELETE FROM audit_anchor`;
    // of another key, so that every value would seem another one
    await sql`DELETE FROM setting WHERE name = ${CONFIGURATION}`;
  });
  for (;;) {
    const before = last;
    last = await store.transaction((sql) => sealSome(sql, sealer, before));
    if (last === before) return last;
  }
}

async function sealSome(sql: Statements, sealer: Sealer, before: Link): Promise<Link> {
  const rows = await sql<Row & { number: number }>`
    SELECT id AS number, at, who, origin, action, tenant, site, detail FROM audit
    WHERE id > ${before.number} ORDER BY id LIMIT ${BATCH}`;
  let last = before;
  const seals: Link[] = [];
  for (const { number, ...row } of rows) {
    last = { number, seal: sealer.record(last.seal, number, row) };
    seals.push(last);
  }
  await sql`UPDATE audit SET seal = json_extract(sealed.value, '$.seal') FROM json_each(${JSON.stringify(seals)}) AS sealed
            WHERE audit.id = json_extract(sealed.value, '$.number')`;
  return last;
}
