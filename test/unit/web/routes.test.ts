/**
 * Every route of the web interface, with everybody who may come. A route that is not in the table fails the test: who
 * adds one says here who gets what.
 */

import { expect, test } from "vitest";
import { isTenantRole, ROLES, type Role } from "../../../hub/access/index.ts";
import { ORIGIN, type WebRig, webRig } from "./rig.ts";

const WHO = ["nobody", ...ROLES] as const;
type Who = (typeof WHO)[number];

interface Expected {
  /** Status of the answer: the same for all, or for each of WHO. */
  status: number | Record<Who, number>;
  /** What is sent as a form. */
  form?: Record<string, string>;
  /** What is sent as JSON instead. */
  json?: Record<string, unknown>;
}

/** Parameters of paths: what is one's own, somebody else's, and nobody's, must be told apart by no tenant's user. */
const PLACES = {
  own: { tenant: "acme", site: "main" },
  foreign: { tenant: "globex", site: "main" },
  none: { tenant: "nowhere", site: "main" },
};

/** Who is not logged in is sent to do so from a page, and refused elsewhere. */
const PAGE = { nobody: 303 };
const REFUSED = { nobody: 401 };
const all = (status: number) => ({
  administrator: status,
  operator: status,
  "tenant-operator": status,
  "tenant-viewer": status,
});
const administrators = (status: number) => ({ ...all(403), administrator: status });
const operators = (status: number) => ({ ...administrators(status), operator: status });

/** Parameters that are about no tenant. */
const OTHERS = { user: "gone", token: "gone" };

const SITE = "/api/v1/tenants/:tenant/sites/:site";
const API: Record<string, Expected> = {
  // whatever else is asked of it
  "ALL /api/v1/*": { status: { ...REFUSED, ...all(404) } },
  "GET /api/v1/openapi.json": { status: { ...REFUSED, ...all(200) } },
  "GET /api/v1/me": { status: { ...REFUSED, ...all(200) } },
  "PUT /api/v1/me/password": {
    status: { ...REFUSED, ...all(400) },
    json: { present: "wrong", wanted: "another long password" },
  },
  "GET /api/v1/tenants": { status: { ...REFUSED, ...all(200) } },
  "POST /api/v1/tenants": { status: { ...REFUSED, ...administrators(201) }, json: { name: "third" } },
  // it has a site
  "DELETE /api/v1/tenants/:tenant": { status: { ...REFUSED, ...administrators(409) } },
  "GET /api/v1/sites": { status: { ...REFUSED, ...all(200) } },
  "POST /api/v1/tenants/:tenant/sites": {
    status: { ...REFUSED, ...administrators(201) },
    json: { name: "second" },
  },
  [`GET ${SITE}`]: { status: { ...REFUSED, ...all(200) } },
  [`DELETE ${SITE}`]: { status: { ...REFUSED, ...administrators(204) } },
  [`PUT ${SITE}/services`]: {
    status: { ...REFUSED, ...administrators(200) },
    json: { services: ["livestatus"] },
  },
  [`POST ${SITE}/token`]: { status: { ...REFUSED, ...administrators(201) }, json: {} },
  [`POST ${SITE}/enable`]: { status: { ...REFUSED, ...administrators(200) } },
  [`POST ${SITE}/disable`]: { status: { ...REFUSED, ...administrators(200) } },
  [`POST ${SITE}/revoke`]: { status: { ...REFUSED, ...administrators(200) } },
  // no agent is enrolled
  [`POST ${SITE}/rekey`]: { status: { ...REFUSED, ...administrators(409) } },
  [`GET ${SITE}/history`]: { status: { ...REFUSED, ...all(200) } },
  [`POST ${SITE}/commands`]: {
    status: { ...REFUSED, ...all(404), "tenant-viewer": 403 },
    json: { kind: "recheck", host: "db1" },
  },
  "GET /api/v1/problems": { status: { ...REFUSED, ...all(404) } },
  // the rig's federation is none, but who gets there was let through
  "POST /api/v1/query": { status: { ...REFUSED, ...all(500) }, json: { query: "GET hosts" } },
  "GET /api/v1/audit": { status: { ...REFUSED, ...all(200), "tenant-viewer": 403 } },
  "GET /api/v1/users": { status: { ...REFUSED, ...administrators(200) } },
  "POST /api/v1/users": {
    status: { ...REFUSED, ...administrators(201) },
    json: { name: "somebody", role: "operator" },
  },
  "DELETE /api/v1/users/:user": { status: { ...REFUSED, ...administrators(404) } },
  "PUT /api/v1/users/:user/password": {
    status: { ...REFUSED, ...administrators(404) },
    json: { password: null },
  },
  "PUT /api/v1/users/:user/role": {
    status: { ...REFUSED, ...administrators(404) },
    json: { role: "operator" },
  },
  "POST /api/v1/users/:user/logout": { status: { ...REFUSED, ...administrators(404) } },
  "POST /api/v1/users/:user/tokens": {
    status: { ...REFUSED, ...administrators(404) },
    json: { name: "scrape", scope: ["hub"] },
  },
  "DELETE /api/v1/users/:user/tokens/:token": { status: { ...REFUSED, ...administrators(404) } },
  "GET /api/v1/tokens": { status: { ...REFUSED, ...all(200) } },
  "GET /api/v1/hub": { status: { ...REFUSED, ...operators(200) } },
  "GET /api/v1/endpoints": { status: { ...REFUSED, ...operators(200) } },
  "GET /api/v1/views": { status: { ...REFUSED, ...operators(200) } },
  "GET /api/v1/hub/keys": { status: { ...REFUSED, ...operators(200) } },
  "POST /api/v1/hub/keys/rotate": { status: { ...REFUSED, ...administrators(200) } },
  "POST /api/v1/hub/keys/retire": { status: { ...REFUSED, ...administrators(200) } },
  // both sites are called main, which one central site cannot have
  "GET /api/v1/checkmk/sites.mk": { status: { ...REFUSED, ...operators(200) } },
};

