/**
 * Every route of the web interface, with everybody who may come. A route that is not in the table fails the test: who
 * adds one says here who gets what.
 */

import { expect, test } from "vitest";
import { isTenantRole, ROLES, type Role } from "../../../hub/access/index.ts";
import { ORIGIN, PASSWORD, type WebRig, webRig } from "./rig.ts";

const WHO = ["nobody", ...ROLES] as const;
type Who = (typeof WHO)[number];

interface Expected {
  /** Status of the answer: the same for all, or for each of WHO. */
  status: number | Record<Who, number>;
  /** What is sent as a form. */
  form?: Record<string, string>;
  /** The answer does not end. */
  stream?: boolean;
}

/** Parameters of paths: what is one's own, somebody else's, and nobody's, must be told apart by no tenant's user. */
const PLACES = {
  own: { tenant: "acme", site: "main" },
  foreign: { tenant: "globex", site: "main" },
  none: { tenant: "nowhere", site: "main" },
};

/** Statuses for nobody, administrator, operator, tenant-operator and tenant-viewer, in this order. */
const each = (...statuses: [number, number, number, number, number]): Record<Who, number> =>
  Object.fromEntries(WHO.map((who, at) => [who, statuses[at]])) as Record<Who, number>;

// a page sends whoever is not known to the login; nothing is changed by him
const SEEN = each(303, 200, 200, 200, 200);
const ADMINISTRATORS_PAGE = each(303, 200, 403, 403, 403);
const ADMINISTRATORS = each(401, 200, 403, 403, 403);
/** The same where the browser is sent on afterwards. */
const ADMINISTRATORS_THEN = each(401, 303, 403, 403, 403);
const NOT_FOUND = each(401, 409, 403, 403, 403);

const TABLE: Record<string, Expected> = {
  // who is logged in already is sent on
  "GET /login": { status: each(200, 303, 303, 303, 303) },
  "POST /login": { status: 401, form: { name: "nobody", password: "wrong" } },
  // there is no OpenID provider here
  "GET /login/oidc": { status: 404 },
  "GET /login/oidc/callback": { status: 401 },
  "POST /logout": { status: each(401, 303, 303, 303, 303) },

  "GET /assets/:name": { status: 404 },
  "GET /": { status: SEEN },
  "GET /events": { status: each(401, 200, 200, 200, 200), stream: true },
  "GET /about": { status: SEEN },
  "GET /audit": { status: each(303, 200, 200, 200, 403) },
  // nobody gathers problems or what was in this rig
  "GET /problems": { status: each(303, 404, 404, 404, 404) },
  "POST /problems": { status: each(401, 400, 400, 400, 400) },

  "GET /sites/:tenant/:site": { status: SEEN },
  "GET /sites/:tenant/:site/history.json": { status: each(303, 404, 404, 404, 404) },
  "POST /sites/:tenant/:site/disable": { status: ADMINISTRATORS_THEN },
  "POST /sites/:tenant/:site/enable": { status: ADMINISTRATORS_THEN },
  "POST /sites/:tenant/:site/services": { status: ADMINISTRATORS_THEN, form: { service: "http" } },
  "POST /sites/:tenant/:site/token": { status: ADMINISTRATORS },
  "POST /sites/:tenant/:site/revoke": { status: ADMINISTRATORS_THEN, form: { confirm: "main" } },
  "POST /sites/:tenant/:site/remove": { status: ADMINISTRATORS_THEN, form: { confirm: "main" } },

  "GET /add": { status: ADMINISTRATORS_PAGE },
  "POST /add": { status: ADMINISTRATORS, form: { tenant: "acme", name: "another", service: "http" } },

  "GET /users": { status: ADMINISTRATORS_PAGE },
  "POST /users": { status: ADMINISTRATORS, form: { name: "new", role: "operator", password: "" } },
  "POST /users/role": { status: ADMINISTRATORS, form: { name: "spare", role: "operator" } },
  "POST /users/password": { status: ADMINISTRATORS, form: { name: "spare", password: PASSWORD } },
  "POST /users/logout": { status: ADMINISTRATORS, form: { name: "spare" } },
  "POST /users/remove": { status: ADMINISTRATORS, form: { name: "spare", confirm: "spare" } },
  "POST /users/tokens/remove": { status: NOT_FOUND, form: { user: "spare", name: "none" } },

  "GET /account": { status: SEEN },
  "POST /account/password": {
    status: each(401, 303, 303, 303, 303),
    form: { present: PASSWORD, wanted: "another long password", again: "another long password" },
  },
  "POST /account/tokens": {
    status: each(401, 200, 200, 200, 200),
    form: { name: "script", scope: "see", days: "1" },
  },
  "POST /account/tokens/remove": { status: each(401, 409, 409, 409, 409), form: { name: "none" } },
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
  const path = pattern.replace(/:(\w+)(\{[^}]*\})?/g, (_, name: string) => place[name] ?? "missing");
  const headers = new Headers();
  let csrf = "";
  if (who !== "nobody") {
    headers.set("cookie", await rig.login(who));
    csrf = await rig.csrf(headers.get("cookie") ?? "");
  }
  const form = method === "GET" ? undefined : new URLSearchParams({ ...TABLE[route]?.form, csrf });
  const answer = await rig.ask(path, { method, headers, ...(form && { body: form }) });
  const { status, headers: told } = answer;
  if (TABLE[route]?.stream && status === 200) {
    await answer.body?.cancel();
    return { status, text: "", headers: told };
  }
  // of each session another
  const text = (await answer.text()).replace(/name="csrf" value="[\w-]+"/g, "");
  return { status, text, headers: told };
}

async function open(): Promise<WebRig> {
  const rig = await webRig({ web: "login_failures_per_address = 1000\nlogin_failures = 1000" });
  for (const role of ROLES) await rig.addUser(role, role as Role, isTenantRole(role) ? ["acme"] : []);
  await rig.addUser("spare", "operator");
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
