import { describe, expect, test } from "vitest";
import { agentCheck, downChecks, siteChecks } from "../../../agent/checkmk/index.ts";
import type { OutboxView, SiteStatus } from "../../../agent/status.ts";
import { localLine, SITE_LEVELS } from "../../../common/checkmk/index.ts";
import { parseLocalScript } from "../../lab/local-check.ts";

const NOW = Date.parse("2026-01-01T01:00:00.000Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const status: SiteStatus = {
  name: "main",
  state: "connected",
  since: ago(600),
  url: "wss://hub.example",
  route: { kind: "direct" },
  tenant: "acme",
  site: "main",
  carrier: "websocket",
  blocked: undefined,
  rtt: 12.5,
  streams: 2,
  key: "fingerprint",
  hubVersion: "0.1.0",
  update: undefined,
  clockSkew: 0,
  error: undefined,
  services: ["livestatus"],
  pushOnly: false,
  listeners: [],
  core: undefined,
  outbox: [],
  dumps: undefined,
  inventory: undefined,
  notifications: undefined,
};
const lane = (changes: Partial<OutboxView> = {}): OutboxView => ({
  lane: "notify",
  items: 0,
  bytes: 0,
  oldest: undefined,
  queuedPerMinute: 0,
  landedPerMinute: 0,
  landed: 0,
  refused: 0,
  givenUp: 0,
  superseded: 0,
  damaged: 0,
  problem: undefined,
  waits: undefined,
  note: undefined,
  ...changes,
});

const seen = (changes: Partial<SiteStatus>) =>
  parseLocalScript(
    siteChecks({ ...status, ...changes }, SITE_LEVELS, NOW)
      .map((check) => `${localLine(check)}\n`)
      .join(""),
  );
const tunnel = (changes: Partial<SiteStatus> = {}) => seen(changes)["Farsite tunnel main"];
const outbox = (changes: Partial<SiteStatus>) => seen(changes)["Farsite outbox main"];

describe("a tunnel", () => {
  test("that is connected is OK, with round trip, streams and age", () => {
    expect(tunnel()).toEqual({
      state: 0,
      metrics: {
        connected: { value: 1 },
        rtt: { value: 0.0125, warn: 0.5, crit: 2 },
        streams: { value: 2 },
        age: { value: 600 },
      },
      summary: "connected to wss://hub.example for 10 min, round trip 12.5 ms",
      details: ["carrier: websocket"],
    });
  });

  test.each([
    [500, 1],
    [1_999, 1],
    [2_000, 2],
  ])("with a round trip of %i ms is %i", (rtt, state) => {
    expect(tunnel({ rtt })?.state).toBe(state);
  });

  test.each([
    [0, 1],
    [59, 1],
    [60, 2],
  ])("that is away for %i s is %i, with why and what to do", (seconds, state) => {
    const error = {
      code: "E_KEY_REVOKED",
      message: "the key was revoked",
      hint: "Ask for a token.",
    } as const;
    expect(tunnel({ state: "waiting", since: ago(seconds), rtt: undefined, error })).toEqual({
      state,
      metrics: { connected: { value: 0 } },
      summary: `not connected to wss://hub.example for ${seconds} s: the key was revoked [E_KEY_REVOKED]`,
      details: ["Ask for a token."],
    });
  });

  test("whose core is dead is WARN: nobody gets an answer through it", () => {
    const core = { state: "dead", cause: "stopped", reason: "refused\n2 x", since: ago(5) } as const;
    expect(tunnel({ core })).toMatchObject({
      state: 1,
      summary: expect.stringContaining("the core does not answer: refused?2 x (stopped)"),
    });
  });
});

describe("an outbox", () => {
  test("that is not in use is OK, and there", () => {
    expect(outbox({})).toMatchObject({ state: 0, metrics: {} });
  });

  test("has depth, bytes and age over all lanes", () => {
    const lanes = [
      lane({ items: 3, bytes: 100, oldest: ago(20) }),
      lane({ lane: "status", items: 1, bytes: 50, oldest: ago(30) }),
    ];
    expect(outbox({ outbox: lanes })).toEqual({
      state: 0,
      metrics: {
        depth: { value: 4, warn: 1_000, crit: 10_000 },
        bytes: { value: 150 },
        age: { value: 30, warn: 300, crit: 3_600 },
      },
      summary: "4 items wait, the oldest for 30 s",
      details: ["notify: 3", "status: 1"],
    });
  });

  test.each([
    [{ items: 1, oldest: ago(300) }, 1],
    [{ items: 1, oldest: ago(3_600) }, 2],
    [{ items: 1_000, oldest: ago(1) }, 1],
    [{ items: 10_000, oldest: ago(1) }, 2],
    [{ givenUp: 1 }, 1],
    [{ problem: "the disk is full" }, 1],
    [{}, 0],
  ])("%j is %i", (changes, state) => {
    expect(outbox({ outbox: [lane(changes)] })?.state).toBe(state);
  });
});

describe("the agent", () => {
  const one = (changes: Partial<Parameters<typeof agentCheck>[0]>) =>
    parseLocalScript(
      `${localLine(agentCheck({ version: "0.1.0", sites: [status], damaged: [], ...changes }))}\n`,
    )["Farsite agent"];

  test("says its release, its sites, and that there is an update", () => {
    expect(one({})).toMatchObject({ state: 0, summary: "0.1.0, serves acme/main" });
    expect(one({ sites: [{ ...status, update: "0.2.0" }] })).toMatchObject({
      state: 0,
      summary: "0.1.0, serves acme/main; update available: the hub has 0.2.0",
    });
  });

  test("is WARN with an enrolment that cannot be read", () => {
    const damaged = [{ code: "E_STATE", message: "hub.json is damaged" } as const];
    expect(one({ damaged })).toMatchObject({ state: 1, summary: expect.stringContaining("[E_STATE]") });
  });

  test("that does not run is CRIT, its tunnels too, and an outbox with items", () => {
    const sites = [
      { name: "main", items: 2 },
      { name: "second", items: 0 },
    ];
    const lines = downChecks(sites, "no agent answers", "systemctl start farsite-agent").map(localLine);
    const services = parseLocalScript(lines.map((line) => `${line}\n`).join(""));
    expect(Object.entries(services).map(([name, { state }]) => `${name}: ${state}`)).toEqual([
      "Farsite agent: 2",
      "Farsite tunnel main: 2",
      "Farsite outbox main: 2",
      "Farsite tunnel second: 2",
      "Farsite outbox second: 0",
    ]);
    expect(services["Farsite tunnel main"]?.summary).toBe("no agent answers; systemctl start farsite-agent");
    expect(services["Farsite outbox main"]?.metrics).toEqual({ depth: { value: 2 } });
  });
});
