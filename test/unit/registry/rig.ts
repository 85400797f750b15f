/** A registry on a database of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import type { Random } from "../../../common/random.ts";
import { systemRandom } from "../../../common/random.ts";
import { Enrolment, openStore, parsePool, Registry, type Store } from "../../../hub/registry/index.ts";

export const HOUR = 3_600_000;

export interface Rig {
  clock: FakeClock;
  store: Store;
  registry: Registry;
  enrolment: Enrolment;
}

export interface RigOptions {
  /** Where the database is; in memory by default. */
  url?: string;
  pool?: string;
  random?: Random;
}

/** Opens one; the caller closes the store, or the end of the test does. */
export async function open(options: RigOptions = {}): Promise<Rig> {
  const clock = new FakeClock();
  const store = await openStore(options.url ?? "sqlite::memory:");
  onTestFinished(() => store.close());
  const wall = () => clock.wall();
  const registry = new Registry({ store, pool: parsePool(options.pool ?? "127.64.0.0/16"), wall });
  return {
    clock,
    store,
    registry,
    enrolment: new Enrolment(store, registry, options.random ?? systemRandom, wall),
  };
}

/** The same with the tenant `acme`, and in it the sites named. */
export async function withSites(names: string[], options: RigOptions = {}): Promise<Rig> {
  const rig = await open(options);
  await rig.registry.addTenant("test", "acme");
  for (const name of names) await rig.registry.addSite("test", "acme", name, ["livestatus"]);
  return rig;
}

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "farsite-registry-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a statement as text. */
export function query(store: Store, text: string): Promise<Record<string, unknown>[]> {
  return store.transaction(async (sql) => {
    const raw = sql as unknown as { unsafe(text: string): Promise<Record<string, unknown>[]> };
    return [...(await raw.unsafe(text))];
  });
}

/** The code of the error that `promise` rejects with, or `done`. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (error: unknown) => (error instanceof FarsiteError ? error.code : String(error)),
  );
}