const TABLE: Record<string, Expected> = {
  ...API,
  "GET /": { status: { ...PAGE, ...all(200) } },
  // this hub gathers none
  "GET /problems": { status: { ...PAGE, ...all(404) } },
  "POST /problems": { status: { ...REFUSED, ...all(404) }, form: { do: "recheck" } },
  "GET /sites/:tenant/:site": { status: { ...PAGE, ...all(200) } },
  "GET /sites/:tenant/:site/history.json": { status: { ...PAGE, ...all(404) } },
  "POST /sites/:tenant/:site/services": {
    status: { ...REFUSED, ...administrators(303) },
    form: { service: "livestatus" },
  },
  "POST /sites/:tenant/:site/token": { status: { ...REFUSED, ...administrators(200) } },
  "POST /sites/:tenant/:site/enable": { status: { ...REFUSED, ...administrators(303) } },
  "POST /sites/:tenant/:site/disable": { status: { ...REFUSED, ...administrators(303) } },
  "POST /sites/:tenant/:site/revoke": {
    status: { ...REFUSED, ...administrators(303) },
    form: { confirm: "main" },
  },
  "POST /sites/:tenant/:site/remove": {
    status: { ...REFUSED, ...administrators(303) },
    form: { confirm: "main" },
  },
  "GET /add": { status: { ...PAGE, ...administrators(200) } },
  "POST /add": {
    status: { ...REFUSED, ...administrators(200) },
    form: { tenant: "acme", name: "second", service: "livestatus" },
  },
  "GET /audit": { status: { ...PAGE, ...all(200), "tenant-viewer": 403 } },
  "GET /users": { status: { ...PAGE, ...administrators(200) } },
  "POST /users": {
    status: { ...REFUSED, ...administrators(200) },
    form: { name: "somebody", role: "operator", password: "correct horse battery" },
  },
  "POST /users/role": {
    status: { ...REFUSED, ...administrators(200) },
    form: { name: "operator", role: "operator" },
  },
  "POST /users/password": {
    status: { ...REFUSED, ...administrators(200) },
    form: { name: "tenant-viewer", password: "correct horse battery" },
  },
  "POST /users/logout": { status: { ...REFUSED, ...administrators(200) }, form: { name: "operator" } },
  "POST /users/remove": {
    // there is no such user
    status: { ...REFUSED, ...administrators(409) },
    form: { name: "gone", confirm: "gone" },
  },
  "POST /users/tokens/remove": {
    status: { ...REFUSED, ...administrators(409) },
    form: { user: "gone", name: "gone" },
  },
  "GET /account": { status: { ...PAGE, ...all(200) } },
  "POST /account/password": {
    status: { ...REFUSED, ...all(409) },
    form: { present: "wrong", wanted: "another long password", again: "another long password" },
  },
  "POST /account/tokens": {
    status: { ...REFUSED, ...all(200) },
    form: { name: "mine", scope: "see", days: "30" },
  },
  "POST /account/tokens/remove": { status: { ...REFUSED, ...all(409) }, form: { name: "none" } },
  "GET /about": { status: { ...PAGE, ...all(200) } },
  "GET /events": { status: { ...REFUSED, ...all(200) } },
  // a name that nothing has
  "GET /assets/:name": { status: { nobody: 404, ...all(404) } },
  // who is logged in already is sent on
  "GET /login": {
    status: { nobody: 200, administrator: 303, operator: 303, "tenant-operator": 303, "tenant-viewer": 303 },
  },
  "POST /login": { status: 401, form: { name: "nobody", password: "wrong" } },
  // there is no OpenID provider here
  "GET /login/oidc": { status: 404 },
  "GET /login/oidc/callback": { status: 401 },
  "POST /logout": {
    status: { nobody: 401, administrator: 303, operator: 303, "tenant-operator": 303, "tenant-viewer": 303 },
  },
};

