import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { systemRandom } from "../../../common/random.ts";
import type { Role } from "../../../hub/access/index.ts";
import { healthApp, metricsApp } from "../../../hub/metrics/index.ts";
import { webApp } from "../../../hub/web/index.ts";
import { sourcesOf } from "../metrics/rig.ts";
import { ORIGIN, webRig } from "./rig.ts";

async function rig() {
  const web = await webRig();
  const sources = sourcesOf(["acme", "globex"].map((tenant) => ({ tenant, name: "main" })));
  const app = await webApp({
    clock: web.world.clock,
    services: ["livestatus"],
    web: web.web,
    access: web.access,
    random: systemRandom,
    log: web.world.log,
    metrics: metricsApp({ sources, labels: "site", clock: new FakeClock() }),
    health: healthApp({ ready: async () => true }),
  });
  const ask = (path: string, headers: Record<string, string> = {}) =>
    Promise.resolve(app.request(`${ORIGIN}${path}`, { headers }, { peer: "192.0.2.1", patience: () => {} }));
  return { ...web, ask };
}

test.each<[Role, number]>([
  ["administrator", 200],
  ["operator", 200],
  ["tenant-operator", 403],
  ["tenant-viewer", 403],
])("metrics with all tenants in them answer %s with %i", async (role, status) => {
  const { addUser, login, ask } = await rig();
  await addUser("ann", role, role.startsWith("tenant-") ? ["acme"] : []);
  const answer = await ask("/metrics", { cookie: await login("ann") });
  expect(answer.status).toBe(status);
  const text = await answer.text();
  expect(text.includes("globex")).toBe(status === 200);
});

test("who is not logged in gets none, and is not sent to a form; health is for everybody", async () => {
  const { ask } = await rig();
  const answer = await ask("/metrics");
  expect([answer.status, (await answer.text()).includes("farsite_sites")]).toEqual([401, false]);
  for (const path of ["/healthz", "/readyz"]) expect(await (await ask(path)).text()).toBe("ok\n");
});

test("logins are counted", async () => {
  const { access, addUser, login, ask: _, ...web } = await rig();
  await addUser("ann", "operator");
  await login("ann");
  await web.app.request(
    `${ORIGIN}/login`,
    {
      method: "POST",
      body: new URLSearchParams({ name: "ann", password: "wrong" }),
      headers: { origin: ORIGIN },
    },
    { peer: "192.0.2.1", patience: () => {} },
  );
  expect(access.logins).toEqual({ ok: 1, failed: 1 });
});
