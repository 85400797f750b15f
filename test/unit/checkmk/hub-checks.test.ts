import { describe, expect, test } from "vitest";
import { localLine, SITE_LEVELS } from "../../../common/checkmk/index.ts";
import { hubDownCheck, pluginLines } from "../../../hub/checkmk/index.ts";
import type { HubStatus, SiteView } from "../../../hub/hub.ts";
import { parseLocal, parseLocalScript } from "../../lab/local-check.ts";

const NOW = Date.parse("2026-01-01T01:00:00.000Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const view: SiteView = {
  tenant: "acme",
  site: "main",
  address: "127.64.0.1",
  services: ["livestatus"],
  enrolled: true,
  state: "connected",
  since: ago(600),
  lastSeen: undefined,
  peer: "198.51.100.2",
  carrier: "websocket",
  rtt: 12.5,
  streams: 2,
  agent: { version: "0.1.0", host: "monitor", clockSkew: 0 },
  offers: ["livestatus"],
  central: [],
  livestatus: { state: "online", since: ago(600) },
  inbox: [],
};
const status = (...sites: SiteView[]): HubStatus => ({
  hub: {
    version: "0.1.0",
    url: "wss://hub.example",
    since: ago(9),
    key: "k",
    sites: 1,
    connected: 1,
    online: 1,
  },
  sites,
});
const lines = (site: Partial<SiteView>, host?: string) =>
  parseLocal(
    pluginLines(status({ ...view, ...site }), SITE_LEVELS, NOW, host)
      .map((line) => `${line}\n`)
      .join(""),
  );
const tunnel = (site: Partial<SiteView>) => lines(site)[""]?.["Farsite tunnel acme/main"];
const away = {
  rtt: undefined,
  peer: undefined,
  carrier: undefined,
  agent: undefined,
} as unknown as Partial<SiteView>;

describe("the hub", () => {
  test("counts its sites, and names agents that are older", () => {
    expect(lines({ update: true })[""]?.["Farsite hub"]).toEqual({
      state: 0,
      metrics: { sites: { value: 1 }, connected: { value: 1 }, online: { value: 1 } },
      summary: "0.1.0 at wss://hub.example, 1 of 1 sites connected, 1 online",
      details: ["update available for the agents of acme/main"],
    });
  });

  test("that does not answer is CRIT, with what to do", () => {
    const service = parseLocalScript(`${localLine(hubDownCheck("no hub answers"))}\n`)["Farsite hub"];
    expect(service).toMatchObject({
      state: 2,
      summary: expect.stringContaining("systemctl start farsite-hub"),
    });
  });
});

describe("a tunnel", () => {
  test("that is connected is OK", () => {
    expect(tunnel({})).toEqual({
      state: 0,
      metrics: {
        connected: { value: 1 },
        rtt: { value: 0.0125, warn: 0.5, crit: 2 },
        streams: { value: 2 },
        age: { value: 600 },
      },
      summary: "connected from 198.51.100.2 for 10 min, round trip 12.5 ms, agent 0.1.0",
      details: ["carrier: websocket"],
    });
  });

  test.each([
    ["disabled", 9_999, 0],
    ["never", 9_999, 1],
    ["interrupted", 1, 1],
    ["disconnected", 59, 1],
    ["disconnected", 60, 2],
  ] as const)("that is %s for %i s is %i", (state, seconds, expected) => {
    const found = tunnel({ ...away, state, since: ago(seconds), reason: "the line is cut" });
    expect(found).toMatchObject({ state: expected, metrics: { connected: { value: 0 } } });
  });

  test("behind which no core answers is WARN", () => {
    const livestatus = { state: "dead", reason: "stopped | (!!)", since: ago(1) } as const;
    expect(tunnel({ livestatus })).toMatchObject({
      state: 1,
      summary: expect.stringContaining("Livestatus is dead: stopped / ( !!)"),
    });
  });

  test("of an agent that says anything of itself stays a line", () => {
    const agent = { version: '1\n2 "Farsite hub" - x', host: "", clockSkew: 0 };
    expect(Object.keys(lines({ agent })[""] ?? {})).toEqual(["Farsite hub", "Farsite tunnel acme/main"]);
  });
});

test("what a site's outbox sent, and the sinks do not have, is a service of its own", () => {
  const lane: SiteView["inbox"][number] = {
    lane: "notify",
    waiting: 1_000,
    bytes: 5,
    oldest: ago(30),
    received: 2_000,
    receivedPerMinute: 0,
    refused: 0,
    damaged: 0,
    problem: undefined,
    sinks: [],
  };
  expect(lines({ inbox: [lane] })[""]?.["Farsite outbox acme/main"]).toMatchObject({
    state: 1,
    metrics: {
      depth: { value: 1_000, warn: 1_000, crit: 10_000 },
      bytes: { value: 5 },
      age: { value: 30, warn: 300, crit: 3_600 },
    },
    details: ["notify: 2000 received, 1000 waiting"],
  });
});

test("piggyback gives each site's services to its own host", () => {
  const hosts = lines({}, "{tenant}-{site}");
  expect(Object.keys(hosts[""] ?? {})).toEqual(["Farsite hub"]);
  expect(Object.keys(hosts["acme-main"] ?? {})).toEqual(["Farsite tunnel acme/main"]);
  for (const wrong of ["{x}", "a b", "a>>>>", ""]) {
    expect(() => pluginLines(status(view), SITE_LEVELS, NOW, wrong)).toThrow(
      expect.objectContaining({ code: "E_USAGE" }),
    );
  }
});
