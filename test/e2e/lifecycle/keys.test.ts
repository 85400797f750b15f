import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { KeysView } from "../../../hub/hub.ts";
import { FarsiteLab, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const hub = await lab.startHub();
const echo = await Target.start(manners.echo, lab.cleanup);
const agent = await lab.connect(hub, "acme/main", { services: { ec: echo.name }, ...PROBED_ONCE });

const keyAtHub = async () => (await hub.site("acme/main")).key?.id;
const keyOfAgent = async () => (await agent.status()).key;
const view = (name: string) => hub.json<KeysView>("key", name, "--json");

/** A stream that is open from before to after; gives what says whether it goes on. */
async function openStream(): Promise<() => Promise<void>> {
  const { tcp } = placesOf(await hub.endpoint("acme/main", "ec"));
  const stream = await Client.to(tcp).send("a");
  await until("the stream is open", () => stream.received === 1);
  return async () => {
    await stream.send("x");
    await until("the stream goes on", () => stream.received === 2);
  };
}

test("the hub's operator has an agent make a new key, and streams go on", async () => {
  const goesOn = await openStream();
  const before = await keyAtHub();
  expect(await keyOfAgent()).toBe(before);
  await hub.ok("site", "rekey", "acme/main");
  await until("both have another key", async () => {
    const [one, other] = [await keyAtHub(), await keyOfAgent()];
    return one !== before && one === other;
  });
  await goesOn();
});

test("an agent's administrator does, too; the key is on disk, readable by its owner alone", async () => {
  const goesOn = await openStream();
  const before = await keyOfAgent();
  const said = await agent.ok("key", "renew");
  expect(said).toBe(`main: ${await keyAtHub()} in the place of ${before}\n`);
  expect(await keyOfAgent()).toBe(await keyAtHub());
  expect(statSync(join(agent.stateDir, "agent.key")).mode & 0o777).toBe(0o600);
  await goesOn();
  const refused = await agent.call(["key", "renew", "--site", "other"]);
  expect(refused.stderr).toContain("this agent has no site named other");
});

test("the hub's key is renewed; once all agents know the new one the former is ended", async () => {
  const goesOn = await openStream();
  const { key: first } = await view("show");
  const rotated = await view("rotate");
  expect(rotated.key).not.toBe(first);
  expect(rotated.former.map(({ key }) => key)).toEqual([first]);
  expect(rotated.behind).toEqual(["acme/main"]);
  await goesOn();
  await agent.stop();
  await agent.start();
  await until("the agent came with the new key", async () => (await view("show")).behind.length === 0);
  const retired = await view("retire");
  expect(retired.former).toEqual([]);
  await agent.stop();
  await agent.start();
  await until("it is connected", async () => (await hub.site("acme/main")).state === "connected");
  const actions = (await hub.json<{ action: string }[]>("audit", "--json")).map(({ action }) => action);
  expect(actions.filter((action) => action.includes("key"))).toEqual([
    "site.rekey",
    ...["agent.key.offer", "agent.key.renew"],
    ...["agent.key.offer", "agent.key.renew"],
    "hub.key.rotate",
    "hub.key.retire",
  ]);
});
