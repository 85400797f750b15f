/** What every request goes through: who sends it, for whom, and what is answered when something is wrong. */

import { Hono } from "hono";
import { expect, test } from "vitest";
import { reachOf, type WebEnv } from "../../../hub/web/site/index.ts";
import { ADMINISTRATOR } from "./principal.ts";
import { ORIGIN, PASSWORD, type WebRig, webRig } from "./rig.ts";

const DAY = 86_400_000;

/** An API that says who asks, changes something, and fails as it is told to. */
function mounts() {
  const api = new Hono<WebEnv>()
    .get("/me", (context) => context.json(reachOf(context).principal))
    .post("/change", (context) => context.json({ by: reachOf(context).principal.name }))
    .get("/status", async (context) => context.json(await reachOf(context).status()))
    .get("/fault", () => {
      throw new TypeError("secret of the code");
    });
  const pages = new Hono<WebEnv>()
    .get("/", (context) => context.text(context.get("csrf") ?? ""))
    .get("/fault", () => {
      throw new TypeError("secret of the code");
    });
  const health = new Hono<WebEnv>().get("/healthz", (context) => context.text("ok"));
  return { api, pages, health };
}

async function rig(web = ""): Promise<WebRig> {
  const made = await webRig({ web, mounts: mounts() });
  await made.addUser("alice", "operator");
  return made;
}

test("a request that changes something needs the session's token and a page of the hub", async () => {
  const { ask, login, csrf } = await rig();
  const cookie = await login("alice");
  const other = await csrf(await login("alice"));
  const own = await csrf(cookie);
  const change = async (headers: Record<string, string>) =>
    (await ask("/api/v1/change", { method: "POST", headers: { cookie, ...headers } })).status;
  expect(own).not.toBe(other);
  expect(await change({ "x-csrf": own })).toBe(200);
  expect(await change({ "x-csrf": own, origin: ORIGIN })).toBe(200);
  expect(await change({})).toBe(403);
  expect(await change({ "x-csrf": other })).toBe(403);
  expect(await change({ "x-csrf": own, origin: "https://evil.example" })).toBe(403);
  expect(await change({ "x-csrf": own, origin: "null" })).toBe(403);
  for (const site of ["cross-site", "same-site", "none"])
    expect(await change({ "x-csrf": own, "sec-fetch-site": site })).toBe(403);
});

test("a browser that says nothing of where a request comes from must name its origin", async () => {
  const { app, login, csrf } = await rig();
  const cookie = await login("alice");
  const own = await csrf(cookie);
  const change = async (headers: Record<string, string>) =>
    (
      await app.request(
        `${ORIGIN}/api/v1/change`,
        { method: "POST", headers: { cookie, "x-csrf": own, ...headers } },
        { peer: "192.0.2.1", patience: () => {} },
      )
    ).status;
  expect(await change({})).toBe(403);
  expect(await change({ origin: ORIGIN })).toBe(200);
  expect(await change({ origin: "http://hub.example" })).toBe(403);
});

test("the token of a form is taken as well, for what browsers send without script", async () => {
  const { ask, login, csrf } = await rig();
  const cookie = await login("alice");
  const send = async (value: string) =>
    (
      await ask("/api/v1/change", {
        method: "POST",
        headers: { cookie },
        body: new URLSearchParams({ csrf: value }),
      })
    ).status;
  expect(await send(await csrf(cookie))).toBe(200);
  expect(await send("")).toBe(403);
});

test("nobody is logged in by a page of somebody else", async () => {
  const { ask } = await rig();
  const body = new URLSearchParams({ name: "alice", password: PASSWORD });
  const answer = await ask("/login", {
    method: "POST",
    body,
    headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
  });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("set-cookie")).toBeNull();
});

test("a request for another name is refused, other than for health and metrics", async () => {
  const { app } = await rig();
  const at = async (url: string) =>
    (await app.request(url, {}, { peer: "192.0.2.1", patience: () => {} })).status;
  expect(await at("https://evil.example/login")).toBe(400);
  expect(await at("https://evil.example/healthz")).toBe(200);
  // the listener is on loopback, and can be reached there by its names
  expect(await at("https://localhost:8443/login")).toBe(200);
  expect(await at("https://[::1]:8443/login")).toBe(200);
  expect(await at("https://localhost:9999/login")).toBe(400);
});

test("nobody is sent to another site after the login", async () => {
  const { ask } = await rig();
  for (const next of [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/\tx",
    "javascript:0",
    "",
  ]) {
    const body = new URLSearchParams({ name: "alice", password: PASSWORD, next });
    const answer = await ask("/login", { method: "POST", body });
    expect([next, answer.headers.get("location")]).toEqual([next, "/"]);
    expect(await (await ask(`/login?next=${encodeURIComponent(next)}`)).text()).toContain('value="/"');
  }
});

