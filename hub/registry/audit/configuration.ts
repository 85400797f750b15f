/** Notes in the audit that the hub runs with another configuration than before: which keys, never their values. */

import type { Store } from "../store/index.ts";
import type { Actor } from "./record.ts";
import type { Sealer } from "./seal.ts";
import { trailOf, writeAudit } from "./trail.ts";

/** Of the table `setting`. */
export const CONFIGURATION = "configuration";

/** By key: a digest of its value, which only who has the audit's key could guess. */
type Digests = Record<string, string>;

/**
 * Compares with what was noted last, writes what is different into the audit, and notes this. Of the first start there is
 * nothing to compare with.
 * @param file what the file says: a key that has its default is not in it
 */
export async function noteConfiguration(
  store: Store,
  at: number,
  file: unknown,
  actor: Actor | string = "hub",
): Promise<void> {
  const now = digests(file, trailOf(store).sealer);
  await store.transaction(async (sql) => {
    const [row] = await sql<{ value: string }>`SELECT value FROM setting WHERE name = ${CONFIGURATION}`;
    const text = JSON.stringify(now);
    if (row?.value === text) return;
    await sql`INSERT INTO setting (name, value) VALUES (${CONFIGURATION}, ${text})
              ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
    if (row)
      await writeAudit(sql, at, actor, "config.change", "", describe(JSON.parse(row.value) as Digests, now));
  });
}

function describe(before: Digests, now: Digests): string {
  const parts = [
    ["changed", Object.keys(now).filter((key) => before[key] !== undefined && before[key] !== now[key])],
    ["added", Object.keys(now).filter((key) => before[key] === undefined)],
    ["removed", Object.keys(before).filter((key) => now[key] === undefined)],
  ] as const;
  return parts
    .flatMap(([what, keys]) => (keys.length === 0 ? [] : [`${what} ${keys.join(", ")}`]))
    .join("; ");
}

function digests(file: unknown, sealer: Sealer): Digests {
  return Object.fromEntries(
    [...leaves(file, "")].sort().map(([key, value]) => [key, sealer.digest(`${key}=${value}`)]),
  );
}

/** Every key with its value, as JSON. */
function* leaves(value: unknown, path: string): Generator<[string, string]> {
  if (isTable(value)) {
    for (const [key, inner] of Object.entries(value))
      yield* leaves(inner, path === "" ? shown(key) : `${path}.${shown(key)}`);
  } else if (Array.isArray(value) && value.some(isTable)) {
    for (const [at, inner] of value.entries()) yield* leaves(inner, `${path}[${at}]`);
  } else yield [path, JSON.stringify(value)];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** As TOML writes it. */
function shown(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}
