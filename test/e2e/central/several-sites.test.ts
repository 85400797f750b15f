/** One agent that listens for the central side on behalf of two sites: each is a site of its own to the central side. */

import { afterAll, expect, test } from "vitest";
import { freeUdpPort, Receiver, sender } from "../../integration/central/rig.ts";
import { FarsiteLab, freePort, until } from "../../lab/farsite.ts";
import { Client } from "../client.ts";
import { expectRefusal } from "../refusal.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const SITES = ["main", "second"] as const;
type Site = (typeof SITES)[number];

const echo = await Target.start(manners.echo, lab.cleanup);
const syslogPort = await freeUdpPort();
const hub = await lab.startHub({
  central: {
    notify: { target: echo.name, sites: ["acme"] },
    receiver: { target: echo.name, sites: ["acme/main"] },
    syslog: { target: `udp:127.0.0.1:${syslogPort}`, sites: ["acme"] },
  },
});

/** Where the agent listens for a site. */
const places = Object.fromEntries(
  await Promise.all(
    SITES.map(async (site) => {
      const place = { notify: await freePort(), receiver: await freePort(), syslog: await freeUdpPort() };
      return [site, place] as const;
    }),
  ),
) as Record<Site, { notify: number; receiver: number; syslog: number }>;

const listen = ({ notify, receiver, syslog }: (typeof places)[Site]) => ({
  notify: `tcp:127.0.0.1:${notify}`,
  receiver: `tcp:127.0.0.1:${receiver}`,
  syslog: `udp:127.0.0.1:${syslog}`,
});
const agent = lab.makeAgent({
  sites: { main: { listen: listen(places.main) }, second: { listen: listen(places.second) } },
});
for (const site of SITES) await agent.ok("enroll", (await hub.addSite(`acme/${site}`)).token);
await agent.start();
for (const site of SITES) await hub.reaches(`acme/${site}`, "connected");

const to = (site: Site, line: "notify" | "receiver") =>
  Client.to({ host: "127.0.0.1", port: places[site][line] });
const addressOf = async (site: Site) => (await hub.site(`acme/${site}`)).address;

async function echoed(site: Site, line: "notify" | "receiver", text: string): Promise<string> {
  const client = await to(site, line).send(text);
  return String(await client.end().all());
}

test("connections of each come from its own address", async () => {
  for (const site of SITES) {
    const before = echo.peers.length;
    expect(await echoed(site, "notify", `beat of ${site}`)).toBe(`beat of ${site}`);
    expect(echo.peers.slice(before)).toEqual([await addressOf(site)]);
  }
});

test("datagrams of each come from its own address", async () => {
  const receiving = await Receiver.start("127.0.0.1", syslogPort);
  for (const site of SITES) await (await sender(places[site].syslog))(`log of ${site}`);
  await until("both to arrive", () => receiving.datagrams.length === 2);
  expect(receiving.texts.toSorted()).toEqual(["log of main", "log of second"]);
  const addresses = await Promise.all(SITES.map(addressOf));
  expect([...receiving.peers].toSorted()).toEqual(addresses.toSorted());
});

test("what only one of them may use is refused to the other, although the agent is the same", async () => {
  expect(await echoed("main", "receiver", "bundle")).toBe("bundle");
  expect(await to("second", "receiver").over()).toMatchObject({ broken: "ECONNRESET", received: 0 });
  expect(agent.process.output).toMatch(
    /line failed name=second line=receiver reason="the hub does not allow this line for this site"/,
  );
  expect(hub.process.output).toMatch(/line refused site=acme\/second line=receiver/);
  expect(hub.process.output).not.toMatch(/line refused site=acme\/main/);
});

test("each has its own listeners in what the command lines show", async () => {
  for (const site of SITES) {
    const { listeners } = await agent.status(site);
    expect(listeners.map(({ line, address }) => [line, address])).toEqual(
      Object.entries(listen(places[site])),
    );
    expect(listeners.map(({ state }) => state)).toEqual(["listening", "listening", "listening"]);
  }
  expect(await hub.ok("site", "show", "acme/second")).toMatch(
    /^central +receiver: the agent listens for it, hub.toml does not allow it$/m,
  );
});

test("one is revoked: its clients are reset, those of the other go on", async () => {
  const [goes, stays] = [await to("main", "notify").send("x"), await to("second", "notify").send("one ")];
  await until("both to have an answer", () => goes.received === 1 && stays.received === 4);
  await hub.ok("site", "revoke", "acme/main");
  expect(await goes.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  expect(await to("main", "notify").over()).toMatchObject({ broken: "ECONNRESET", received: 0 });
  await stays.send("two");
  expect(String(await stays.end().all())).toBe("one two");
});

test("two sites cannot listen at one address", async () => {
  const wrong = lab.makeAgent({
    sites: { main: { listen: listen(places.main) }, second: { listen: listen(places.main) } },
  });
  const { token } = await hub.addSite("acme/third");
  expectRefusal(await wrong.enroll(token), "E_CONFIG");
});
