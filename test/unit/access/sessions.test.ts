import { expect, test } from "vitest";
import type { FarsiteError } from "../../../common/errors.ts";
import type { Principal } from "../../../hub/access/index.ts";
import { ADMINISTRATOR } from "../web/principal.ts";
import { PASSWORD, type WebRig, webRig } from "../web/rig.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const HOME = "192.0.2.1";

async function rig(web = ""): Promise<WebRig & { who(secret: string): Promise<Principal | undefined> }> {
  const made = await webRig({ web });
  await made.addUser("alice", "operator");
  await made.addUser("tina", "tenant-viewer", ["acme", "globex"]);
  return { ...made, who: (secret) => made.access.ofSession(secret, HOME) };
}

test("a session ends after some time without a request, and in any case", async () => {
  const { access, who, world } = await rig("session_idle_minutes = 30\nsession_hours = 1");
  const [idle, used] = [
    await access.login("alice", PASSWORD, HOME),
    await access.login("alice", PASSWORD, HOME),
  ];
  world.clock.advance(29 * MINUTE);
  await access.useSession(used);
  world.clock.advance(MINUTE);
  expect(await who(idle)).toBeUndefined();
  expect(await who(used)).toMatchObject({ name: "alice", role: "operator", tenants: "all", via: "session" });
  world.clock.advance(29 * MINUTE);
  await access.useSession(used);
  world.clock.advance(MINUTE);
  expect(await who(used)).toBeUndefined();
});

test("what is kept of a session does not open one", async () => {
  const { access, who, world } = await rig();
  const secret = await access.login("alice", PASSWORD, HOME);
  const [row] = await world.store.transaction((sql) => sql<{ hash: string }>`SELECT hash FROM web_session`);
  expect(row?.hash).not.toContain(secret);
  expect(await who(row?.hash ?? "")).toBeUndefined();
});

test("another password, another role, a removal, or a logout by an administrator ends a user's sessions", async () => {
  const { access, who, users } = await rig();
  const { accounts } = access.reach(ADMINISTRATOR);
  const ways: (() => Promise<unknown>)[] = [
    () => accounts.setPassword("alice", PASSWORD),
    () => accounts.setRole("alice", "administrator", []),
    () => accounts.logout("alice"),
    () => accounts.remove("alice"),
  ];
  for (const end of ways) {
    const [first, second, other] = [
      await access.login("alice", PASSWORD, HOME),
      await access.login("alice", PASSWORD, HOME),
      await access.login("tina", PASSWORD, HOME),
    ] as [string, string, string];
    await end();
    expect([await who(first), await who(second)]).toEqual([undefined, undefined]);
    expect(await who(other)).toMatchObject({ name: "tina" });
  }
  // who comes later under the same name is somebody else
  await users.add("test", {
    name: "alice",
    role: "tenant-viewer",
    tenants: ["acme"],
    passwordHash: undefined,
  });
  await expect(access.login("alice", PASSWORD, HOME)).rejects.toMatchObject({ code: "E_LOGIN" });
});

test("a password that is changed while it is looked at does not let in any more", async () => {
  const { access, world } = await rig();
  const changed = access.reach(ADMINISTRATOR).accounts.setPassword("alice", "another long password");
  const late = await access.login("alice", PASSWORD, HOME).catch((error: FarsiteError) => error.code);
  await changed;
  const rows = await world.store.transaction((sql) => sql`SELECT * FROM web_session`);
  // whichever came first
  expect([late, rows.length]).toEqual(["E_LOGIN", 0]);
});

test("a tenant that is removed is gone from its users, and does not come back with its name", async () => {
  const { access, who, world } = await rig();
  const secret = await access.login("tina", PASSWORD, HOME);
  await world.registry.removeSite("test", "globex", "main");
  await world.registry.removeTenant("test", "globex");
  expect((await who(secret))?.tenants).toEqual(["acme"]);
  await world.registry.addTenant("test", "globex");
  expect((await who(secret))?.tenants).toEqual(["acme"]);
});

test("of too many sessions those end that were not used for longest", async () => {
  const { access, who, world } = await rig("sessions = 3\nsessions_per_user = 2");
  const login = async (name: string) => {
    world.clock.advance(MINUTE);
    return access.login(name, PASSWORD, HOME);
  };
  const [first, second] = [await login("alice"), await login("alice")];
  world.clock.advance(MINUTE);
  await access.useSession(first);
  const third = await login("alice");
  const present = async (...secrets: string[]) =>
    Promise.all(secrets.map(async (secret) => (await who(secret)) !== undefined));
  expect(await present(first, second, third)).toEqual([true, false, true]);
  const [fourth, fifth] = [await login("tina"), await login("tina")];
  expect(await present(first, third, fourth, fifth)).toEqual([false, true, true, true]);
});

test("a role that this release does not know may nothing", async () => {
  const { access, who, world } = await rig();
  const secret = await access.login("alice", PASSWORD, HOME);
  await world.store.transaction((sql) => sql`UPDATE web_user SET role = 'owner' WHERE name = 'alice'`);
  await expect(who(secret)).rejects.toMatchObject({ code: "E_LOGIN" });
});

test("an open page hears when its login is over, or has other rights: at once, or within half a minute", async () => {
  const { access, world, changes, hub } = await rig("session_hours = 1");
  const follow = async (secret: string) => {
    const look = () => access.ofSession(secret, HOME);
    const heard: string[] = [];
    const ended = Promise.withResolvers<void>();
    const reach = access.reach((await look()) as Principal, look);
    reach.watch(
      ({ site }) => heard.push(site),
      () => {
        heard.push("ended");
        ended.resolve();
      },
    );
    return { heard, ended: ended.promise };
  };
  const own = await access.login("alice", PASSWORD, HOME);
  const [left, changed, expired] = [
    await follow(own),
    await follow(await access.login("tina", PASSWORD, HOME)),
    await follow(await access.login("alice", PASSWORD, HOME)),
  ];
  await access.logout(own, HOME);
  await left.ended;
  await access.reach(ADMINISTRATOR).accounts.setRole("tina", "tenant-viewer", ["acme"]);
  await changed.ended;
  changes.changed((await hub.registry.site("acme", "main")).id);
  expect([left.heard, changed.heard, expired.heard]).toEqual([["ended"], ["ended"], ["main"]]);
  world.clock.advance(HOUR);
  await expired.ended;
});

test("logins and logouts are in the audit", async () => {
  const { access, world } = await rig();
  const secret = await access.login("tina", PASSWORD, HOME);
  await access.logout(secret, HOME);
  await access.logout(secret, HOME);
  const records = await world.registry.records({ limit: 10, action: "log" });
  expect(records.map(({ who, from, action, tenant, detail }) => [who, from, action, tenant, detail])).toEqual(
    [
      ["user tina", HOME, "login", "", "tenant-viewer acme globex"],
      ["user tina", HOME, "logout", "", ""],
    ],
  );
});
