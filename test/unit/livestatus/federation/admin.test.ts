import { expect, test } from "vitest";
import { FarsiteError } from "../../../../common/errors.ts";
import { queryApp } from "../../../../hub/web/admin/query.ts";
import { coreSite, fixed16, Puppet, Rig, saying } from "./rig.ts";

const HOSTS = (count: number) => ({
  hosts: Array.from({ length: count }, (_, at) => ({ name: `some host of this site, number ${at}` })),
});

function appOf(rig: Rig) {
  const app = queryApp(
    (tenant) => rig.federation.view(tenant),
    async (tenant) => {
      if (tenant !== "a") throw new FarsiteError("E_NOT_FOUND", `there is no tenant ${tenant}`);
    },
  );
  app.onError((error, context) =>
    context.json({ code: (error as FarsiteError).code, message: error.message }, 400),
  );
  return (body: unknown) => app.request("/query", { method: "POST", body: JSON.stringify(body) });
}

test("a query's answer comes whole, with its columns and what is missing", async () => {
  const rig = new Rig().add("a/one", coreSite(HOSTS(30_000), "icinga", 10_000)).add("a/two", saying("junk"));
  const response = await appOf(rig)({
    tenant: "a",
    query: "GET hosts\nColumns: site name\nOutputFormat: csv",
  });
  const answer = (await response.json()) as { data: unknown[]; columns: string[]; failed: object };
  expect(answer.data.length).toBe(30_000);
  expect(answer.columns).toEqual(["site", "name"]);
  expect(Object.keys(answer.failed)).toEqual(["two"]);
});

test.each([
  [{ query: "GET hosts\nNonsense: 1" }, "E_QUERY", "undefined request header"],
  [{ query: "COMMAND [1] X" }, "E_QUERY", "begins with GET"],
  [{ query: "GET hosts\n\nGET services" }, "E_QUERY", "one request"],
  [{ query: "" }, "E_QUERY", "the request is empty"],
  [{ query: "GET hosts", tenant: "b" }, "E_NOT_FOUND", "no tenant b"],
  [{ tenant: "a" }, "E_USAGE", "malformed"],
])("%j is refused", async (body, code, message) => {
  const response = await appOf(new Rig().add("a/one", new Puppet()))(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code, message: expect.stringContaining(message) });
});

test("what the cores refuse is an error with their words", async () => {
  const rig = new Rig().add("a/one", saying(fixed16(404, "Table 'x' does not exist.")));
  const response = await appOf(rig)({ query: "GET x" });
  expect(await response.json()).toEqual({ code: "E_QUERY", message: "Table 'x' does not exist." });
});

test("who goes away takes the questions to the sites along", async () => {
  const puppet = new Puppet();
  const asked = appOf(new Rig().add("a/one", puppet))({ query: "GET hosts\nColumns: name" });
  await expect.poll(() => puppet.events.length).toBe(1);
  puppet.say(fixed16(200, '[["x"],["y"]]').subarray(0, 22));
  const response = await asked;
  await response.body?.cancel();
  expect(puppet.cancelled).toBe(1);
});
