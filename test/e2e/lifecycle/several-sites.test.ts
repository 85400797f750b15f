import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { AgentStatus } from "../../../agent/status.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const hub = await lab.startHub();
const elsewhere = await lab.startHub();
/** Stands for the site of that name: says who it is to whoever asks. */
const targetOf = (name: string) => Target.start(manners.core(`core of ${name}`), lab.cleanup);
const services = (target: Target) => ({ services: { livestatus: target.name } });

async function answer(at: TestHub, path: string): Promise<string> {
  const client = await Client.to(placesOf(await at.endpoint(path, "livestatus")).unix).send("GET status\n\n");
  return String(await client.all());
}

/** Enrols `agent` for a new site. */
async function enrolFor(agent: TestAgent, at: TestHub, path: string, ...words: string[]): Promise<string> {
  const { token } = await at.addSite(path);
  return agent.ok("enroll", token, ...words);
}

test("one agent serves two sites of its host: one is revoked, the other goes on", async () => {
  const [main, second] = [await targetOf("main"), await targetOf("second")];
  const agent = lab.makeAgent({ sites: { main: services(main), second: services(second) } });
  expect(await enrolFor(agent, hub, "acme/main")).toContain("Enrolled as acme/main.\n\nStart it");
  expect(await enrolFor(agent, hub, "acme/second")).toContain("This agent serves acme/main as well.");
  const process = await agent.start();
  for (const name of ["main", "second"]) await hub.reaches(`acme/${name}`, "connected");
  for (const name of ["main", "second"]) expect(await answer(hub, `acme/${name}`)).toBe(`core of ${name}`);
  const before = await agent.status("second");

  await hub.ok("site", "revoke", "acme/main");
  await agent.complains("E_KEY_REVOKED", "main");
  expect(await answer(hub, "acme/second")).toBe("core of second");
  expect((await agent.status("second")).since).toBe(before.since);
  const said = await agent.ok("status");
  expect(said).toMatch(/of acme\/main \(main\)\n.*\n(?:.*\n)*.*key was revoked.*\[E_KEY_REVOKED\]/);
  expect(said).toMatch(/of acme\/second \(second\)\nconnected for /);

  // also after a restart, and until the first is enrolled anew
  await agent.stop();
  await agent.start();
  await hub.reaches("acme/second", "connected");
  await agent.complains("E_KEY_REVOKED", "main");
  const { token } = await hub.json<{ token: string }>("site", "token", "acme/main");
  await agent.ok("enroll", token, "--force");
  await agent.stop();
  await agent.start();
  await hub.reaches("acme/main", "connected");
  for (const name of ["main", "second"]) expect(await answer(hub, `acme/${name}`)).toBe(`core of ${name}`);

  expect(await agent.json("services")).toEqual([
    { site: "main", service: "livestatus", target: main.name, reachable: true },
    { site: "second", service: "livestatus", target: second.name, reachable: true },
  ]);
  expect(await agent.ok("services")).toMatch(/^SITE +SERVICE +TARGET +NOW\nmain +livestatus /);
  const lines = process.output.split("\n");
  expect(lines.filter((line) => line.includes("name=main") && line.includes("E_KEY_REVOKED"))).not.toEqual(
    [],
  );
  expectNoTrace(process.output);
  await agent.stop();
});

test("a further site does not disturb the first, which agent.toml speaks of at its top level", async () => {
  const [first, further] = [await targetOf("first"), await targetOf("further")];
  const agent = lab.makeAgent(services(first));
  await enrolFor(agent, hub, "globex/main");
  await agent.start();
  await hub.reaches("globex/main", "connected");
  const key = readFileSync(join(agent.stateDir, "agent.key"), "utf8");

  const said = await enrolFor(agent, hub, "initech/main");
  expect(said).toContain("This agent serves globex/main as well. It calls this site initech-main.");
  expect(said).toContain("[services] becomes [sites.main.services]");
  expect(said).toContain("below [sites.initech-main.services]");
  expect(readFileSync(join(agent.stateDir, "agent.key"), "utf8")).toBe(key);
  const folder = join(agent.stateDir, "sites", "initech-main");
  expect(readdirSync(folder).toSorted()).toEqual(["agent.key", "hub.json", "token.id"]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);

  await agent.stop();
  await agent.start();
  await hub.reaches("initech/main", "connected");
  expect(await answer(hub, "globex/main")).toBe("core of first");
  expect(await agent.status("main")).toMatchObject({ tenant: "globex", services: ["livestatus"] });
  expect(await agent.status("initech-main")).toMatchObject({ tenant: "initech", services: [] });

  await agent.stop();
  agent.write({ sites: { main: services(first), "initech-main": services(further) } });
  await agent.start();
  await hub.reaches("initech/main", "connected");
  await hub.reaches("globex/main", "connected");
  expect(await answer(hub, "globex/main")).toBe("core of first");
  expect(await answer(hub, "initech/main")).toBe("core of further");
  await agent.stop();
});

test("the same tenant and site at two hubs are two sites", async () => {
  const [here, there] = [await targetOf("here"), await targetOf("there")];
  const agent = lab.makeAgent({ sites: { main: services(here), "hooli-main": services(there) } });
  await enrolFor(agent, hub, "hooli/main");
  await enrolFor(agent, elsewhere, "hooli/main");
  await agent.start();
  await hub.reaches("hooli/main", "connected");
  await elsewhere.reaches("hooli/main", "connected");
  expect([await answer(hub, "hooli/main"), await answer(elsewhere, "hooli/main")].toSorted()).toEqual([
    "core of here",
    "core of there",
  ]);
  await elsewhere.stop();
  await until("the agent to have lost one hub", async () => {
    const { sites } = await agent.told();
    return sites.filter(({ state }) => state === "connected").length === 1;
  });
  expect(await answer(hub, "hooli/main")).toMatch(/^core of (?:here|there)$/);
  await agent.stop();
});

test("an enrolment that cannot be read does not stop the others, and is shown", async () => {
  const target = await targetOf("whole");
  const agent = lab.makeAgent({ sites: { whole: services(target), gone: services(target) } });
  await enrolFor(agent, hub, "umbrella/broken");
  await enrolFor(agent, hub, "umbrella/whole");
  const file = join(agent.stateDir, "sites", "broken", "hub.json");
  writeFileSync(file, "{");
  const process = await agent.start();
  await hub.reaches("umbrella/whole", "connected");
  expect(await answer(hub, "umbrella/whole")).toBe("core of whole");
  expect((await agent.json<AgentStatus>("status")).damaged).toEqual([
    { code: "E_STATE", message: `${file} is damaged`, hint: expect.any(String) },
  ]);
  expect(await agent.ok("status")).toContain(`cannot be read: ${file} is damaged [E_STATE]`);
  expect(process.output).toContain("is damaged code=E_STATE");
  expect(process.output).toContain("for which this agent is not enrolled name=gone");
  await agent.stop();
});

test("names of enrolments are checked before anything is sent", async () => {
  const agent = lab.makeAgent();
  const { token } = await hub.addSite("acme/named");
  expectRefusal(await agent.call(["enroll", token, "--name", "../x"]), "E_USAGE", "--name ../x", "a name:");
  expect(await agent.ok("enroll", token, "--name", "mine", "--json")).toContain('"name": "mine"');
});
