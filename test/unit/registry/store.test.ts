import { expect, test } from "vitest";
import type { Statements } from "../../../hub/registry/store/store.ts";
import { settle } from "../session/rig.ts";
import { codeOf, open } from "./rig.ts";

/** Adds a tenant, with time for others to come between, and then does what it is told. */
async function add(sql: Statements, name: string, then: () => void = () => {}): Promise<void> {
  await settle();
  await sql`INSERT INTO tenant (name, created_at) VALUES (${name}, 0)`;
  await settle();
  then();
}

const fail = () => {
  throw new Error("undone");
};

test("transactions run one after the other, however long one takes", async () => {
  const { store } = await open();
  const order: string[] = [];
  await Promise.all(
    ["a", "b", "c"].map((name) =>
      store.transaction(async (sql) => {
        order.push(`${name} begins`);
        await add(sql, name);
        order.push(`${name} ends`);
      }),
    ),
  );
  expect(order).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test("a transaction that throws takes back its own changes, and nobody else's", async () => {
  const { store, registry } = await open();
  const outcomes = await Promise.all([
    codeOf(store.transaction((sql) => add(sql, "kept-1"))),
    codeOf(store.transaction((sql) => add(sql, "undone", fail))),
    codeOf(store.transaction((sql) => add(sql, "kept-2"))),
  ]);
  expect(outcomes).toEqual(["done", "Error: undone", "done"]);
  expect((await registry.tenants()).map((tenant) => tenant.name)).toEqual(["kept-1", "kept-2"]);
});

test("closing waits for what is still running", async () => {
  const { store } = await open();
  let finished = false;
  const running = store.transaction((sql) =>
    add(sql, "last", () => {
      finished = true;
    }),
  );
  await store.close();
  expect(finished).toBe(true);
  await running;
});

test("values are parameters, whatever they hold", async () => {
  const { store, registry } = await open();
  const name = "'); DROP TABLE tenant; --";
  await store.transaction((sql) => add(sql, name));
  expect((await registry.tenants()).map((tenant) => tenant.name)).toEqual([name]);
});
