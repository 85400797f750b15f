import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStore } from "../../../hub/registry/index.ts";
import { MIGRATIONS } from "../../../hub/registry/store/schema.ts";
import { codeOf, HOUR, open, query, scratch, withSites } from "./rig.ts";

test("everything is there again after the database was closed and opened", async () => {
  const url = `sqlite:${join(scratch(), "registry.sqlite")}`;
  const first = await withSites(["main", "other"], { url });
  const used = await first.enrolment.issue("test", "acme", "main", HOUR);
  await first.enrolment.redeem(used.id, used.secret, Buffer.alloc(32, 1), "host");
  const unused = await first.enrolment.issue("test", "acme", "other", HOUR);
  await first.registry.setEnabled("test", "acme", "other", false);
  await first.registry.removeSite("test", "acme", "other");
  await first.registry.addSite("test", "acme", "third", ["http"]);
  const [sites, audit] = [await first.registry.sites(), await query(first.store, "SELECT * FROM audit")];
  await first.store.close();

  const second = await open({ url });
  expect(await second.registry.sites()).toEqual(sites);
  expect(await query(second.store, "SELECT * FROM audit")).toEqual(audit);
  expect(await second.registry.siteOfKey(Buffer.alloc(32, 1))).toMatchObject({ name: "main" });
  expect(await codeOf(second.enrolment.check(used.id, used.secret, Buffer.alloc(32, 2)))).toBe(
    "E_TOKEN_USED",
  );
  expect(await codeOf(second.enrolment.check(unused.id, unused.secret, Buffer.alloc(32, 2)))).toBe(
    "E_TOKEN_UNKNOWN",
  );
  const next = await second.registry.addSite("test", "acme", "fourth", ["http"]);
  expect(sites.map((site) => site.address)).not.toContain(next.address);
  expect(next.address).toBe("127.64.0.4");
});

test("no site gets the number of one that was removed, also after a restart", async () => {
  const url = `sqlite:${join(scratch(), "registry.sqlite")}`;
  const first = await withSites(["main", "other"], { url });
  const removed = await first.registry.removeSite("test", "acme", "other");
  const next = await first.registry.addSite("test", "acme", "other", ["http"]);
  expect(next.id).toBeGreaterThan(removed.id);
  await first.registry.removeSite("test", "acme", "other");
  await first.store.close();
  const second = await open({ url });
  expect((await second.registry.addSite("test", "acme", "other", ["http"])).id).toBeGreaterThan(next.id);
});

test("a registry that never noted the last number goes on behind its sites", async () => {
  const { registry, store } = await withSites(["main", "other"]);
  const { id } = await registry.site("acme", "other");
  await query(store, "DELETE FROM setting WHERE name = 'last_site_id'");
  expect((await registry.addSite("test", "acme", "third", ["http"])).id).toBe(id + 1);
});

test("what was answered is in the database's files, although nobody closed it", async () => {
  const directory = scratch();
  const first = await withSites(["main"], { url: `sqlite:${join(directory, "registry.sqlite")}` });
  await first.registry.addTenant("test", "globex");
  const second = await open({ url: `sqlite:${join(directory, "registry.sqlite")}` });
  expect((await second.registry.tenants()).map((tenant) => tenant.name)).toEqual(["acme", "globex"]);
});

test("a secret is nowhere in the database's files", async () => {
  const directory = scratch();
  const { enrolment, store } = await withSites(["main"], {
    url: `sqlite:${join(directory, "registry.sqlite")}`,
  });
  const token = await enrolment.issue("test", "acme", "main", HOUR);
  await enrolment.redeem(token.id, token.secret, Buffer.alloc(32, 1), "host");
  const bytes = () =>
    Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))));
  const secret = Buffer.from(token.secret);
  expect(bytes().includes(Buffer.from(token.id).toString("hex"))).toBe(true);
  for (const needle of [
    secret,
    secret.toString("hex"),
    secret.toString("base64"),
    secret.toString("base64url"),
  ]) {
    expect(bytes().includes(needle)).toBe(false);
  }
  await store.close();
  expect(bytes().includes(secret.toString("hex"))).toBe(false);
});

test("a database of a newer release is refused, and stays as it is", async () => {
  const url = `sqlite:${join(scratch(), "registry.sqlite")}`;
  const first = await withSites(["main"], { url });
  const newer = MIGRATIONS.length + 1;
  await query(first.store, `INSERT INTO migration (version, applied_at) VALUES (${newer}, 0)`);
  await first.store.close();
  await expect(openStore(url)).rejects.toMatchObject({
    code: "E_STATE",
    message: `the registry is of version ${newer}, this release knows ${MIGRATIONS.length}`,
  });
});

test("migrations that were applied are not applied again", async () => {
  const url = `sqlite:${join(scratch(), "registry.sqlite")}`;
  for (let i = 0; i < 3; i++) {
    const { store } = await open({ url });
    expect(await query(store, "SELECT version FROM migration")).toEqual(
      MIGRATIONS.map((_, index) => ({ version: index + 1 })),
    );
    await store.close();
  }
});

test("a file that is no database is refused and named, and not overwritten", async () => {
  const path = join(scratch(), "registry.sqlite");
  writeFileSync(path, "this is not a database ".repeat(100));
  await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({
    code: "E_STATE",
    message: expect.stringContaining(path),
  });
  expect(readFileSync(path, "utf8")).toContain("this is not a database");
});

test("a directory that is not there ends in E_STATE", async () => {
  expect(await codeOf(openStore(`sqlite:${join(scratch(), "no", "registry.sqlite")}`))).toBe("E_STATE");
});
