import { describe, expect, onTestFinished, test } from "vitest";
import { NO_SEAL, SEAL_BYTES, Sealer } from "../../../../hub/registry/audit/seal.ts";
import { type Audit, check, older, openAudit, retention, tamper, write } from "./rig.ts";

async function audit(count = 0): Promise<Audit> {
  const opened = await openAudit();
  onTestFinished(() => opened.close());
  await write(opened, count);
  return opened;
}

const problems = async (opened: Audit) =>
  (await check(opened)).problems.map(({ damage, first, last }) => `${damage} ${first}-${last}`);

test("an audit that nobody has touched is whole, and says how much there is and since when", async () => {
  const opened = await audit(5);
  expect(await check(opened)).toEqual({
    whole: true,
    records: 5,
    first: 1,
    last: 5,
    from: "2026-01-01T00:00:00.000Z",
    to: "2026-01-01T00:00:04.000Z",
    removed: 0,
    head: opened.trail.head,
    problems: [],
    found: 0,
  });
});

test("one without records is whole, too", async () => {
  expect(await check(await audit())).toEqual({ whole: true, records: 0, removed: 0, problems: [], found: 0 });
});

describe("somebody who has only the database is found out who", () => {
  test.each([
    ["at", "at + 1"],
    ["at", "'soon'"],
    ["who", "'admin eve'"],
    ["origin", "''"],
    ["action", "'x'"],
    ["tenant", "'beta'"],
    ["site", "'other'"],
    ["detail", "'number 30'"],
    ["detail", "x'00'"],
  ])("changes %s to %s", async (field, value) => {
    const opened = await audit(5);
    tamper(opened, `UPDATE audit SET ${field} = ${value} WHERE id = 3`);
    expect(await problems(opened)).toEqual(["changed 3-3"]);
  });

  test("changes a seal", async () => {
    const opened = await audit(5);
    tamper(opened, `UPDATE audit SET seal = '${NO_SEAL}' WHERE id = 3`);
    expect((await problems(opened))[0]).toBe("changed 3-3");
  });

  test("changes a record and seals it, and all behind it, with a key of his own", async () => {
    const opened = await audit(3);
    const sealer = new Sealer(Buffer.alloc(SEAL_BYTES, 9));
    const seal = sealer.record(NO_SEAL, 1, {
      at: 0,
      who: "admin eve",
      origin: "",
      action: "x",
      tenant: "",
      site: "",
      detail: "",
    });
    tamper(
      opened,
      `UPDATE audit SET at = 0, who = 'admin eve', origin = '', action = 'x', tenant = '', site = '', detail = '',
        seal = '${seal}' WHERE id = 1`,
    );
    expect((await problems(opened))[0]).toBe("changed 1-1");
  });

  test("removes one from the middle", async () => {
    const opened = await audit(5);
    tamper(opened, "DELETE FROM audit WHERE id IN (2, 3)");
    expect(await problems(opened)).toEqual(["missing 2-3"]);
  });

  test("removes one, and closes the gap", async () => {
    const opened = await audit(5);
    tamper(
      opened,
      "DELETE FROM audit WHERE id = 3",
      "UPDATE audit SET id = 3 WHERE id = 4",
      "UPDATE audit SET id = 4 WHERE id = 5",
    );
    expect((await problems(opened))[0]).toBe("changed 3-3");
  });

  test("removes the oldest", async () => {
    const opened = await audit(5);
    tamper(opened, "DELETE FROM audit WHERE id <= 2");
    expect(await problems(opened)).toEqual(["missing 1-2"]);
  });

  test("exchanges two", async () => {
    const opened = await audit(5);
    tamper(
      opened,
      "UPDATE audit SET id = -2 WHERE id = 2",
      "UPDATE audit SET id = 2 WHERE id = 3",
      "UPDATE audit SET id = 3 WHERE id = -2",
    );
    expect((await problems(opened))[0]).toBe("changed 2-2");
  });

  test("adds one at the end", async () => {
    const opened = await audit(3);
    tamper(
      opened,
      "INSERT INTO audit SELECT 4, at, who, action, detail, origin, tenant, site, seal FROM audit WHERE id = 3",
    );
    expect(await problems(opened)).toEqual(["inserted 4-4"]);
  });

  test("adds one in a gap that an older release has left", async () => {
    const opened = await openAudit(await older(9));
    onTestFinished(() => opened.close());
    expect(await problems(opened)).toEqual([]);
    tamper(
      opened,
      "INSERT INTO audit SELECT 3, at, who, action, detail, origin, tenant, site, seal FROM audit WHERE id = 2",
    );
    expect(await problems(opened)).toEqual(["inserted 3-3"]);
  });

  test("cuts the newest off, whether the hub writes on or not", async () => {
    const opened = await audit(5);
    tamper(opened, "DELETE FROM audit WHERE id >= 4");
    expect(await problems(opened)).toEqual(["cut 4-5"]);
    await write(opened, 1, 6);
    expect(await problems(opened)).toEqual(["missing 4-5"]);
  });

  test("removes all", async () => {
    const opened = await audit(5);
    tamper(opened, "DELETE FROM audit");
    expect(await problems(opened)).toEqual(["cut 1-5"]);
  });

  test("removes the oldest after retention, with and without what retention has noted", async () => {
    const opened = await audit(6);
    await retention(opened, 4).prune();
    expect(await problems(opened)).toEqual([]);
    tamper(opened, "DELETE FROM audit WHERE id = 3");
    expect(await problems(opened)).toEqual(["missing 3-3"]);
    tamper(opened, "DELETE FROM audit_anchor");
    expect(await problems(opened)).toEqual(["missing 1-3"]);
  });

  test("notes that retention has removed more", async () => {
    const opened = await audit(6);
    await retention(opened, 4).prune();
    tamper(
      opened,
      "UPDATE audit_anchor SET number = 3, seal = (SELECT seal FROM audit WHERE id = 3)",
      "DELETE FROM audit WHERE id = 3",
    );
    expect((await problems(opened))[0]).toBe("anchor 3-3");
  });

  test("makes records look old, so that the hub removes them", async () => {
    const opened = await audit(5);
    tamper(opened, "UPDATE audit SET at = 0 WHERE id <= 3");
    expect(await retention(opened, 100, 60_000).prune()).toBe(0);
    expect((await problems(opened))[0]).toBe("changed 1-1");
  });
});

