import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readHead } from "../../../../hub/registry/audit/index.ts";
import { type Audit, check, older, openAudit, retention, tamper, write } from "./rig.ts";

async function audit(directory?: string): Promise<Audit> {
  const opened = await openAudit(directory);
  onTestFinished(() => opened.close());
  return opened;
}

const numbers = async ({ store }: Audit) =>
  (await store.transaction((sql) => sql<{ id: number }>`SELECT id FROM audit ORDER BY id`)).map(
    ({ id }) => id,
  );

test("many who write at once get one chain, in the order of their transactions", async () => {
  const opened = await audit();
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => opened.registry.record(`client ${at}`, "x", "acme/main", `${at}`)),
  );
  expect(await numbers(opened)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  expect((await check(opened)).whole).toBe(true);
});

test("a transaction that fails leaves nothing in the chain, nor one that wrote several", async () => {
  const opened = await audit();
  await write(opened, 2);
  await opened.registry.addTenant("ann", "acme");
  await expect(opened.registry.addTenant("ann", "acme")).rejects.toThrow();
  const failing = opened.store.transaction(async (sql) => {
    await opened.trail.write(sql, 0, "ann", "x", "", "one");
    await opened.trail.write(sql, 0, "ann", "x", "", "two");
    throw new Error("power cut");
  });
  await expect(failing).rejects.toThrow("power cut");
  expect(opened.trail.head.number).toBe(3);
  await opened.store.transaction(async (sql) => {
    await opened.trail.write(sql, 0, "ann", "x", "", "one");
    await opened.trail.write(sql, 0, "ann", "x", "", "two");
  });
  expect(await numbers(opened)).toEqual([1, 2, 3, 4, 5]);
  expect((await check(opened)).whole).toBe(true);
});

test("words of others that are no whole characters come back from the database as they were sealed", async () => {
  const opened = await audit();
  for (const detail of ["\ud83d", `${"x".repeat(999)}\u{1f600}`, "a\0b", "\u{1f600}", "\ufeffbom", ""])
    await opened.registry.record(detail, "x", "acme/main", detail);
  expect((await check(opened)).whole).toBe(true);
});

test("after a crash between database and head the chain is whole, and goes on", async () => {
  const first = await openAudit();
  await write(first, 3);
  await first.close();
  const behind = readFileSync(join(first.directory, "audit.head"));
  const second = await openAudit(first.directory);
  await write(second, 2, 4);
  await second.close();
  writeFileSync(join(first.directory, "audit.head"), behind);
  const third = await audit(first.directory);
  expect((await check(third)).whole).toBe(true);
  expect(third.log.lines).toEqual([]);
  await write(third, 1, 6);
  expect(await check(third)).toMatchObject({ whole: true, records: 6, last: 6 });
});

test("a database that is older than the head is told at the start, and the gap stays to be seen", async () => {
  const first = await openAudit();
  await write(first, 5);
  await first.close();
  tamper(first, "DELETE FROM audit WHERE id > 3");
  const second = await audit(first.directory);
  expect(second.log.lines).toMatchObject([{ level: "error", fields: { noted: 5, there: 3 } }]);
  await write(second, 1, 6);
  expect((await check(second)).problems).toEqual([{ damage: "missing", first: 4, last: 5 }]);
});

test("a head that is gone is told at the start, and written anew", async () => {
  const first = await openAudit();
  await write(first, 2);
  await first.close();
  rmSync(join(first.directory, "audit.head"));
  const second = await audit(first.directory);
  expect(second.log.lines).toMatchObject([{ level: "warning" }]);
  expect(readHead(first.directory)).toEqual(second.trail.head);
  expect((await check(second)).whole).toBe(true);
});

test("key and head are for the hub's user alone", async () => {
  const { directory } = await audit();
  for (const file of ["audit.key", "audit.head"]) {
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  }
});

test("a damaged key stops the start, rather than a new one be made", async () => {
  const first = await openAudit();
  await first.close();
  writeFileSync(join(first.directory, "audit.key"), "nonsense\n", { mode: 0o600 });
  await expect(openAudit(first.directory)).rejects.toMatchObject({ code: "E_KEY_FILE" });
});

