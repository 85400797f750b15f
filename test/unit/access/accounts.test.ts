import { expect, test } from "vitest";
import type { Accounts, Principal, Role } from "../../../hub/access/index.ts";
import { codeOf } from "../registry/rig.ts";
import { ADMINISTRATOR } from "../web/principal.ts";
import { PASSWORD, webRig } from "../web/rig.ts";

const HOME = "192.0.2.1";

async function rig() {
  const made = await webRig();
  const accounts = (principal: Partial<Principal> = {}): Accounts =>
    made.access.reach({ ...ADMINISTRATOR, ...principal }).accounts;
  const as = (name: string, role: Role): Accounts =>
    accounts({
      name,
      role,
      via: "session",
      from: HOME,
      tenants: role.startsWith("tenant-") ? ["acme"] : "all",
    });
  return { ...made, accounts, as };
}

const ALICE = { name: "alice", role: "operator", tenants: [], password: PASSWORD } as const;

test("a user is added, shown without password, and logs in", async () => {
  const { accounts, access, world } = await rig();
  const made = await accounts().add({ ...ALICE, tenants: [] });
  const shown = { name: "alice", role: "operator", tenants: [], password: true, created: world.clock.wall() };
  expect(made).toEqual(shown);
  expect(await accounts().list()).toEqual([shown]);
  await access.login("alice", PASSWORD, HOME);
  const [row] = await world.store.transaction(
    (sql) => sql<{ hash: string }>`SELECT password_hash AS hash FROM web_user`,
  );
  expect(row?.hash).toMatch(/^\$argon2id\$/);
  expect(JSON.stringify(await world.registry.records({ limit: 10 }))).not.toContain(PASSWORD);
});

test.each([
  ["E_EXISTS", { name: "bob" }],
  ["E_NAME", { name: "" }],
  ["E_NAME", { name: "oidc:eve" }],
  ["E_NAME", { name: "../eve" }],
  ["E_NAME", { name: "x".repeat(65) }],
  ["E_PASSWORD", { password: "too short" }],
  ["E_PASSWORD", { password: "" }],
  ["E_PASSWORD", { password: "x".repeat(1025) }],
  ["E_REQUEST", { tenants: ["acme"] }],
  ["E_REQUEST", { role: "tenant-viewer" }],
  ["E_NOT_FOUND", { role: "tenant-viewer", tenants: ["nowhere"] }],
] as const)("%s: %j", async (code, wrong) => {
  const { accounts, addUser } = await rig();
  await addUser("bob", "operator");
  expect(
    await codeOf(
      accounts().add({ ...ALICE, ...wrong, tenants: [...("tenants" in wrong ? wrong.tenants : [])] }),
    ),
  ).toBe(code);
  expect((await accounts().list()).map(({ name }) => name)).toEqual(["bob"]);
});

test("only who may change users does, and says nothing of whether there is one", async () => {
  const { as, addUser } = await rig();
  await addUser("bob", "operator");
  for (const role of ["operator", "tenant-operator", "tenant-viewer"] as const) {
    const accounts = as("alice", role);
    for (const name of ["bob", "nobody"])
      for (const work of [
        () => accounts.list(),
        () => accounts.add({ ...ALICE, tenants: [] }),
        () => accounts.setPassword(name, PASSWORD),
        () => accounts.setRole(name, "operator", []),
        () => accounts.remove(name),
        () => accounts.logout(name),
        () => accounts.tokens(name),
        () => accounts.addToken(name, "script", ["see"], 1),
        () => accounts.removeToken(name, "script"),
      ])
        expect(await codeOf(work())).toBe("E_FORBIDDEN");
  }
});

test("an administrator neither removes himself nor takes his own role away; the command line may", async () => {
  const { accounts, as, addUser } = await rig();
  await addUser("alice", "administrator");
  expect(await codeOf(as("alice", "administrator").remove("alice"))).toBe("E_FORBIDDEN");
  expect(await codeOf(as("alice", "administrator").setRole("alice", "operator", []))).toBe("E_FORBIDDEN");
  expect(await codeOf(accounts().remove("alice"))).toBe("done");
  expect(await codeOf(accounts().remove("alice"))).toBe("E_NOT_FOUND");
  expect(await codeOf(accounts().setPassword("alice", PASSWORD))).toBe("E_NOT_FOUND");
  expect(await codeOf(accounts().setRole("alice", "operator", []))).toBe("E_NOT_FOUND");
  expect(await codeOf(accounts().logout("alice"))).toBe("E_NOT_FOUND");
});

test("everybody has tokens of his own, which make no others", async () => {
  const { accounts, as, addUser, access } = await rig();
  await addUser("tina", "tenant-viewer", ["acme"]);
  const own = as("tina", "tenant-viewer");
  const { token } = await own.addToken("tina", "script", ["see", "users"], 1);
  expect((await own.tokens()).map(({ user, name, scope }) => [user, name, scope])).toEqual([
    ["tina", "script", ["see", "users"]],
  ]);
  const program = await access.ofToken(token, HOME);
  expect(program).toMatchObject({ name: "tina", role: "tenant-viewer", tenants: ["acme"] });
  const its = access.reach(program as Principal).accounts;
  expect(await codeOf(its.addToken("tina", "more", ["see"], 1))).toBe("E_FORBIDDEN");
  expect(await codeOf(its.tokens())).toBe("E_FORBIDDEN");
  expect(await codeOf(its.list())).toBe("E_FORBIDDEN");
  expect(await codeOf(own.addToken("tina", "script", ["see"], 1))).toBe("E_EXISTS");
  expect(await codeOf(own.removeToken("tina", "script"))).toBe("done");
  expect(await codeOf(own.removeToken("tina", "script"))).toBe("E_NOT_FOUND");
  expect(await codeOf(accounts().addToken("nobody", "script", ["see"], 1))).toBe("E_NOT_FOUND");
});

test("a user has so many tokens and no more", async () => {
  const { accounts, addUser } = await rig();
  await addUser("alice", "operator");
  for (let count = 0; count < 100; count++) await accounts().addToken("alice", `t${count}`, ["see"], 1);
  expect(await codeOf(accounts().addToken("alice", "more", ["see"], 1))).toBe("E_LIMIT");
});

test("who changes the own password must know the present one, and is held to the limits on logins", async () => {
  const { as, addUser, access } = await rig();
  await addUser("alice", "operator");
  const own = as("alice", "operator");
  const wanted = "another long password";
  expect(await codeOf(own.changeOwnPassword("wrong", wanted))).toBe("E_PASSWORD");
  expect(await codeOf(own.changeOwnPassword(PASSWORD, "short"))).toBe("E_PASSWORD");
  expect(await codeOf(own.changeOwnPassword(PASSWORD, wanted))).toBe("done");
  await access.login("alice", wanted, HOME);
  const codes = [];
  for (let count = 0; count < 11; count++) codes.push(await codeOf(own.changeOwnPassword("wrong", wanted)));
  expect(codes.at(-1)).toBe("E_TOO_OFTEN");
  expect(await codeOf(as("oidc:alice", "operator").changeOwnPassword(wanted, PASSWORD))).toBe("E_FORBIDDEN");
});