test("all that is wrong is found, and the first of it is told one by one", async () => {
  const opened = await audit(100);
  tamper(opened, "UPDATE audit SET who = 'eve' WHERE id % 2 = 0");
  const { problems: told, found, whole } = await check(opened);
  expect(whole).toBe(false);
  expect(found).toBe(50);
  expect(told).toHaveLength(20);
  expect(told[0]).toEqual({ damage: "changed", first: 2, last: 2 });
});

test("who has the key, too, is found out by what was kept elsewhere", async () => {
  const opened = await audit(3);
  const kept = opened.trail.head;
  const { sealer } = opened.trail;
  const [row] = await opened.store.transaction((sql) => sql`SELECT * FROM audit WHERE id = 2`);
  const [third] = await opened.store.transaction((sql) => sql`SELECT * FROM audit WHERE id = 3`);
  const [one] = await opened.store.transaction(
    (sql) => sql<{ seal: string }>`SELECT seal FROM audit WHERE id = 1`,
  );
  const second = sealer.record(one?.seal ?? "", 2, { ...row, detail: "nothing" } as never);
  const last = sealer.record(second, 3, third as never);
  tamper(
    opened,
    `UPDATE audit SET detail = 'nothing', seal = '${second}' WHERE id = 2`,
    `UPDATE audit SET seal = '${last}' WHERE id = 3`,
  );
  expect((await check(opened, kept)).problems).toEqual([{ damage: "changed", first: 3, last: 3 }]);
});

test("a file that is no database is said to be none", async () => {
  const opened = await audit(1);
  expect(() => tamper({ path: opened.path }, "DROP TABLE audit_anchor")).not.toThrow();
  await expect(check(opened)).rejects.toMatchObject({ code: "E_STATE" });
});
