import { describe, expect, test } from "vitest";
import { FarsiteError } from "../../../common/errors.ts";
import { planOf, site } from "./rig.ts";

function thrown(work: () => unknown): FarsiteError {
  try {
    work();
  } catch (error) {
    if (error instanceof FarsiteError) return error;
  }
  throw new Error("nothing was thrown");
}

test("a connection leads to the address and ports of its site", () => {
  const [connection] = planOf([site("acme/main", "127.64.0.1")]).connections;
  expect(connection).toMatchObject({
    id: "main",
    alias: "acme/main",
    socket: { type: "tcp", host: "127.64.0.1", port: 6557 },
    url: "http://127.64.0.1:5000/main/check_mk/",
    noReplication: undefined,
    spooler: { host: "127.64.0.1", port: 6555 },
    brokerPort: undefined,
    statusHost: undefined,
  });
});

test("a connection leads to the Unix socket where that is wanted", () => {
  const [connection] = planOf([site("acme/main", "127.64.0.1")], { unix: true }).connections;
  expect(connection?.socket).toEqual({ type: "unix", path: "/run/farsite-hub/acme/main/livestatus.sock" });
});

test("names are made by templates", () => {
  const [connection] = planOf([site("acme/main", "127.64.0.1")], {
    siteId: "{tenant}_{site}",
    alias: "{site} of {tenant}, {site}",
    customer: "c-{tenant}",
    urlPrefix: "/{tenant}/{site}/",
    statusHost: { site: "central", host: "far-{tenant}-{site}" },
  }).connections;
  expect(connection).toMatchObject({
    id: "acme_main",
    alias: "main of acme, main",
    customer: "c-acme",
    urlPrefix: "/acme/main/",
    statusHost: { site: "central", host: "far-acme-main" },
  });
});

test.each(["{host}", "{", "}", "{tenant", "{ tenant }", "{}"])("the template %j means nothing", (alias) => {
  expect(thrown(() => planOf([site("acme/main", "127.64.0.1")], { alias }))).toMatchObject({
    code: "E_USAGE",
    message: expect.stringContaining(alias),
  });
});

test("HTTPS is the web server's address where there is no other, and a broker has its port", () => {
  const sites = [site("acme/main", "127.64.0.1", { services: ["livestatus", "https", "broker"] })];
  expect(planOf(sites).connections[0]).toMatchObject({
    url: "https://127.64.0.1:443/main/check_mk/",
    brokerPort: 5673,
    spooler: undefined,
  });
});

describe("distributed setup", () => {
  test("is impossible without a web server", () => {
    const [connection] = planOf([site("acme/main", "127.64.0.1", { services: ["livestatus"] })]).connections;
    expect(connection?.noReplication).toContain("it has no service http");
    // Checkmk wants one that could be one, though it is not used
    expect(connection?.url).toBe("http://127.64.0.1/main/check_mk/");
  });

  test("is impossible under another ID than the site's own", () => {
    const [connection] = planOf([site("acme/main", "127.64.0.1")], { siteId: "{tenant}_{site}" }).connections;
    expect(connection?.noReplication).toMatch(/acme_main.*main/);
  });
});

test("sites without endpoint are left out, and it is said why", () => {
  const plan = planOf([
    site("acme/old", "127.64.0.1", { state: "disabled" }),
    site("acme/web", "127.64.0.2", { services: ["http"] }),
    site("acme/main", "127.64.0.3"),
  ]);
  expect(plan.connections.map(({ id }) => id)).toEqual(["main"]);
  expect(plan.leftOut).toEqual([
    { tenant: "acme", site: "old", reason: "it is disabled at the hub" },
    { tenant: "acme", site: "web", reason: "it has no service livestatus" },
  ]);
});

test("all sites of an equal ID are named, and what can be done", () => {
  const sites = ["acme/main", "globex/main", "acme/east", "globex/east", "acme/west"].map((path, index) =>
    site(path, `127.64.0.${index + 1}`),
  );
  const { code, message, hint } = thrown(() => planOf(sites));
  expect(code).toBe("E_SITE_ID");
  expect(message).toContain("main (acme/main, globex/main); east (acme/east, globex/east)");
  expect(message).not.toContain("west");
  for (const way of ["--tenant", "omd mv", "--site-id '{tenant}_{site}'"]) expect(hint).toContain(way);
  expect(planOf(sites, { siteId: "{tenant}_{site}" }).connections).toHaveLength(5);
});

test("a disabled site takes no ID away", () => {
  const sites = [site("acme/main", "127.64.0.1", { state: "disabled" }), site("globex/main", "127.64.0.2")];
  expect(planOf(sites).connections.map(({ tenant }) => tenant)).toEqual(["globex"]);
});

test.each([
  [{ siteId: "{tenant}/{site}" }, "acme/main"],
  [{ siteId: "" }, '""'],
  [{ siteId: "{site}\n" }, "main"],
  [{ statusHost: { site: "central", host: "{tenant} {site}" } }, "acme main"],
])("%j makes a name that Checkmk does not take", (wishes, name) => {
  const error = thrown(() => planOf([site("acme/main", "127.64.0.1")], wishes));
  expect(error).toMatchObject({ code: "E_SITE_ID", message: expect.stringContaining(name) });
});
