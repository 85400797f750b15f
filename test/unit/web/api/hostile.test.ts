/**
 * What nobody means well by: every operation with input that is missing, of the wrong kind, another tenant's, oversized or
 * unprintable. The answer is a problem with a status of 4xx, tells nothing, and nothing secret is in it or in the log.
 */

import { expect, test } from "vitest";
import { inputs } from "./inputs.ts";
import { type ApiRig, apiRig, type Operation } from "./rig.ts";

/** Hundreds of requests each, on a machine that may have other things to do. */
const LONG_TEST = { timeout: 60_000 };
const LONG = "x".repeat(20_000);
/** In the place of a text: of another kind, too long, unprintable, of a wrong form. */
const TEXTS = [
  null,
  7,
  true,
  [],
  {},
  [["x"]],
  LONG,
  "\u0000",
  "\u001b[2J",
  "a\r\nb: c",
  "../..",
  "\ud800",
  "' OR 1=1 --",
];

interface Each {
  method: string;
  /** With a valid example in the place of each parameter. */
  path: string;
  pattern: string;
  operation: Operation;
}

function operationsOf({ document }: ApiRig): Each[] {
  return Object.entries(document.paths).flatMap(([pattern, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern,
      path: pattern.replace(/\{(\w+)\}/g, (_, name: string) => inputs.path[name] ?? "missing"),
      operation,
    })),
  );
}

/** Asserts that it was refused as it should be. */
async function refused(
  { call }: ApiRig,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const { status, headers, json } = await call(token, method, path, body);
  const what = `${method} ${path.slice(0, 200)} ${(JSON.stringify(body) ?? "").slice(0, 200)}`;
  expect([what, status >= 400 && status < 500]).toEqual([what, true]);
  expect([what, headers.get("content-type")]).toEqual([what, "application/problem+json"]);
  return json;
}

test("there is valid input for every operation, so that what is wrong with others is known", async () => {
  const rig = await apiRig();
  const bodies = operationsOf(rig).filter(({ operation }) => operation.requestBody);
  expect(Object.keys(inputs.body).toSorted()).toEqual(
    bodies.map(({ operation }) => operation.operationId).toSorted(),
  );
});

test("every field of every body is checked, and all of them at once", LONG_TEST, async () => {
  const rig = await apiRig();
  const admin = await rig.token("administrator");
  for (const { method, path, operation } of operationsOf(rig)) {
    if (!operation.requestBody) continue;
    const good = inputs.body[operation.operationId] as Record<string, unknown>;
    for (const field of Object.keys(good)) {
      const { [field]: _, ...without } = good;
      const kinds = TEXTS.filter((value) => typeof value !== typeof good[field] || value === null);
      const bad = [...kinds, ...(typeof good[field] === "string" ? [LONG] : [])]
        // what is a wish may be left out, and null may be one
        .filter((value) => !(operation.operationId === "setPassword" && (value === null || value === LONG)));
      for (const value of bad) {
        const json = await refused(rig, admin, method, path, { ...without, [field]: value });
        expect([operation.operationId, field, json.code]).toEqual([
          operation.operationId,
          field,
          "E_REQUEST",
        ]);
        // how long a query may be the federation says
        if (operation.operationId === "query" && value === LONG) continue;
        expect([field, JSON.stringify(json.errors)]).toEqual([field, expect.stringContaining(field)]);
      }
    }
    const wrong = Object.fromEntries(Object.keys(good).map((field) => [field, [[{}]]]));
    for (const body of [
      wrong,
      { ...good, unknown: 1 },
      [],
      null,
      7,
      "text",
      [good],
      JSON.parse('{"__proto__":1}'),
    ])
      await refused(rig, admin, method, path, body);
    // one by one they would need one request each
    if (operation.operationId !== "command" && Object.keys(good).length > 1) {
      const { errors } = await refused(rig, admin, method, path, wrong);
      expect((errors as unknown[]).length).toBeGreaterThanOrEqual(Object.keys(good).length);
    }
  }
});

