/** Hubs and agents of two releases with each other, and one release on what another one left. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VERSION } from "../../../common/version.ts";
import { writeNotification } from "../../chaos/spool/notification.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { OLDER_VERSION, olderBuild } from "../../lab/older.ts";
import { Client, placesOf } from "../client.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const older = olderBuild(lab.folder);
if (!older) console.warn("LEFT OUT: upgrades, the older build is not in this clone's history");

const PATH = "acme/main";
const echo = await Target.start(manners.echo, lab.cleanup);
const core = await Target.start(manners.core("the core"), lab.cleanup);

const CASES = [
  { name: "an older hub and a newer agent", hubOf: older, agentOf: undefined },
  { name: "a newer hub and an older agent", hubOf: undefined, agentOf: older },
];
const versionOf = (source: string | undefined) => (source === undefined ? VERSION : OLDER_VERSION);

describe.skipIf(!older).each(CASES)("$name", ({ name, hubOf, agentOf }) => {
  const folder = (of: string): string => {
    const path = join(lab.folder, name, of);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const [spool, central] = [folder("spool"), folder("central")];
  let hub: TestHub;
  let agent: TestAgent;
  let line: { host: string; port: number };
  let written = 0;

  beforeAll(async () => {
    line = { host: "127.0.0.1", port: await freePort() };
    hub = await lab.makeHub({
      notifications: {
        host_prefix: { acme: "host-" },
        sinks: { central: { kind: "spool", folder: central } },
      },
      central: { echo: { target: echo.name, sites: [PATH] } },
    });
    hub.source = hubOf;
    // written by the release that reads it
    hub.configure();
    await hub.start();
    agent = lab.makeAgent();
    agent.source = agentOf;
    agent.write({
      services: { livestatus: core.name, notify: echo.name },
      listen: { echo: `tcp:127.0.0.1:${line.port}` },
      notifications: { spool },
    });
    const { token } = await hub.addSite(PATH);
    await agent.ok("enroll", token);
    await agent.start();
  });

  const echoed = async (place: Parameters<typeof Client.to>[0]): Promise<string> => {
    const client = await Client.to(place).send("word");
    return (await client.end().all()).toString();
  };
  const landed = () => readdirSync(central).filter((file) => !file.startsWith("."));

  /** All that there is between the two. */
  async function everything(): Promise<void> {
    await hub.reaches(PATH, "connected");
    await until("the core to be seen", async () => (await hub.site(PATH)).livestatus.state === "online");
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "livestatus")).unix).send(
      "GET status\n\n",
    );
    expect((await client.all()).toString()).toBe("the core");
    expect(await echoed(placesOf(await hub.endpoint(PATH, "notify")).tcp)).toBe("word");
    expect(await echoed(line)).toBe("word");
    writeNotification(spool, ++written);
    await until("the notification to land", () => landed().length === written);
    await until("the site to be done", () => readdirSync(spool).length === 0);
    const numbers = landed().map(
      (file) => /"NUMBER": "(\d+)"/.exec(readFileSync(join(central, file), "utf8"))?.[1],
    );
    expect(new Set(numbers).size).toBe(written);
  }

  async function become(its: TestHub | TestAgent, source: string | undefined): Promise<void> {
    await its.stop();
    its.source = source;
    await its.start();
  }

  test("queries, lines and notifications go, and each says what it is", async () => {
    await everything();
    expect((await hub.status()).hub.version).toBe(versionOf(hubOf));
    expect((await hub.site(PATH)).agent?.version).toBe(versionOf(agentOf));
    expect((await agent.status()).hubVersion).toBe(versionOf(hubOf));
  });

  test("a newer one that stops is no trouble to an older one", async () => {
    const newer = hubOf === undefined ? hub : agent;
    await newer.stop();
    await newer.start();
    await everything();
  });

  test("the older one is upgraded: it takes up what there is", async () => {
    const { address } = await hub.site(PATH);
    await become(hubOf === undefined ? agent : hub, undefined);
    await everything();
    expect((await hub.site(PATH)).address).toBe(address);
    expect((await hub.site(PATH)).agent?.version).toBe(VERSION);
    expect((await hub.status()).hub.version).toBe(VERSION);
  });

  test("back again: it goes on, or a registry that is newer is not touched", async () => {
    const back = hubOf === undefined ? agent : hub;
    const refusal = await become(back, older).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (refusal !== undefined) {
      expect(back).toBe(hub);
      expect(refusal).toContain("E_STATE");
      expect(refusal).toMatch(/the registry is of version \d+, this release knows \d+/);
      back.source = undefined;
      await back.start();
    }
    await everything();
  });
});
