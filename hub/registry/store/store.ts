/** The registry's database: statements in transactions, one at a time. */
import { SQL } from "bun";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import { MIGRATIONS } from "./schema.ts";

/** Runs statements as tagged templates; every value is a parameter. */
export type Statements = Pick<SQL, never> &
  (<Row = Record<string, unknown>>(strings: TemplateStringsArray, ...values: unknown[]) => Promise<Row[]>);

/** What is known of a transaction while it runs. */
interface Running {
  store: Store;
  /** What follows once it is for good. */
  after: (() => void)[];
}

const RUNNING = new WeakMap<Statements, Running>();

function runningOf(sql: Statements): Running {
  const running = RUNNING.get(sql);
  if (!running) throw new Error("these statements are not of a transaction");
  return running;
}

/** The store whose transaction this is. */
export function storeOf(sql: Statements): Store {
  return runningOf(sql).store;
}

/** Calls `step` when the transaction of `sql` is committed, before its result is given; never if it is not. */
export function afterCommit(sql: Statements, step: () => void): void {
  runningOf(sql).after.push(step);
}

export interface Store {
  /** Runs `work` as one transaction: all of it happens or, when it throws, nothing. */
  transaction<T>(work: (sql: Statements) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Opens the database at `url` (`sqlite:PATH`, `sqlite::memory:`) and brings its tables up to date.
 * Throws E_STATE.
 */
export async function openStore(url: string): Promise<Store> {
  try {
    const sql = new SQL(url);
    if (url.startsWith("sqlite:")) {
      await sql`PRAGMA journal_mode = WAL`;
      // what was answered must survive a power cut
      await sql`PRAGMA synchronous = FULL`;
      await sql`PRAGMA foreign_keys = ON`;
    }
    await migrate(sql);
    return new SqlStore(sql);
  } catch (error) {
    if (error instanceof FarsiteError) throw error;
    throw new FarsiteError("E_STATE", `the registry ${url} cannot be opened: ${reasonOf(error)}`);
  }
}

class SqlStore implements Store {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly sql: SQL) {}

  transaction<T>(work: (sql: Statements) => Promise<T>): Promise<T> {
    // SQLite has one connection here: a second transaction would find itself inside the first
    const run = async () => {
      const after: (() => void)[] = [];
      const result = (await this.sql.begin((tx) => {
        const sql = tx as unknown as Statements;
        RUNNING.set(sql, { store: this, after });
        return work(sql);
      })) as T;
      for (const step of after) step();
      return result;
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.sql.close();
  }
}

async function migrate(raw: SQL): Promise<void> {
  await raw`CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL)`;
  const rows = await raw<{ version: number }[]>`SELECT version FROM migration ORDER BY version DESC LIMIT 1`;
  const current = rows[0]?.version ?? 0;
  if (current > MIGRATIONS.length) {
    throw new FarsiteError(
      "E_STATE",
      `the registry is of version ${current}, this release knows ${MIGRATIONS.length}`,
      "Use the release that wrote it, or a newer one.",
    );
  }
  for (let version = current + 1; version <= MIGRATIONS.length; version++) {
    const statements = MIGRATIONS[version - 1] ?? [];
    await raw.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(statement);
      await tx`INSERT INTO migration (version, applied_at) VALUES (${version}, ${Date.now()})`;
    });
  }
}