test("what a page says of a user's words is no markup", async () => {
  const { ask } = await rig();
  const page = await (await ask(`/login?next=${encodeURIComponent('/"><script>alert(1)</script>')}`)).text();
  expect(page).not.toContain("<script>");
});

test("an API token stands for its user, within its scope, until its end", async () => {
  const { ask, access, world } = await rig();
  const { accounts } = access.reach(ADMINISTRATOR);
  const { token } = await accounts.addToken("alice", "script", ["see"], 2);
  const headers = { authorization: `Bearer ${token}` };
  const me = await ask("/api/v1/me", { headers });
  expect(await me.json()).toEqual({
    name: "alice",
    role: "operator",
    tenants: "all",
    via: "token",
    from: "192.0.2.1",
    token: { name: "script", scope: ["see"] },
  });
  // no cookie, and so no forged request
  const change = { method: "POST", headers: { ...headers, "sec-fetch-site": "cross-site" } };
  expect((await ask("/api/v1/change", change)).status).toBe(200);
  expect((await ask("/api/v1/status", { headers })).status).toBe(403);
  expect((await ask(`/api/v1/me?token=${token}`)).status).toBe(401);
  expect((await ask("/api/v1/me", { headers: { cookie: `__Host-farsite=${token}` } })).status).toBe(401);
  for (const wrong of [
    `${token}x`,
    token.slice(0, -1),
    token.toUpperCase(),
    "farsite_0_0",
    "",
    "x".repeat(5000),
  ])
    expect((await ask("/api/v1/me", { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(401);
  expect((await accounts.tokens("alice"))[0]).toMatchObject({ used: world.clock.wall() });
  world.clock.advance(2 * DAY);
  expect((await ask("/api/v1/me", { headers })).status).toBe(401);
});

test("a token is kept as a hash, and ends with its removal and with its user", async () => {
  const { ask, access, world } = await rig();
  const { accounts } = access.reach(ADMINISTRATOR);
  const [one, two] = [
    (await accounts.addToken("alice", "one", ["see"], 1)).token,
    (await accounts.addToken("alice", "two", ["see"], 1)).token,
  ];
  const status = async (token: string) =>
    (await ask("/api/v1/me", { headers: { authorization: `Bearer ${token}` } })).status;
  const rows = await world.store.transaction((sql) => sql`SELECT * FROM api_token`);
  expect(JSON.stringify(rows)).not.toContain(one.slice("farsite_0123456789abcdef_".length));
  expect([await status(one), await status(two)]).toEqual([200, 200]);
  await accounts.removeToken("alice", "one");
  expect([await status(one), await status(two)]).toEqual([401, 200]);
  await accounts.remove("alice");
  expect(await status(two)).toBe(401);
  expect(JSON.stringify(await world.registry.records({ limit: 100 }))).not.toContain(two);
});

test("programs are told of errors as problem details, people on a page, and nobody the code's own words", async () => {
  const { ask, login, world } = await rig();
  const cookie = await login("alice");
  const nothing = await ask("/api/v1/nothing", { headers: { cookie } });
  expect([nothing.status, nothing.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  expect(await nothing.json()).toEqual({
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "there is nothing at this address",
    code: "E_NOT_FOUND",
  });
  for (const path of ["/api/v1/fault", "/fault"]) {
    const fault = await ask(path, { headers: { cookie } });
    const text = await fault.text();
    expect([fault.status, text.includes("secret of the code")]).toEqual([500, false]);
    const number = /the hub had a fault \((\w{8})\)/.exec(text)?.[1];
    expect(world.log.lines.at(-1)?.fields).toEqual({ fault: "secret of the code", number });
  }
});

test("what a user may not do goes to the audit", async () => {
  const { ask, login, world, addUser } = await rig();
  await addUser("tina", "tenant-viewer", ["acme"]);
  const cookie = await login("tina");
  expect((await ask("/api/v1/status", { headers: { cookie } })).status).toBe(403);
  expect(await world.registry.records({ limit: 10, action: "web.refuse" })).toMatchObject([
    { who: "user tina", from: "192.0.2.1", detail: "GET /api/v1/status" },
  ]);
});

test("a request that is too large is refused before it is read", async () => {
  const { ask } = await rig("largest_request_kib = 1");
  const body = new URLSearchParams({ name: "alice", password: "x".repeat(2000) });
  expect((await ask("/login", { method: "POST", body })).status).toBe(413);
});

test("pages and answers are not kept by the browser, and tell it to come by TLS only", async () => {
  const { ask, login } = await rig();
  const cookie = await login("alice");
  for (const path of ["/", "/login", "/api/v1/me", "/api/v1/nothing", "/elsewhere"]) {
    const { headers } = await ask(path, { headers: { cookie } });
    expect([path, headers.get("cache-control")]).toEqual([path, "no-store"]);
    expect(headers.get("strict-transport-security")).toBe("max-age=31536000");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
  }
});
