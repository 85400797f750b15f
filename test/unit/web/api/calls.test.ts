/** What operations do, over a whole hub; the rig holds each answer against the document. */

import { expect, test } from "vitest";
import type { SiteDetails } from "../../../../hub/hub.ts";
import { apiRig } from "./rig.ts";

const SITE = "/tenants/acme/sites/main";

test("a site from its start to its end", async () => {
  const { call, token } = await apiRig();
  const admin = await token("administrator");
  expect(await call(admin, "POST", "/tenants", { name: "third" })).toMatchObject({ status: 201 });
  const made = await call(admin, "POST", "/tenants/third/sites", { name: "prod", services: ["livestatus"] });
  expect(made).toMatchObject({ status: 201, json: { tenant: "third", site: "prod" } });
  expect(made.json.token).toEqual(expect.stringMatching(/^fst1_/));
  const site = "/tenants/third/sites/prod";
  expect((await call(admin, "GET", site)).json).toMatchObject({ state: "never", services: ["livestatus"] });
  expect((await call(admin, "PUT", `${site}/services`, { services: ["http"] })).json.services).toEqual([
    "http",
  ]);
  expect((await call(admin, "POST", `${site}/disable`)).json.state).toBe("disabled");
  expect((await call(admin, "POST", `${site}/enable`)).json.state).toBe("never");
  expect((await call(admin, "POST", `${site}/revoke`)).status).toBe(200);
  expect((await call(admin, "POST", `${site}/rekey`)).json.code).toBe("E_NOT_ENROLLED");
  expect((await call(admin, "POST", `${site}/token`, { minutes: 5 })).status).toBe(201);
  expect((await call(admin, "POST", "/tenants/third/sites", { name: "prod" })).json.code).toBe("E_EXISTS");
  expect((await call(admin, "DELETE", "/tenants/third")).status).toBe(409);
  expect((await call(admin, "DELETE", site)).status).toBe(204);
  expect((await call(admin, "GET", site)).json.code).toBe("E_NOT_FOUND");
  expect((await call(admin, "DELETE", "/tenants/third")).status).toBe(204);
});

test("what is to be seen, by everybody who may", async () => {
  const { call, token } = await apiRig();
  for (const role of ["administrator", "operator", "tenant-operator", "tenant-viewer"]) {
    const own = await token(role);
    for (const path of ["/me", "/tenants", "/sites", SITE, `${SITE}/history`, "/problems"])
      expect([path, (await call(own, "GET", path)).status]).toEqual([path, 200]);
    const whole = role === "administrator" || role === "operator" ? 200 : 403;
    for (const path of ["/hub", "/hub/keys", "/endpoints", "/views"])
      expect([path, (await call(own, "GET", path)).status]).toEqual([path, whole]);
  }
});

test("a token is held to its scope", async () => {
  const { call, token, problems } = await apiRig();
  const reading = await token("administrator", ["see"]);
  expect((await call(reading, "GET", "/me")).json).toMatchObject({ via: "token", rights: ["see"] });
  expect((await call(reading, "GET", "/sites")).status).toBe(200);
  for (const [method, path, body] of [
    ["POST", "/tenants", { name: "third" }],
    ["DELETE", SITE],
    ["POST", `${SITE}/disable`],
    ["POST", `${SITE}/commands`, { kind: "recheck", host: "db1" }],
    ["GET", "/audit"],
    ["GET", "/users"],
    ["GET", "/hub"],
    ["POST", "/hub/keys/rotate"],
    ["POST", "/users/administrator/tokens", { name: "more", scope: ["see"] }],
    ["PUT", "/me/password", { present: "a", wanted: "b" }],
  ] as const)
    expect([path, (await call(reading, method, path, body)).status]).toEqual([path, 403]);
  expect(problems.commands).toEqual([]);
  // no token makes another, whatever its scope
  const all = await token("administrator");
  expect((await call(all, "POST", "/users/operator/tokens", { name: "x", scope: ["see"] })).status).toBe(403);
});

