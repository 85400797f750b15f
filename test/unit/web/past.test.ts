/** Problems, commands and history through a Reach: of own sites only. */
import { expect, test } from "vitest";
import { type Principal, Reach, type Role } from "../../../hub/access/index.ts";

const SITES = [
  { id: 1, tenant: "acme", name: "main" },
  { id: 2, tenant: "globex", name: "main" },
];
const spark = { until: 0, step: 1, rtt: [], received: [], sent: [], latency: [] };

function seen(role: Role, tenants: Principal["tenants"]) {
  const asked: unknown[] = [];
  const parts = {
    hub: {
      registry: {
        sites: async () => SITES,
        site: async (tenant: string) => SITES.find((each) => each.tenant === tenant),
      },
    },
    problems: {
      list: async (...args: unknown[]) => asked.push(args),
      watch: (...args: unknown[]) => asked.push(args),
      command: async (...args: unknown[]) => asked.push(args),
    },
    history: { spark: () => spark, series: () => undefined, connects: (id: number) => [{ at: id }] },
  };
  const principal: Principal = { name: "bob", role, tenants, via: "session", from: "192.0.2.1" };
  return { asked, reach: new Reach(parts as never, principal, {} as never) };
}

test("problems are asked for the own tenants only, whatever the filter says", async () => {
  const { asked, reach } = seen("tenant-viewer", ["acme"]);
  await reach.problems({ tenant: "globex" });
  const listener = () => {};
  reach.watchProblems(listener);
  expect(asked).toEqual([
    [{ tenant: "globex" }, ["acme"]],
    [["acme"], listener],
  ]);
});

test("spark lines and history are there for own sites only", async () => {
  const { reach } = seen("tenant-viewer", ["acme"]);
  expect([...(await reach.sparks()).keys()]).toEqual(["acme/main"]);
  expect(await reach.history("acme", "main")).toEqual({ series: undefined, connects: [{ at: 1 }] });
  await expect(reach.history("globex", "main")).rejects.toMatchObject({
    code: "E_NOT_FOUND",
    message: "there is no site globex/main",
  });
  expect([...(await seen("operator", "all").reach.sparks()).keys()]).toEqual(["acme/main", "globex/main"]);
});

test("a command goes to own sites only, and not from who may only look", async () => {
  const target = { tenant: "globex", site: "main", host: "db1" };
  const { asked, reach } = seen("tenant-operator", ["acme"]);
  await expect(reach.command(target, { kind: "recheck" })).rejects.toMatchObject({ code: "E_NOT_FOUND" });
  expect(asked).toEqual([]);
  await reach.command({ ...target, tenant: "acme" }, { kind: "recheck" });
  expect(asked).toHaveLength(1);
  expect(asked).toMatchObject([
    [{ who: "user bob", from: "192.0.2.1" }, { tenant: "acme" }, { kind: "recheck" }],
  ]);
  const viewer = seen("tenant-viewer", ["acme"]);
  await expect(
    viewer.reach.command({ ...target, tenant: "acme" }, { kind: "recheck" }),
  ).rejects.toMatchObject({
    code: "E_FORBIDDEN",
  });
  expect(viewer.asked).toEqual([]);
});

test("a hub that gathers no problems says so, and tells of none", async () => {
  const principal: Principal = { name: "x", role: "operator", tenants: "all", via: "session", from: "" };
  const reach = new Reach({ hub: {} } as never, principal, {} as never);
  await expect(reach.problems({})).rejects.toMatchObject({ code: "E_NOT_FOUND" });
  expect(reach.watchProblems(() => {})()).toBeUndefined();
  expect((await reach.sparks()).size).toBe(0);
});
