/** Lists come in pages. */

import { expect, test } from "vitest";
import { type ApiRig, apiRig } from "./rig.ts";

/** All entries, by following `next`. */
async function walk(
  { call }: ApiRig,
  token: string,
  path: string,
  between = async () => {},
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let where = path;
  for (let pages = 0; pages < 50; pages++) {
    const { status, json, headers } = await call(token, "GET", where);
    expect([where, status]).toEqual([where, 200]);
    found.push(...json.items);
    if (json.next === undefined) {
      expect(headers.get("link")).toBeNull();
      return found;
    }
    const [, link = ""] = /^<\/api\/v1(.*)>; rel="next"$/.exec(headers.get("link") ?? "") ?? [];
    expect(link).toContain(`cursor=${json.next}`);
    where = link;
    await between();
  }
  throw new Error(`${path} has no end`);
}

test("sites are told once each, whatever comes and goes meanwhile", async () => {
  const rig = await apiRig();
  for (let at = 0; at < 7; at++) await rig.hub.addSite("test", "acme", `s${at}`);
  const own = await rig.token("tenant-viewer");
  let gone = 0;
  const sites = await walk(rig, own, "/sites?limit=2&text=S", async () => {
    if (gone++ === 1) await rig.hub.removeSite("test", "acme", "s0");
  });
  expect(sites.map(({ site }) => site)).toEqual(["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
  expect(await walk(rig, own, "/sites?state=never&limit=1000")).toHaveLength(7);
  expect(await walk(rig, own, "/sites?state=connected")).toEqual([]);
});

test("a page of exactly so many entries is the last", async () => {
  const rig = await apiRig();
  const admin = await rig.token("administrator");
  expect((await rig.call(admin, "GET", "/tenants?limit=2")).json).not.toHaveProperty("next");
  expect((await rig.call(admin, "GET", "/tenants?limit=1")).json).toHaveProperty("next");
});

test("the audit is told once each, the newest first, also what came in the same moment", async () => {
  const rig = await apiRig();
  const { registry, clock } = rig.world;
  for (let at = 0; at < 11; at++) {
    if (at % 5 === 0) clock.advance(1_000);
    await registry.record("test", "try", "acme/main", String(at));
  }
  const own = await rig.token("tenant-operator");
  for (const limit of [1, 2, 3, 4, 11, 100]) {
    let late = 100;
    const records = await walk(rig, own, `/audit?action=try&limit=${limit}`, async () => {
      clock.advance(1);
      await registry.record("test", "try", "acme/main", String(late++));
    });
    const before = records.filter(({ detail }) => Number(detail) < 100).map(({ detail }) => Number(detail));
    expect([limit, before]).toEqual([limit, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]);
  }
  const since = new Date(clock.wall() + 1).toISOString();
  expect(await walk(rig, own, `/audit?since=${since}`)).toEqual([]);
});

test("problems come in pages, of the caller's tenants", async () => {
  const rig = await apiRig();
  const ids = async (user: string) =>
    (await walk(rig, await rig.token(user), "/problems?limit=2")).map(({ id }) => id);
  expect(await ids("tenant-viewer")).toEqual(["acme1", "acme2", "acme3"]);
  expect(await ids("operator")).toHaveLength(6);
});

test("a cursor that this list never gave is refused, and so is a page without a bound", async () => {
  const rig = await apiRig();
  const admin = await rig.token("administrator");
  for (const query of [
    "cursor=x",
    "cursor=e30",
    "limit=0",
    "limit=1001",
    "limit=1e9",
    "limit=x",
    "limit=1&limit=2",
  ])
    for (const path of ["/sites", "/problems", "/audit", "/users", "/tokens", "/tenants", "/endpoints"]) {
      const { status, json } = await rig.call(admin, "GET", `${path}?${query}`);
      expect([path, query, status]).toEqual([path, query, 400]);
      expect(json.errors).toMatchObject([{ in: "query", field: query.split("=")[0] }]);
    }
});
