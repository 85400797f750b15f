import { expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { isTenantRole, type Reach, type Role } from "../../../hub/access/index.ts";
import type { SiteChange } from "../../../hub/site-changes.ts";
import { webRig } from "../web/rig.ts";

async function rig() {
  const made = await webRig();
  const of = (role: Role, tenants: string[] = ["acme"]): Reach =>
    made.access.reach({
      name: "alice",
      role,
      tenants: isTenantRole(role) ? tenants : "all",
      via: "session",
      from: "192.0.2.1",
    });
  return { ...made, of };
}

/** What somebody is told: code, words and hint, with the names that were asked for taken out. */
async function told(work: () => Promise<unknown>, ...names: string[]): Promise<string> {
  const answer = await work().then(
    (value) => `done ${JSON.stringify(value)}`,
    (error) => {
      if (!(error instanceof FarsiteError)) throw error;
      return `${error.code} ${error.message} ${error.hint}`;
    },
  );
  return names.reduce((text, name) => text.replaceAll(name, "NAME"), answer);
}

/** All that names a tenant or a site. A method of Reach that is not here fails the last test. */
const ASKED: Record<string, (reach: Reach, tenant: string, site: string) => Promise<unknown>> = {
  sites: (reach, tenant) => reach.sites(tenant),
  site: (reach, tenant, site) => reach.site(tenant, site),
  removeTenant: (reach, tenant) => reach.removeTenant(tenant),
  addSite: (reach, tenant) => reach.addSite(tenant, "another"),
  removeSite: (reach, tenant, site) => reach.removeSite(tenant, site),
  setEnabled: (reach, tenant, site) => reach.setEnabled(tenant, site, false),
  setServices: (reach, tenant, site) => reach.setServices(tenant, site, ["http"]),
  revoke: (reach, tenant, site) => reach.revoke(tenant, site),
  issueToken: (reach, tenant, site) => reach.issueToken(tenant, site),
  rekey: (reach, tenant, site) => reach.rekey(tenant, site),
  history: (reach, tenant, site) => reach.history(tenant, site),
  command: (reach, tenant, site) => reach.command({ tenant, site, host: "db1" }, { kind: "recheck" }),
  audit: (reach, tenant, site) => reach.audit({ tenant, site, limit: 10 }),
};
/** What names neither, each with a test of its own. */
const OTHERS = [
  "constructor",
  "has",
  "tenants",
  "addTenant",
  "endpoints",
  "gathered",
  "keys",
  "rotateKey",
  "retireKeys",
  "status",
  "watch",
  "query",
];
/** What test/unit/web/past.test.ts is about. */
const PAST = ["problems", "watchProblems", "sparks"];

test.each(Object.entries(ASKED))("%s: another tenant's is as what does not exist", async (_, ask) => {
  const { of } = await rig();
  for (const role of ["tenant-operator", "tenant-viewer"] as const) {
    const reach = of(role);
    const foreign = await told(() => ask(reach, "globex", "main"), "globex");
    expect(foreign).toBe(await told(() => ask(reach, "nowhere", "main"), "nowhere"));
    expect(foreign).not.toMatch(/^done (?!\[\])/);
  }
});

test("a site of one's own that does not exist is told as another tenant's", async () => {
  const { of } = await rig();
  const reach = of("tenant-viewer");
  const own = await told(() => reach.site("acme", "other"), "acme/other");
  expect(await told(() => reach.site("globex", "main"), "globex/main")).toBe(own);
});

test("what a role may not do changes nothing", async () => {
  const { of, world } = await rig();
  const before = JSON.stringify(await world.registry.sites());
  for (const role of ["operator", "tenant-operator", "tenant-viewer"] as const) {
    const reach = of(role);
    const changes = [
      "removeTenant",
      "addSite",
      "removeSite",
      "setEnabled",
      "setServices",
      "revoke",
      "issueToken",
      "rekey",
    ];
    for (const name of changes)
      expect(await told(() => ASKED[name]!(reach, "acme", "main"))).toMatch(/^E_FORBIDDEN /);
    for (const change of [() => reach.addTenant("new"), () => reach.rotateKey(), () => reach.retireKeys()])
      expect(await told(change)).toMatch(/^E_FORBIDDEN /);
  }
  expect(JSON.stringify(await world.registry.sites())).toBe(before);
  expect(await world.registry.tenants()).toHaveLength(2);
});

test("who is for one tenant sees its sites, and of the hub's own network nothing", async () => {
  const { of } = await rig();
  for (const role of ["tenant-operator", "tenant-viewer"] as const) {
    const reach = of(role);
    const [site, ...more] = await reach.sites();
    expect(more).toEqual([]);
    expect(site).toMatchObject({ tenant: "acme", site: "main" });
    for (const seen of [site, await reach.site("acme", "main")]) {
      expect(seen).not.toHaveProperty("address");
      expect(seen).not.toHaveProperty("central");
    }
    expect(await reach.tenants()).toEqual([{ name: "acme", sites: 1 }]);
    const ofHub = [
      () => reach.endpoints(),
      () => reach.gathered(),
      () => reach.keys(),
      () => reach.status(),
      () => reach.accounts.list(),
    ];
    for (const hub of ofHub) expect(await told(hub)).toMatch(/^E_FORBIDDEN /);
  }
  for (const role of ["administrator", "operator"] as const) {
    expect((await of(role).sites()).map(({ tenant, address }) => [tenant, address])).toEqual([
      ["acme", "127.64.0.1"],
      ["globex", "127.64.0.2"],
    ]);
    expect(await of(role).status()).toMatchObject({ sites: 2 });
  }
});

test("the audit of several tenants is theirs alone, in order, and the newest of it", async () => {
  const { of, world } = await rig();
  await world.registry.addTenant("test", "third");
  await world.registry.record("test", "login", "", "about nobody");
  for (const tenant of ["third", "globex", "acme", "globex"]) {
    world.clock.advance(1_000);
    await world.registry.record("test", "try", `${tenant}/main`, "");
  }
  const seen = async (reach: Reach, limit: number) =>
    (await reach.audit({ action: "try", limit })).map(({ tenant }) => tenant);
  expect(await seen(of("tenant-operator", ["acme", "globex"]), 10)).toEqual(["globex", "acme", "globex"]);
  expect(await seen(of("tenant-operator", ["acme", "globex"]), 2)).toEqual(["acme", "globex"]);
  expect(await seen(of("operator"), 10)).toEqual(["third", "globex", "acme", "globex"]);
  const whole = await of("tenant-operator").audit({ limit: 100 });
  expect(new Set(whole.map(({ tenant }) => tenant))).toEqual(new Set(["acme"]));
  expect(await told(() => of("tenant-viewer").audit({ limit: 1 }))).toMatch(/^E_FORBIDDEN /);
});

test("changes of sites come to those who see them, until they do not want to hear more", async () => {
  const { of, hub, changes } = await rig();
  const heard: Record<string, SiteChange[]> = { tenant: [], whole: [] };
  const stop = of("tenant-viewer").watch(
    (change) => heard.tenant!.push(change),
    () => {},
  );
  of("operator").watch(
    (change) => heard.whole!.push(change),
    () => {},
  );
  await hub.setEnabled("test", "globex", "main", false);
  await hub.setEnabled("test", "acme", "main", false);
  await hub.removeSite("test", "globex", "main");
  expect(heard.tenant).toEqual([{ tenant: "acme", site: "main", gone: false }]);
  expect(heard.whole).toContainEqual({ tenant: "globex", site: "main", gone: true });
  stop();
  changes.changed((await hub.registry.site("acme", "main")).id);
  expect(heard.tenant).toHaveLength(1);
});

test("a query that names no tenant is for the only one, and otherwise must name one", async () => {
  const { of } = await rig();
  expect(await told(() => of("tenant-viewer", ["acme", "globex"]).query(undefined, "GET hosts"))).toMatch(
    /^E_REQUEST /,
  );
  const foreign = await told(() => of("tenant-viewer").query("globex", "GET hosts"), "globex");
  expect(foreign).toBe(await told(() => of("tenant-viewer").query("nowhere", "GET hosts"), "nowhere"));
  // the rig's view throws: who gets so far was let through
  await expect(of("tenant-viewer").query(undefined, "GET hosts")).rejects.toThrow("nothing is asked");
});

test("every method of Reach is tested for whose it answers", async () => {
  const { of } = await rig();
  const methods = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(of("operator"))))
    .filter(([, { value }]) => typeof value === "function")
    .map(([name]) => name);
  expect(methods.toSorted()).toEqual([...Object.keys(ASKED), ...OTHERS, ...PAST].toSorted());
});