test("commands reach the site's core as they were meant", async () => {
  const { call, token, problems } = await apiRig();
  const own = await token("tenant-operator");
  const object = { host: "db1", service: "CPU" };
  const path = `${SITE}/commands`;
  for (const body of [
    { kind: "acknowledge", ...object, comment: "seen" },
    { kind: "unacknowledge", ...object },
    {
      kind: "downtime",
      ...object,
      comment: "work",
      from: "2026-01-01T00:00:00Z",
      to: "2026-01-01T01:00:00Z",
    },
    { kind: "remove-downtime", ...object, id: 7 },
    { kind: "recheck", host: "db1" },
  ])
    expect((await call(own, "POST", path, body)).json.outcome).toBe("sent");
  const target = { tenant: "acme", site: "main", ...object };
  const actor = { who: expect.stringMatching(/^token tenant-operator\//), from: "192.0.2.1" };
  expect(problems.commands).toEqual([
    [actor, target, { kind: "acknowledge", comment: "seen", sticky: true, notify: true, persistent: false }],
    [actor, target, { kind: "unacknowledge" }],
    [actor, target, { kind: "downtime", comment: "work", from: 1767225600, to: 1767229200, services: false }],
    [actor, target, { kind: "remove-downtime", id: 7 }],
    [actor, { tenant: "acme", site: "main", host: "db1" }, { kind: "recheck" }],
  ]);
  const late = {
    kind: "downtime",
    ...object,
    comment: "a\nb",
    from: "1999-01-01T00:00:00Z",
    to: "9999-01-01T00:00:00Z",
  };
  const refused = await call(own, "POST", path, late);
  expect(refused).toMatchObject({ status: 400 });
  expect((refused.json.errors as { field: string }[]).map(({ field }) => field).toSorted()).toEqual([
    "comment",
    "from",
    "to",
  ]);
});

test("users and tokens are added, changed and removed", async () => {
  const { call, token, ask, login, csrf } = await apiRig();
  const admin = await token("administrator");
  const carol = {
    name: "carol",
    role: "tenant-viewer",
    tenants: ["acme"],
    password: "correct horse battery",
  };
  expect((await call(admin, "POST", "/users", carol)).json).toMatchObject({ name: "carol", password: true });
  expect((await call(admin, "PUT", "/users/carol/role", { role: "operator" })).json.role).toBe("operator");
  expect((await call(admin, "PUT", "/users/carol/password", { password: "short" })).json.code).toBe(
    "E_PASSWORD",
  );
  expect((await call(admin, "PUT", "/users/carol/password", { password: null })).status).toBe(204);
  expect((await call(admin, "POST", "/users/carol/logout")).json).toEqual({ ended: 0 });
  expect(
    (await call(admin, "POST", "/users", { name: "dave", role: "operator", tenants: ["acme"] })).status,
  ).toBe(400);
  expect((await call(admin, "DELETE", "/users/carol")).status).toBe(204);
  expect((await call(admin, "DELETE", "/users/administrator")).json.code).toBe("E_FORBIDDEN");
  // from a session: one's own token
  const cookie = await login("tenant-viewer");
  const made = await ask("/api/v1/users/tenant-viewer/tokens", {
    method: "POST",
    headers: { cookie, "x-csrf": await csrf(cookie), "content-type": "application/json" },
    body: JSON.stringify({ name: "mine", scope: ["see"] }),
  });
  expect(made.status).toBe(201);
  const { token: own } = (await made.json()) as { token: string };
  const listed = await ask("/api/v1/tokens", { headers: { cookie } });
  expect(((await listed.json()) as { items: unknown }).items).toMatchObject([
    { user: "tenant-viewer", name: "mine" },
  ]);
  // a token does not tell of others, unless it may see all users
  expect((await call(own, "GET", "/tokens")).status).toBe(403);
  expect((await call(admin, "GET", "/tokens?user=tenant-viewer")).json.items).toHaveLength(1);
  expect((await call(admin, "DELETE", "/users/tenant-viewer/tokens/mine")).status).toBe(204);
  expect((await call(own, "GET", "/me")).status).toBe(401);
});

test("the hub's keys are shown, rotated and retired", async () => {
  const { call, token } = await apiRig();
  const admin = await token("administrator");
  const before = (await call(admin, "GET", "/hub/keys")).json;
  const after = (await call(admin, "POST", "/hub/keys/rotate")).json;
  expect(after.key).not.toBe(before.key);
  expect(after.former).toMatchObject([{ key: before.key }]);
  expect((await call(admin, "POST", "/hub/keys/retire")).json.former).toEqual([]);
});

test("site connections are those of the command line", async () => {
  const { call, token } = await apiRig();
  const operator = await token("operator");
  const made = await call(operator, "GET", "/checkmk/sites.mk?tenant=acme&siteId=%7Btenant%7D_%7Bsite%7D");
  expect(made.status).toBe(200);
  expect(made.text).toContain("# Written by farsite-hub");
  expect((await call(operator, "GET", "/checkmk/sites.mk?version=x")).status).toBe(400);
  expect((await call(await token("tenant-viewer"), "GET", "/checkmk/sites.mk")).status).toBe(403);
});

test("a query is answered as it comes; one that is wrong is the caller's doing", async () => {
  const { call, token } = await apiRig();
  const own = await token("tenant-viewer");
  const { json } = await call(own, "POST", "/query", { query: "GET hosts\nColumns: name state\n" });
  expect(json).toEqual({ data: [["db1", 0]], columns: ["name", "state"], failed: {} });
  const wrong = await call(own, "POST", "/query", { query: "COMMAND [1] SHUTDOWN_PROGRAM" });
  expect(wrong).toMatchObject({ status: 400, json: { code: "E_REQUEST" } });
  expect((await call(own, "POST", "/query", { tenant: "globex", query: "GET hosts" })).status).toBe(404);
});

test("what a clock elsewhere says that is no time is left out", async () => {
  const { call, token } = await apiRig();
  const { json } = await call(await token("operator"), "GET", "/problems");
  expect(json.missing).toEqual([{ tenant: "acme", site: "other", reason: "away", shown: false }]);
  expect(json.items[0]).not.toHaveProperty("lastCheck");
});

/** What may be missing is there, at all depths: the compiler finds what is new. */
type Whole<T> = T extends readonly (infer Each)[]
  ? Whole<Each>[]
  : T extends object
    ? { [Key in keyof T]-?: Whole<T[Key]> }
    : T;

/** With everything that can be known of a site. */
const WHOLE: Whole<SiteDetails> = {
  tenant: "acme",
  site: "main",
  address: "127.64.0.1",
  services: ["livestatus"],
  enrolled: true,
  key: { id: "0123456789abcdef", since: "2026-01-01T00:00:00.000Z" },
  state: "connected",
  since: "2026-01-01T00:00:00.000Z",
  lastSeen: "2026-01-01T00:00:00.000Z",
  reason: "the line was cut",
  peer: "198.51.100.7",
  carrier: "websocket",
  rtt: 4.2,
  streams: 3,
  agent: { version: "0.1.0", host: "mon1", clockSkew: -3.5 },
  offers: ["livestatus"],
  listens: { notify: "tcp", syslog: "udp" },
  pushOnly: false,
  update: true,
  central: [
    {
      line: "syslog",
      target: "127.0.0.1:514",
      from: "127.64.0.1",
      open: 1,
      opened: 2,
      limited: 0,
      unreachable: 0,
      datagrams: { received: 1, sent: 1, dropped: 0, lost: 0 },
    },
  ],
  livestatus: {
    state: "dead",
    since: "2026-01-01T00:00:00.000Z",
    reason: "nobody listens",
    cause: "stopped",
    // as hostile an agent may say it
    core: { started: Number.MAX_SAFE_INTEGER, pid: 1, program: "x", livestatus: "y", hosts: 2, services: 3 },
  },
  requests: {
    clients: 1,
    busy: 0,
    waiting: 0,
    requests: 9,
    refused: 0,
    cacheHits: 1,
    cacheMisses: 8,
    cacheEntries: 1,
    cacheBytes: 100,
  },
  inbox: [
    {
      lane: "notify",
      waiting: 1,
      bytes: 10,
      oldest: "2026-01-01T00:00:00.000Z",
      stuck: 60_000,
      received: 3,
      receivedPerMinute: 0.5,
      refused: 0,
      damaged: 0,
      problem: "the disk is full",
      note: "refused: a host",
      sinks: [
        {
          sink: "one",
          kind: "http",
          waiting: 1,
          landed: 2,
          landedPerMinute: 0.1,
          failed: 0,
          holds: { files: 1, bytes: 10, complete: "2026-01-01T00:00:00.000Z" },
          problem: "503",
          note: "left out: a host",
        },
      ],
    },
  ],
  policy: {
    commands: ["ACKNOWLEDGE_*"],
    tables: "all",
    longest_request_mib: 4,
    largest_answer_mib: 128,
    requests_per_second: 10,
    query_timeout_seconds: 120,
  },
  syncs: [
    {
      kind: "activate",
      command: "activate-changes",
      time: "2026-01-01T00:00:00.000Z",
      seconds: 1.5,
      sent: 10,
      received: 20,
      status: 200,
      ok: false,
      reason: "it said no",
    },
  ],
};

test("everything that can be known of a site is in the document", async () => {
  const { call, token, hub } = await apiRig();
  hub.siteView = async () => WHOLE;
  hub.siteViews = async () => [WHOLE];
  const { livestatus, ...rest } = WHOLE;
  const { started: _, ...core } = livestatus.core ?? { started: 0 };
  const { json } = await call(await token("operator"), "GET", SITE);
  expect(json).toEqual({ ...rest, livestatus: { ...livestatus, core } });
  const seen = await call(await token("tenant-viewer"), "GET", SITE);
  expect(seen.status).toBe(200);
  expect(seen.text).not.toContain("127.64.0.1");
});
