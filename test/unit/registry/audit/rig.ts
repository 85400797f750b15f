/** An audit in a file, as a hub has it, and somebody who has the database only. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { SQL } from "bun";
import { FakeClock } from "../../../../common/clock.ts";
import { systemDisk } from "../../../../common/disk.ts";
import { MemoryLog } from "../../../../common/log.ts";
import { systemRandom } from "../../../../common/random.ts";
import {
  type AuditCheck,
  AuditRetention,
  type Link,
  openTrail,
  readAuditKey,
  readHead,
  type Trail,
  verifyAudit,
} from "../../../../hub/registry/audit/index.ts";
import { openStore, parsePool, Registry, type Store } from "../../../../hub/registry/index.ts";
import { MIGRATIONS } from "../../../../hub/registry/store/index.ts";
import { scratch } from "../rig.ts";

export interface Audit {
  directory: string;
  path: string;
  clock: FakeClock;
  log: MemoryLog;
  store: Store;
  trail: Trail;
  registry: Registry;
  settled(): Promise<void>;
  /** Stops the hub, as it were. */
  close(): Promise<void>;
}

/** Opens one as the hub's start does; in the directory of another one, if that is given. */
export async function openAudit(directory = scratch()): Promise<Audit> {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const path = join(directory, "registry.sqlite");
  const store = await openStore(`sqlite:${path}`);
  const wall = () => clock.wall();
  const { trail, settled } = await openTrail({
    store,
    stateDir: directory,
    disk: systemDisk,
    random: systemRandom,
    log,
    wall,
  });
  const registry = new Registry({ store, pool: parsePool("127.64.0.0/16"), wall });
  const close = async () => {
    await settled();
    await store.close();
  };
  return { directory, path, clock, log, store, trail, registry, settled, close };
}

/** Records "number FIRST" and so on, one a second. */
export async function write({ registry, clock }: Audit, count: number, first = 1): Promise<void> {
  for (let number = first; number < first + count; number++) {
    await registry.record(
      { who: "client", from: "192.0.2.1" },
      "livestatus.refuse",
      "acme/main",
      `number ${number}`,
    );
    clock.advance(1_000);
  }
}

export function retention(audit: Audit, rows: number, age = 1e12): AuditRetention {
  const { store, clock, log } = audit;
  return new AuditRetention({ store, clock, log, rows, age });
}

/** What the command would find. */
export async function check({ directory, path, settled }: Audit, kept?: Link): Promise<AuditCheck> {
  await settled();
  const known = [readHead(directory), kept].filter((each) => each !== undefined);
  return verifyAudit({ path, key: readAuditKey(directory) ?? Buffer.alloc(0), known });
}

/** Somebody changes the database by hand. */
export function tamper({ path }: Pick<Audit, "path">, ...statements: string[]): void {
  using db = new Database(path);
  for (const statement of statements) db.run(statement);
}

/** A registry as the release before the chain left it, with gaps where records had been too old. */
export async function older(count: number): Promise<string> {
  const directory = scratch();
  const before = new SQL(`sqlite:${join(directory, "registry.sqlite")}`);
  await before`CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL)`;
  for (const statement of MIGRATIONS.slice(0, 3).flat()) await before.unsafe(statement);
  for (const version of [1, 2, 3])
    await before`INSERT INTO migration (version, applied_at) VALUES (${version}, 0)`;
  await before`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO audit (id, at, who, origin, action, tenant, site, detail)
    SELECT i, i, 'ann', '', 'site.add', 'acme', 'main', 'before' FROM n WHERE i % 7 <> 3`;
  await before.close();
  return directory;
}
