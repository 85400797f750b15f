import { expect, test } from "vitest";
import { CentralConnections } from "../../../hub/registry/index.ts";
import { connectionsApp } from "../../../hub/web/admin/central-connections.ts";
import { open } from "./rig.ts";

const HERE = "https://mon.example/central/check_mk/api/1.0";
const MADE = { id: "main", tenant: "acme", site: "main", socket: "tcp:127.64.0.1:6557" };

async function connections() {
  const { store, registry, clock } = await open();
  return { registry, made: new CentralConnections(store, registry, () => clock.wall()) };
}

test("what is noted is told, per central site, until it is forgotten", async () => {
  const { made } = await connections();
  await made.note("test", HERE, MADE);
  await made.note("test", "https://other", { ...MADE, id: "east" });
  expect(await made.list(HERE)).toEqual([MADE]);
  const moved = { ...MADE, socket: "tcp:127.64.0.2:6557" };
  await made.note("test", HERE, moved);
  expect(await made.list(HERE)).toEqual([moved]);
  await made.forget("test", HERE, "main");
  expect(await made.list(HERE)).toEqual([]);
  expect(await made.list("https://other")).toHaveLength(1);
});

test("the audit knows who did it, and nothing of what was not there", async () => {
  const { registry, made } = await connections();
  await made.note("test", HERE, MADE);
  await made.forget("test", HERE, "main");
  await made.forget("test", HERE, "main");
  expect(await registry.records({ limit: 10 })).toMatchObject([
    {
      who: "test",
      action: "checkmk.connect",
      tenant: "acme",
      site: "main",
      detail: `main with tcp:127.64.0.1:6557 at ${HERE}`,
    },
    { who: "test", action: "checkmk.disconnect", tenant: "acme", site: "main", detail: `main at ${HERE}` },
  ]);
});

test("the admin socket takes only what it knows", async () => {
  const { made } = await connections();
  const app = connectionsApp(made).onError((error, context) => context.text(String(error), 400));
  const place = `/checkmk/connections?central=${encodeURIComponent(HERE)}`;
  const post = (body: string, path = place) => app.request(path, { method: "POST", body });
  expect((await post(JSON.stringify(MADE))).status).toBe(200);
  expect(await (await app.request(place)).json()).toEqual([MADE]);
  const wrong = [
    post("{"),
    post(JSON.stringify({ ...MADE, more: 1 })),
    post(JSON.stringify({ ...MADE, id: "" })),
    post(JSON.stringify({ ...MADE, id: "x".repeat(1_025) })),
    post(JSON.stringify(MADE), "/checkmk/connections"),
    app.request("/checkmk/connections"),
  ];
  for (const response of await Promise.all(wrong)) expect(await response.text()).toContain("is malformed");
  const path = `/checkmk/connections/main?central=${encodeURIComponent(HERE)}`;
  expect((await app.request(path, { method: "DELETE" })).status).toBe(200);
  expect(await made.list(HERE)).toEqual([]);
});
