import { expect, test } from "vitest";
import { codeOf, HOUR, open, query, withSites } from "./rig.ts";

test("sites added at the same time all get addresses of their own", async () => {
  const { registry } = await withSites([]);
  const added = await Promise.all(
    Array.from({ length: 60 }, (_, n) => registry.addSite("test", "acme", `s${n}`, ["livestatus"])),
  );
  expect(new Set(added.map((site) => site.address)).size).toBe(60);
  expect(await registry.sites()).toHaveLength(60);
});

test("of equal sites added at the same time one is added", async () => {
  const { registry } = await withSites([]);
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => codeOf(registry.addSite("test", "acme", "main", ["livestatus"]))),
  );
  expect(outcomes.toSorted()).toEqual([...Array(9).fill("E_EXISTS"), "done"]);
});

test("of agents that redeem one token at the same time one wins, and its key is the site's", async () => {
  const { registry, enrolment, store } = await withSites(["main"]);
  const token = await enrolment.issue("test", "acme", "main", HOUR);
  const keys = Array.from({ length: 20 }, (_, n) => Buffer.alloc(32, n + 1));
  const outcomes = await Promise.all(
    keys.map((key) => codeOf(enrolment.redeem(token.id, token.secret, key, "host"))),
  );
  expect(outcomes.toSorted()).toEqual([...Array(19).fill("E_TOKEN_USED"), "done"]);
  const winner = keys[outcomes.indexOf("done")]?.toString("hex");
  expect((await registry.site("acme", "main")).key).toBe(winner);
  expect(await query(store, "SELECT public_key FROM agent_key")).toEqual([{ public_key: winner }]);
  expect(await query(store, "SELECT used_by FROM token")).toEqual([{ used_by: winner }]);
});

test("the same agent redeeming its token many times at once is enrolled once", async () => {
  const { enrolment, store } = await withSites(["main"]);
  const token = await enrolment.issue("test", "acme", "main", HOUR);
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () =>
      codeOf(enrolment.redeem(token.id, token.secret, Buffer.alloc(32, 1), "h")),
    ),
  );
  expect(new Set(outcomes)).toEqual(new Set(["done"]));
  expect(await query(store, "SELECT action FROM audit WHERE action = 'agent.enrol'")).toHaveLength(1);
});

test("an enrolment and a removal at the same time leave either the site with its key or nothing", async () => {
  const { registry, enrolment, store } = await withSites(["main"]);
  const token = await enrolment.issue("test", "acme", "main", HOUR);
  const [redeemed] = await Promise.all([
    codeOf(enrolment.redeem(token.id, token.secret, Buffer.alloc(32, 1), "host")),
    codeOf(registry.removeSite("test", "acme", "main")),
  ]);
  expect(["E_NOT_FOUND", "E_TOKEN_UNKNOWN", "done"]).toContain(redeemed);
  expect(await query(store, "SELECT * FROM agent_key")).toEqual([]);
});

test("a token of a removed site does not enrol for a new site of the same name", async () => {
  const { registry, enrolment } = await withSites(["main"]);
  const token = await enrolment.issue("test", "acme", "main", HOUR);
  const redeeming = codeOf(enrolment.redeem(token.id, token.secret, Buffer.alloc(32, 1), "host"));
  const replacing = registry
    .removeSite("test", "acme", "main")
    .then(() => registry.addSite("test", "acme", "main", ["http"]));
  const [code] = await Promise.all([redeeming, replacing]);
  expect(["E_NOT_FOUND", "E_TOKEN_UNKNOWN"]).toContain(code);
  expect((await registry.site("acme", "main")).key).toBeUndefined();
});

test("a transaction that fails does not hold up or undo those beside it", async () => {
  const { registry } = await open();
  const outcomes = await Promise.all([
    codeOf(registry.addTenant("test", "acme")),
    codeOf(registry.addTenant("test", "NOT A NAME")),
    codeOf(registry.addTenant("test", "acme")),
    codeOf(registry.addTenant("test", "globex")),
  ]);
  expect(outcomes).toEqual(["done", "E_NAME", "E_EXISTS", "done"]);
  expect((await registry.tenants()).map((tenant) => tenant.name)).toEqual(["acme", "globex"]);
});
