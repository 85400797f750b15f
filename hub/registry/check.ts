/** Whether the registry's file is whole: for `farsite-hub doctor`, beside a running hub, and changing nothing. */
import { Database } from "bun:sqlite";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { MIGRATIONS } from "./store/index.ts";

export interface RegistryCheck {
  /** What is wrong, in SQLite's words; none when all is well. */
  damage: string[];
  /** Version of its tables, and of those that this release knows. */
  version: number;
  known: number;
  /** When the newest record of the audit was written, ms since the epoch. */
  newest: number | undefined;
  sites: number;
}

/** Lines of damage that are told: one broken page can give a hundred. */
const MOST_DAMAGE = 10;

/** Throws E_STATE when the file cannot be read at all. */
export function checkRegistry(path: string): RegistryCheck {
  try {
    using db = new Database(path, { readonly: true });
    const column = (statement: string) =>
      db
        .query(statement)
        .values()
        .map((row) => row[0]);
    const integrity = column(`PRAGMA integrity_check(${MOST_DAMAGE})`).map(String);
    const dangling = column(`PRAGMA foreign_key_check`).map(
      (table) => `${table} refers to a row that is gone`,
    );
    return {
      damage: [...integrity.filter((line) => line !== "ok"), ...dangling].slice(0, MOST_DAMAGE),
      version: Number(column("SELECT max(version) FROM migration")[0] ?? 0),
      known: MIGRATIONS.length,
      newest: (column("SELECT max(at) FROM audit")[0] as number | null) ?? undefined,
      sites: Number(column("SELECT count(*) FROM site")[0]),
    };
  } catch (error) {
    throw new FarsiteError(
      "E_STATE",
      `the registry ${path} cannot be read: ${reasonOf(error)}`,
      "Restore it from a backup; docs/operator.md says how.",
    );
  }
}