/** Method and path as registered; what every request goes through is none. */
function routesOf({ app }: WebRig): string[] {
  const found = app.routes.filter(({ method, path }) => !(method === "ALL" && path === "/*"));
  return [...new Set(found.map(({ method, path }) => `${method} ${path}`))].toSorted();
}

interface Answer {
  status: number;
  text: string;
  headers: Headers;
}

async function ask(rig: WebRig, route: string, who: Who, place: Record<string, string>): Promise<Answer> {
  const [method = "", pattern = ""] = route.split(" ");
  const filled: Record<string, string> = { ...OTHERS, ...place };
  const path = pattern.replace(/:(\w+)(\{[^}]*\})?/g, (_, name: string) => filled[name] ?? "missing");
  const { form: fields, json } = TABLE[route] as Expected;
  const headers = new Headers();
  let csrf = "";
  if (who !== "nobody") {
    headers.set("cookie", await rig.login(who));
    csrf = await rig.csrf(headers.get("cookie") ?? "");
  }
  if (path.startsWith("/api/")) headers.set("x-csrf", csrf);
  if (json) headers.set("content-type", "application/json");
  const form =
    method === "GET" || path.startsWith("/api/") ? undefined : new URLSearchParams({ ...fields, csrf });
  const body = json ? JSON.stringify(json) : form;
  const answer = await rig.ask(path, {
    method: method === "ALL" ? "GET" : method,
    headers,
    ...(body && { body }),
  });
  // a stream of events has no end of its own
  const endless = answer.headers.get("content-type") === "text/event-stream";
  if (endless) await answer.body?.cancel();
  // each session has its own, in every form
  const text = endless ? "" : (await answer.text()).replaceAll(csrf === "" ? "CSRF" : csrf, "CSRF");
  return { status: answer.status, text, headers: answer.headers };
}

async function open(): Promise<WebRig> {
  const rig = await webRig({ web: "login_failures_per_address = 1000\nlogin_failures = 1000" });
  for (const role of ROLES) await rig.addUser(role, role as Role, isTenantRole(role) ? ["acme"] : []);
  return rig;
}

test("every route is in the table, and nothing else is", async () => {
  expect(routesOf(await open())).toEqual(Object.keys(TABLE).toSorted());
});

test.each(Object.keys(TABLE))("%s answers everybody as it should", async (route) => {
  const rig = await open();
  const { status } = TABLE[route] as Expected;
  for (const who of WHO) {
    const { status: got, headers } = await ask(rig, route, who, PLACES.own);
    expect([who, got]).toEqual([who, typeof status === "number" ? status : status[who]]);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).not.toBeNull();
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test.each(Object.keys(TABLE).filter((route) => route.includes(":")))(
  "%s: another tenant's is answered as what does not exist",
  async (route) => {
    for (const who of ROLES.filter(isTenantRole)) {
      const [foreign, none] = [
        await ask(await open(), route, who, PLACES.foreign),
        await ask(await open(), route, who, PLACES.none),
      ];
      expect(foreign.status).toBe(none.status);
      expect(foreign.text.replaceAll("globex", "TENANT")).toBe(none.text.replaceAll("nowhere", "TENANT"));
    }
  },
);

test("what is at no address is told as that only to those who are known", async () => {
  const rig = await open();
  const cookie = await rig.login("tenant-viewer");
  for (const path of ["/api/v1/nothing", "/nothing/at/all"]) {
    expect((await rig.ask(path, { headers: { cookie } })).status).toBe(404);
    const stranger = await rig.ask(path);
    expect([401, 303]).toContain(stranger.status);
  }
  expect((await rig.ask(`/login?next=${ORIGIN}`)).status).toBe(200);
});
