/** The web interface of a whole hub: the first administrator, logging in over TLS, tokens, and what survives a restart. */

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CERTIFICATE_FILE } from "../../../hub/tls/index.ts";
import { FarsiteLab, freePort, until } from "../../lab/farsite.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PASSWORD = "planted: correct horse battery";
const port = await freePort();
const origin = `https://127.0.0.1:${port}`;
const hub = await lab.startHub({ web: { port }, log: { level: "debug" } });
const authority = readFileSync(join(hub.stateDir, CERTIFICATE_FILE), "utf8");

function ask(path: string, headers: Record<string, string> = {}, form?: Record<string, string>) {
  return fetch(`${origin}${path}`, {
    redirect: "manual",
    headers: { origin, ...headers },
    ...(form && { method: "POST", body: new URLSearchParams(form) }),
    tls: { ca: authority },
  } as BunFetchRequestInit);
}

async function login(name: string, password = PASSWORD): Promise<Response> {
  return ask("/login", {}, { name, password });
}

function cookieOf(answer: Response): string {
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

/** Whether somebody is known: who is, is sent on from the login. */
async function isIn(cookie: string): Promise<boolean> {
  return (await ask("/login", { cookie })).status === 303;
}

/** The admin socket answers before the pages are there. */
function serving(): Promise<void> {
  return until("the web interface", () =>
    ask("/login").then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

await serving();
const file = join(hub.stateDir, "..", "password");
writeFileSync(file, `${PASSWORD}\nmore is not read\n`, { mode: 0o600 });

describe("users", () => {
  test("the first administrator is made on the command line, the password from standard input or a file", async () => {
    const none = await hub.call(["user", "list"]);
    expect(none.stdout).toContain("farsite-hub user add NAME --role administrator");
    const alice = await hub.call(["user", "add", "alice", "--role", "administrator"], {
      stdin: `${PASSWORD}\n`,
    });
    expect(alice).toMatchObject({ code: 0, stdout: "" });
    const bob = await hub.call([
      "user",
      "add",
      "bob",
      "--role",
      "operator",
      "--password-file",
      file,
      "--json",
    ]);
    expect(JSON.parse(bob.stdout)).toMatchObject({ user: "bob", role: "operator", password: true });
    expect((await login("alice")).status).toBe(303);
    expect((await login("bob")).status).toBe(303);
    expect((await login("alice", "wrong")).status).toBe(401);
  });

  test.each([
    [["add", "eve", "--role", "tenant-viewer"], 2, "--tenants"],
    [["add", "eve", "--role", "operator", "--password-file", "/nowhere"], 1, "E_KEY_FILE"],
    [["add", "eve", "--role", "operator"], 1, "E_PASSWORD"],
    [["add", "alice", "--role", "operator", "--no-password"], 1, "E_EXISTS"],
    [["remove", ".."], 1, "E_NAME"],
    [["role", "nobody", "--role", "operator"], 1, "E_NOT_FOUND"],
  ])("user %j fails with %i and says %s", async (words, code, said) => {
    const done = await hub.call(["user", ...words]);
    expect([done.code, done.stderr]).toEqual([code, expect.stringContaining(said)]);
  });

  test("a password file that others may read is not read", async () => {
    chmodSync(file, 0o644);
    const done = await hub.call(["user", "passwd", "bob", "--password-file", file]);
    chmodSync(file, 0o600);
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("E_KEY_FILE")]);
  });

  test("another role and a removal end sessions", async () => {
    const [first, second] = [cookieOf(await login("bob")), cookieOf(await login("alice"))];
    expect([await isIn(first), await isIn(second)]).toEqual([true, true]);
    expect((await hub.call(["user", "role", "bob", "--role", "administrator"])).code).toBe(0);
    expect([await isIn(first), await isIn(second)]).toEqual([false, true]);
    expect((await hub.call(["user", "remove", "bob"])).code).toBe(0);
    expect((await login("bob")).status).toBe(401);
  });
});

test("a token is printed once, listed without its secret, and ends when it is removed", async () => {
  await hub.call(["user", "add", "robot", "--role", "operator", "--no-password"]);
  const made = await hub.call(["token", "add", "robot", "scrape", "--scope", "hub,see", "--days", "1"]);
  const token = made.stdout.trim();
  expect(token).toMatch(/^farsite_[0-9a-f]{16}_[\w-]{43}$/);
  const status = async () => (await ask("/api/v1/nothing", { authorization: `Bearer ${token}` })).status;
  expect(await status()).toBe(404);
  const listed = await hub.call(["token", "list", "robot", "--json"]);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ user: "robot", name: "scrape", scope: ["hub", "see"] }]);
  expect(listed.stdout).not.toContain(token.slice(-43));
  for (const [words, code] of [
    [["add", "robot", "scrape"], 1],
    [["add", "robot", "more", "--scope", "all"], 2],
    [["add", "robot", "more", "--days", "0"], 2],
    [["remove", "robot", "other"], 1],
    [["remove", "robot", "scrape"], 0],
  ] as const)
    expect([words, (await hub.call(["token", ...words])).code]).toEqual([words, code]);
  expect(await status()).toBe(401);
});

test("a restart of the hub ends no session", async () => {
  const cookie = cookieOf(await login("alice"));
  await hub.stop();
  await hub.start();
  await serving();
  expect(await isIn(cookie)).toBe(true);
});

test("the audit names who did what, and no secret is in it, in the log, or in a file", async () => {
  const cookie = cookieOf(await login("alice"));
  const audit = (await hub.call(["audit", "--json", "--limit", "1000"])).stdout;
  for (const action of ["user.add", "user.role", "user.remove", "api-token.add", "login", "login.fail"])
    expect(audit).toContain(`"action": "${action}"`);
  const secret = cookie.split("=")[1] ?? "";
  const files = readdirSync(hub.stateDir, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(join(hub.stateDir, name)));
  for (const text of [Buffer.from(audit), Buffer.from(hub.process.output), ...files])
    for (const planted of [PASSWORD, secret]) expect(text.includes(planted)).toBe(false);
});
