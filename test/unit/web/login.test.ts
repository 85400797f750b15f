import { Hono } from "hono";
import { expect, test } from "vitest";
import { reachOf, type WebEnv } from "../../../hub/web/site/index.ts";
import { webRig } from "./rig.ts";

/** Pages that say who sees which sites. */
function pages() {
  return new Hono<WebEnv>()
    .get("/", async (context) => {
      const reach = reachOf(context);
      const sites = await reach.sites();
      return context.json({ name: reach.principal.name, sites: sites.map(({ tenant }) => tenant) });
    })
    .post("/change", (context) => context.text(context.get("csrf") ?? ""))
    .get("/csrf", (context) => context.text(context.get("csrf") ?? ""));
}

test("whoever is not logged in is sent to the login, and from there to where he wanted to go", async () => {
  const { ask, addUser } = await webRig({ mounts: { pages: pages() } });
  await addUser("alice", "operator");
  const first = await ask("/?tenant=acme");
  expect([first.status, first.headers.get("location")]).toEqual([303, "/login?next=%2F%3Ftenant%3Dacme"]);
  const form = await ask("/login?next=%2F%3Ftenant%3Dacme");
  expect(await form.text()).toContain('value="/?tenant=acme"');
  const body = new URLSearchParams({
    name: "alice",
    password: "correct horse battery",
    next: "/?tenant=acme",
  });
  const done = await ask("/login", { method: "POST", body });
  expect([done.status, done.headers.get("location")]).toEqual([303, "/?tenant=acme"]);
  expect(done.headers.get("set-cookie")).toMatch(
    /^__Host-farsite=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
});

test("a session has the rights of its user, and its end is the end of it", async () => {
  const { ask, addUser, login } = await webRig({ mounts: { pages: pages() } });
  await addUser("tina", "tenant-viewer", ["acme"]);
  const cookie = await login("tina");
  const page = await ask("/", { headers: { cookie } });
  expect(await page.json()).toEqual({ name: "tina", sites: ["acme"] });
  const csrf = await (await ask("/csrf", { headers: { cookie } })).text();
  const without = await ask("/change", { method: "POST", headers: { cookie } });
  expect(without.status).toBe(403);
  const body = new URLSearchParams({ csrf });
  expect((await ask("/change", { method: "POST", headers: { cookie }, body })).status).toBe(200);
  expect((await ask("/logout", { method: "POST", headers: { cookie }, body })).status).toBe(303);
  expect((await ask("/", { headers: { cookie } })).status).toBe(303);
});