test("when the key is lost all is sealed with a new one, and the audit says so", async () => {
  const first = await openAudit();
  await write(first, 6);
  await retention(first, 4).prune();
  await first.close();
  rmSync(join(first.directory, "audit.key"));
  const second = await audit(first.directory);
  expect(await check(second)).toMatchObject({ whole: true, records: 5, first: 3, last: 7, removed: 0 });
  expect((await second.registry.records({ limit: 1 }))[0]).toMatchObject({
    who: "hub",
    action: "audit.begin",
    detail: "records 1 to 6 were there before; what was done to them until now is not known",
  });
});

test("records of an older release are sealed at the first start, once, and what was before is not vouched for", async () => {
  const directory = await older(5_000);
  const first = await openAudit(directory);
  const { whole, records, last } = await check(first);
  expect([whole, records, last]).toEqual([true, 4_287, 5_001]);
  expect((await first.registry.records({ limit: 1 }))[0]).toMatchObject({ action: "audit.begin" });
  await write(first, 1);
  await first.close();
  const second = await audit(directory);
  expect(await check(second)).toMatchObject({ whole: true, last: 5_002 });
  tamper(second, "UPDATE audit SET detail = 'other' WHERE id = 2");
  expect((await check(second)).problems).toEqual([{ damage: "changed", first: 2, last: 2 }]);
});

test("a start that was killed while it sealed begins again", async () => {
  const directory = await older(5_000);
  const first = await openAudit(directory);
  await first.close();
  // as if neither key nor the record of the beginning had been written, with some sealed and some not
  for (const file of ["audit.key", "audit.head"]) rmSync(join(directory, file));
  tamper(
    first,
    "DELETE FROM audit WHERE action = 'audit.begin'",
    "UPDATE audit SET seal = '' WHERE id > 2000",
  );
  const second = await audit(directory);
  expect(await check(second)).toMatchObject({ whole: true, last: 5_001 });
});

test("who takes seals away does not get records sealed anew", async () => {
  const first = await openAudit();
  await write(first, 3);
  await first.close();
  tamper(first, "UPDATE audit SET seal = '', who = 'eve'");
  const second = await audit(first.directory);
  expect((await check(second)).problems[0]).toEqual({ damage: "changed", first: 1, last: 1 });
});

test("retention takes from the beginning only, and the rest stays whole, until nothing is left and after", async () => {
  const opened = await audit();
  await write(opened, 10);
  expect(await retention(opened, 4).prune()).toBe(6);
  expect(await check(opened)).toMatchObject({ whole: true, records: 4, first: 7, removed: 6 });
  opened.clock.advance(60_000);
  expect(await retention(opened, 100, 30_000).prune()).toBe(4);
  expect(await check(opened)).toMatchObject({ whole: true, records: 0, removed: 10, head: { number: 10 } });
  await write(opened, 2, 11);
  expect(await check(opened)).toMatchObject({ whole: true, records: 2, first: 11, removed: 10 });
});

test("a clock that was wrong for a while has no records removed that are not old", async () => {
  const opened = await audit();
  await write(opened, 2);
  await opened.store.transaction((sql) => opened.trail.write(sql, 0, "hub", "x", "", "in 1970"));
  await write(opened, 2, 4);
  expect(await retention(opened, 100, 60_000).prune()).toBe(0);
  expect(await numbers(opened)).toHaveLength(5);
});

test("a head that cannot be written is told once, and keeps nobody from writing", async () => {
  const opened = await audit();
  const unwritable = join(opened.directory, "audit.head.new");
  await opened.settled();
  expect(existsSync(unwritable)).toBe(false);
  mkdirSync(unwritable);
  writeFileSync(join(unwritable, "x"), "");
  await write(opened, 3);
  await opened.settled();
  expect(opened.log.lines).toMatchObject([{ level: "error", message: "the audit's head cannot be written" }]);
  expect(await numbers(opened)).toHaveLength(3);
});