test("no parameter of a path or a query takes what it should not", LONG_TEST, async () => {
  const rig = await apiRig();
  const admin = await rig.token("administrator");
  const texts = [
    "%00",
    "%1b%5b2J",
    "%ff",
    "%",
    "%0d%0ax%3a%20y",
    "x".repeat(3_000),
    "%2e%2e%2f",
    "%27%20OR%201=1",
    "*",
  ];
  for (const { method, pattern, path, operation } of operationsOf(rig)) {
    const body = inputs.body[operation.operationId];
    for (const { in: part, name } of operation.parameters ?? []) {
      for (const text of texts) {
        // any text is something to search for, and any name may have been somebody's at the OpenID provider
        if (part === "query" && ["text", "action", "alias", "siteId"].includes(name) && text.length < 200)
          continue;
        if (operation.operationId === "logoutUser" && text.length < 200) continue;
        const asked =
          part === "path"
            ? pattern.replace(/\{(\w+)\}/g, (_, each: string) =>
                each === name ? text : (inputs.path[each] ?? "missing"),
              )
            : `${path}?${name}=${text}`;
        await refused(rig, admin, method, asked, body);
      }
      if (part === "query") await refused(rig, admin, method, `${path}?${name}=1&${name}=2`, body);
    }
    await refused(rig, admin, method, `${path}?unknown=1`, body);
  }
});

test(
  "another tenant's is told as what does not exist, for every operation and role of a tenant",
  LONG_TEST,
  async () => {
    const rig = await apiRig();
    for (const role of ["tenant-operator", "tenant-viewer"]) {
      const own = await rig.token(role);
      for (const { method, pattern, operation } of operationsOf(rig)) {
        const body = inputs.body[operation.operationId] as Record<string, unknown> | undefined;
        const at = async (tenant: string) => {
          const path = pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
            name === "tenant" ? tenant : (inputs.path[name] ?? "missing"),
          );
          const query = (operation.parameters ?? []).some(
            (each) => each.in === "query" && each.name === "tenant",
          )
            ? `?tenant=${tenant}`
            : "";
          const named = body && "tenant" in body ? { ...body, tenant } : body;
          const { status, text } = await rig.call(own, method, `${path}${query}`, named);
          return [operation.operationId, status, text.replaceAll(tenant, "TENANT")];
        };
        if (!pattern.includes("{tenant}") && !JSON.stringify(operation).includes('"tenant"')) continue;
        expect(await at("globex")).toEqual(await at("nowhere"));
      }
      // nothing that may be seen without naming a tenant names the other
      for (const { method, path } of operationsOf(rig).filter((each) => each.method === "GET"))
        if (path !== "/openapi.json")
          expect((await rig.call(own, method, path)).text).not.toContain("globex");
    }
  },
);

test("a body that is no JSON, of another kind, or too large is refused as that", async () => {
  const rig = await apiRig();
  const authorization = `Bearer ${await rig.token("administrator")}`;
  const post = async (body: string | Uint8Array<ArrayBuffer> | FormData, type?: string) => {
    const headers = { authorization, ...(type !== undefined && { "content-type": type }) };
    const answer = await rig.ask("/api/v1/tenants", { method: "POST", headers, body });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  const json = "application/json";
  const good = JSON.stringify({ name: "third" });
  for (const body of ["", "{", "\u0000", "[".repeat(60_000), `${good}x`, new Uint8Array([0xff, 0xfe, 0x7b])])
    expect(await post(body, json)).toEqual([400, "E_REQUEST"]);
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonx",
    "",
  ])
    expect([type, await post(good, type)]).toEqual([type, [415, "E_MEDIA_TYPE"]]);
  expect(await post(new FormData(), undefined)).toEqual([415, "E_MEDIA_TYPE"]);
  expect(await post("x".repeat(65 * 1024), json)).toEqual([413, "E_TOO_LARGE"]);
  expect(
    (
      await rig.ask("/api/v1/tenants", {
        method: "POST",
        headers: { authorization, "content-type": "application/json; charset=UTF-8" },
        body: good,
      })
    ).status,
  ).toBe(201);
});

