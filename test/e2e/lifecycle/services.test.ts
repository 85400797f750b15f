import { afterAll, describe, expect, test } from "vitest";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const hub = await lab.startHub();
const echo = await Target.start(manners.echo, lab.cleanup);
const services = { ec: echo.name, notify: echo.name, "cmk-agent": echo.name };
await lab.connect(hub, "acme/main", { services, ...PROBED_ONCE });

const serviceNames = (...change: string[]) =>
  hub.json<string[]>("site", "services", "acme/main", "--json", ...change);

/** What comes back of one word by a service's TCP address. */
async function answer(service: string): Promise<string> {
  const client = Client.to(placesOf(await hub.endpoint("acme/main", service)).tcp);
  await client.send(service);
  return (await client.end().all()).toString();
}

describe("the services of a site that is there already", () => {
  test("are shown", async () => {
    expect(await serviceNames()).toEqual(["broker", "cmk-agent", "ec", "http", "livestatus", "notify"]);
  });

  test("one that is taken away ends with its clients; another's client goes on", async () => {
    const { tcp: ec } = placesOf(await hub.endpoint("acme/main", "ec"));
    const stays = await Client.to(placesOf(await hub.endpoint("acme/main", "notify")).tcp).send("one ");
    const goes = await Client.to(ec).send("x");
    await until("both have their echo", () => stays.received === 4 && goes.received === 1);
    expect(await serviceNames("--remove", "ec,http")).toEqual([
      "broker",
      "cmk-agent",
      "livestatus",
      "notify",
    ]);
    await goes.over();
    expect((await Client.to(ec).over()).broken).toBe("ECONNREFUSED");
    await stays.send("two");
    expect((await stays.end().all()).toString()).toBe("one two");
  });

  test("one that is given works at once, over the same session", async () => {
    const since = (await hub.site("acme/main")).since;
    expect(await serviceNames("--add", "ec")).toEqual(["broker", "cmk-agent", "ec", "livestatus", "notify"]);
    expect(await answer("ec")).toBe("ec");
    expect((await hub.site("acme/main")).since).toBe(since);
  });

  test("--set names them all", async () => {
    expect(await serviceNames("--set", "notify,cmk-agent")).toEqual(["cmk-agent", "notify"]);
    expect(await answer("cmk-agent")).toBe("cmk-agent");
  });

  test.each([
    ["one without a port", ["--add", "ssh"], "no port is configured for ssh"],
    ["none", ["--remove", "notify,cmk-agent"], "a site needs a service"],
    ["--set beside --add", ["--set", "ec", "--add", "notify"], "--set names all services"],
  ])("%s is refused, and nothing changes", async (_, change, message) => {
    const refused = await hub.call(["site", "services", "acme/main", ...change]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(message);
    expect(await serviceNames()).toEqual(["cmk-agent", "notify"]);
  });
});
