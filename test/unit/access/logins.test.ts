import { expect, test } from "vitest";
import type { FarsiteError } from "../../../common/errors.ts";
import { TooOften } from "../../../hub/access/index.ts";
import { PASSWORD, webRig } from "../web/rig.ts";

const MINUTE = 60_000;
const [HOME, AWAY] = ["192.0.2.1", "198.51.100.9"] as const;

function rejection(promise: Promise<unknown>): Promise<FarsiteError> {
  return promise.then(
    () => {
      throw new Error("it was let in");
    },
    (error) => error,
  );
}

test("a wrong password, an unknown user and one without a password are told alike", async () => {
  const { access, addUser, users } = await webRig();
  await addUser("alice", "operator");
  await users.add("test", { name: "robot", role: "operator", tenants: [], passwordHash: undefined });
  const told = await Promise.all(
    [
      ["alice", "wrong"],
      ["nobody", PASSWORD],
      ["robot", PASSWORD],
      ["robot", ""],
      ["alice", ""],
      ["alice", "x".repeat(5000)],
      ["'; DROP TABLE web_user", PASSWORD],
    ].map(([name, password]) => rejection(access.login(name as string, password as string, HOME))),
  );
  expect(new Set(told.map(({ code, message, hint }) => `${code} ${message} ${hint}`))).toEqual(
    new Set(["E_LOGIN the user name or the password is wrong undefined"]),
  );
  await access.login("alice", PASSWORD, HOME);
});

test("a name is locked after too many failures, there or not, and the right password is not heard", async () => {
  const { access, addUser, world } = await webRig({ web: "login_failures = 3\nlogin_lock_minutes = 5" });
  await addUser("alice", "operator");
  for (const name of ["alice", "nobody"]) {
    const codes = [];
    for (let count = 0; count < 5; count++)
      codes.push((await rejection(access.login(name, "wrong", AWAY))).code);
    expect(codes).toEqual(["E_LOGIN", "E_LOGIN", "E_LOGIN", "E_TOO_OFTEN", "E_TOO_OFTEN"]);
  }
  const locked = await rejection(access.login("alice", PASSWORD, AWAY));
  expect(locked).toBeInstanceOf(TooOften);
  expect((locked as TooOften).later).toBe(5 * MINUTE);
  expect(locked.hint).toBe("Try again in 5 minutes.");
  world.clock.advance(5 * MINUTE);
  await access.login("alice", PASSWORD, AWAY);
});

test("tries at the same moment count one by one", async () => {
  const { access, addUser } = await webRig({ web: "login_failures = 3" });
  await addUser("alice", "operator");
  const tries = Array.from({ length: 10 }, () => rejection(access.login("alice", "wrong", AWAY)));
  const codes = (await Promise.all(tries)).map(({ code }) => code);
  expect(codes.filter((code) => code === "E_LOGIN")).toHaveLength(3);
  expect(codes.filter((code) => code === "E_TOO_OFTEN")).toHaveLength(7);
});

test("one address has so many failures in a minute, whatever the names", async () => {
  const { access, addUser, world } = await webRig({ web: "login_failures_per_address = 4" });
  await addUser("alice", "operator");
  for (let count = 0; count < 4; count++) await rejection(access.login(`name${count}`, "wrong", AWAY));
  expect((await rejection(access.login("alice", PASSWORD, AWAY))).code).toBe("E_TOO_OFTEN");
  await access.login("alice", PASSWORD, HOME);
  world.clock.advance(MINUTE);
  await access.login("alice", PASSWORD, AWAY);
});

test("the audit has logins and failures, of which floods are told seldom; a name that is none is not told", async () => {
  const { access, addUser, world } = await webRig({
    web: "login_failures = 1000\nlogin_failures_per_address = 1000",
  });
  await addUser("alice", "tenant-viewer", ["acme"]);
  await access.login("alice", PASSWORD, HOME);
  await rejection(access.login("alice", "hunter2 is my password", HOME));
  await rejection(access.login("hunter2", "alice", HOME));
  for (let count = 0; count < 50; count++) await rejection(access.login("mallory", "wrong", AWAY));
  world.clock.advance(1_000);
  await rejection(access.login("alice", "wrong", AWAY));
  const records = (await world.registry.records({ limit: 1000, action: "login" })).map(
    ({ who, from, action, detail }) => [who, from, action, detail],
  );
  expect(records.slice(0, 3)).toEqual([
    ["user alice", HOME, "login", "tenant-viewer acme"],
    ["user alice", HOME, "login.fail", "wrong name or password"],
    ["unknown user", HOME, "login.fail", "wrong name or password"],
  ]);
  expect(records.at(-1)).toEqual([
    "user alice",
    AWAY,
    "login.fail",
    "wrong name or password; 32 more before",
  ]);
  expect(records).toHaveLength(22);
  expect(JSON.stringify(records)).not.toMatch(/hunter2|mallory/);
});