test("an address that takes another method says which; one that is none says so", async () => {
  const { call, token, ask } = await apiRig();
  const admin = await token("administrator");
  for (const [method, path, allowed] of [
    ["PATCH", "/tenants", "GET, HEAD, POST"],
    ["POST", "/me", "GET, HEAD"],
    ["GET", "/tenants/acme", "DELETE"],
    ["OPTIONS", "/tenants/acme/sites/main/enable", "POST"],
  ] as const) {
    const { status, json, headers } = await call(admin, method, path);
    expect([path, status, json.code, headers.get("allow")]).toEqual([path, 405, "E_METHOD", allowed]);
  }
  for (const path of ["/nothing", "/tenants/acme/sites", "/sites/", "//sites", "/sites/../me/x"])
    expect([
      path,
      (await call(admin, "POST", path)).status === 404 || path === "/tenants/acme/sites",
    ]).toEqual([path, true]);
  // who is not known learns of no address
  for (const path of ["/api/v1/nothing", "/api/v1/tenants"])
    expect((await ask(path, { method: "PATCH", headers: { authorization: "Bearer x" } })).status).toBe(401);
});

test("a program that runs wild is slowed down, and nobody else", async () => {
  const { ask, token, world } = await apiRig();
  const get = async (token: string, path: string) =>
    ask(`/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  const wild = await token("operator");
  const statuses: number[] = [];
  for (let at = 0; at < 210; at++) statuses.push((await get(wild, at % 2 ? "/me" : "/nothing")).status);
  expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  const answer = await get(wild, "/me");
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await answer.json()).toMatchObject({ code: "E_TOO_OFTEN", status: 429 });
  // another token of the same user is no way out
  expect((await get(await token("operator"), "/me")).status).toBe(429);
  expect((await get(await token("tenant-viewer"), "/me")).status).toBe(200);
  world.clock.advance(1_000);
  expect((await get(wild, "/me")).status).toBe(200);
});

test("nothing secret is in any answer, in the log or in the audit", async () => {
  const rig = await apiRig();
  const { call, token, world } = rig;
  const admin = await token("administrator");
  const planted = ["planted-password-one", "planted-password-two", admin, admin.slice(-43)];
  const [first, second] = planted;
  const answers: string[] = [];
  const ask = async (method: string, path: string, body?: unknown) =>
    answers.push((await call(admin, method, path, body)).text);
  await ask("POST", "/users", { name: "carol", role: "operator", password: first });
  await ask("POST", "/users", { name: "carol", role: "operator", password: first });
  await ask("POST", "/users", { name: "carol", role: "nothing", password: first, extra: second });
  await ask("PUT", "/users/carol/password", { password: second });
  await ask("PUT", "/users/carol/password", { password: [second] });
  await ask("PUT", "/users/nobody/password", { password: second });
  await ask("PUT", "/me/password", { present: first, wanted: second });
  const made = (await call(admin, "POST", "/tenants/acme/sites/main/token", {})).json.token as string;
  planted.push(made);
  for (const { method, path } of operationsOf(rig).filter((each) => each.method === "GET"))
    await ask(method, path);
  const audit = JSON.stringify(await world.registry.records({ limit: 1_000 }));
  expect(audit).toContain("carol");
  for (const secret of planted)
    for (const text of [...answers, audit, JSON.stringify(world.log.lines)])
      expect(text).not.toContain(secret);
});

test("a scope of another release gives nothing", async () => {
  const { call, token } = await apiRig();
  const odd = await token("administrator", ["everything"]);
  expect((await call(odd, "GET", "/me")).json.rights).toEqual([]);
  expect((await call(odd, "GET", "/sites")).status).toBe(403);
});

test("a session needs the page's token for what changes something, as pages do", async () => {
  const { ask, login, csrf } = await apiRig();
  const cookie = await login("administrator");
  const add = async (headers: Record<string, string>) =>
    (
      await ask("/api/v1/tenants", {
        method: "POST",
        headers: { cookie, "content-type": "application/json", ...headers },
        body: JSON.stringify({ name: "third" }),
      })
    ).status;
  expect(await add({})).toBe(403);
  expect(await add({ "x-csrf": await csrf(cookie), origin: "https://evil.example" })).toBe(403);
  expect(await add({ "x-csrf": await csrf(cookie) })).toBe(201);
});
