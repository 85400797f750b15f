import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { agentConfig } from "../../../agent/config.ts";
import { configFinding, itemsOnDisk, stateFinding } from "../../../agent/doctor/files.ts";
import { runningFindings } from "../../../agent/doctor/running.ts";
import { type Ask, serviceFindings } from "../../../agent/doctor/services.ts";
import type { SiteStatus } from "../../../agent/status.ts";

describe("services", () => {
  const ask: Ask = {
    connect: async () => undefined,
    core: async () => ({ core: { started: 1, program: "Check_MK 2.4", livestatus: "2.4" } }),
    rights: () => ({ state: "open" }),
    account: { name: "farsite-agent", exists: true },
  };
  const config = (settings: object) => agentConfig.parse(settings);
  const live = config({ services: { livestatus: "unix:/omd/sites/main/tmp/run/live" } });

  test("that answer are said to, and by what", async () => {
    const findings = await serviceFindings(
      config({ services: { livestatus: "tcp:127.0.0.1:6557", http: "tcp:127.0.0.1:5000" } }),
      ask,
    );
    expect(findings.map(({ state, says }) => `${state} ${says}`)).toEqual([
      "ok livestatus at tcp:127.0.0.1:6557 answers: Check_MK 2.4",
      "ok http at tcp:127.0.0.1:5000 takes connections",
    ]);
  });

  test("whose socket is closed to the agent's user get the command that opens it, whoever asks", async () => {
    const findings = await serviceFindings(live, {
      ...ask,
      rights: () => ({ state: "closed", groups: ["main"] }),
    });
    expect(findings).toMatchObject([
      {
        state: "problem",
        says: expect.stringContaining("farsite-agent may not open it"),
        do: expect.stringContaining("usermod -aG main farsite-agent"),
      },
    ]);
  });

  test("that do not take connections, or whose core says nothing, are problems", async () => {
    const refused = await serviceFindings(live, { ...ask, connect: async () => "ECONNREFUSED" });
    const hung = await serviceFindings(live, {
      ...ask,
      core: async () => ({ cause: "hung", reason: "did not answer within 2 s" }),
    });
    expect([...refused, ...hung].map(({ state, says, code }) => [state, says.split(": ")[1], code])).toEqual([
      ["problem", "ECONNREFUSED", "E_TARGET_UNREACHABLE"],
      ["problem", "did not answer within 2 s", "E_TARGET_UNREACHABLE"],
    ]);
  });

  test("that are not there are worth a word, except where nothing is let in", async () => {
    expect(await serviceFindings(config({}), ask)).toMatchObject([{ state: "warning" }]);
    expect(await serviceFindings(config({ push_only: true }), ask)).toMatchObject([{ state: "ok" }]);
  });
});

describe("files", () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), "farsite-doctor-"));
    onTestFinished(() => rmSync(path, { recursive: true }));
    return path;
  }
  const user = (uid: number | undefined = process.getuid?.()) => ({
    name: "farsite-agent",
    exists: true,
    uid,
    groups: new Set<number>(),
  });
  const stranger = 64_000;

  test("a state directory of the agent's own is well", () => {
    expect(stateFinding(folder(), user())).toMatchObject({ state: "ok" });
  });

  test("one that is missing, another's, or open to others is not", () => {
    const path = folder();
    expect(stateFinding(join(path, "none"), user())).toMatchObject({ state: "problem", code: "E_STATE" });
    expect(stateFinding(path, user(stranger))).toMatchObject({
      state: "problem",
      do: expect.stringContaining("chown"),
    });
    chmodSync(path, 0o755);
    expect(stateFinding(path, user())).toMatchObject({ state: "warning", do: `chmod 700 ${path}` });
  });

  test("agent.toml must be there, and readable by the agent's user", () => {
    const path = join(folder(), "agent.toml");
    expect(configFinding(path, user())).toMatchObject({ state: "warning" });
    writeFileSync(path, "");
    chmodSync(path, 0o640);
    expect(configFinding(path, user())).toMatchObject({ state: "ok" });
    expect(configFinding(path, user(stranger))).toMatchObject({ state: "problem", code: "E_CONFIG" });
    const group = { ...user(stranger), groups: new Set([statSync(path).gid]) };
    expect(configFinding(path, group)).toMatchObject({ state: "ok" });
  });

  test("what waits in an outbox is counted where no agent runs", () => {
    const path = folder();
    expect(itemsOnDisk(path)).toBe(0);
    const lane = join(path, "outbox/abc/notify/epoch");
    mkdirSync(lane, { recursive: true });
    for (const name of ["000000000001", "000000000002", ".new-0"]) writeFileSync(join(lane, name), "");
    expect(itemsOnDisk(path)).toBe(2);
  });
});

describe("a running agent", () => {
  const status: SiteStatus = {
    name: "main",
    state: "connected",
    since: "2026-01-01T00:00:00.000Z",
    url: "wss://hub.example",
    route: { kind: "direct" },
    tenant: "acme",
    site: "main",
    carrier: "websocket",
    blocked: undefined,
    rtt: 3,
    streams: 2,
    key: "0123456789abcdef",
    hubVersion: "0.1.0",
    update: undefined,
    clockSkew: 0,
    error: undefined,
    services: ["livestatus"],
    pushOnly: false,
    listeners: [{ line: "receiver", address: "tcp:127.0.0.1:8000", state: "listening" }],
    core: undefined,
    outbox: [],
    dumps: undefined,
    inventory: undefined,
    notifications: undefined,
  };
  const direct = () => ({ kind: "direct" as const });

  test("that is connected and listens is well", () => {
    expect(runningFindings(status, direct).map(({ step, state }) => `${step} ${state}`)).toEqual([
      "agent ok",
      "listener ok",
    ]);
  });

  test("that is not connected says why, and whose job that is", () => {
    const error = { code: "E_PROXY_DENIED", message: "no", hint: "ask", hop: "proxy" } as const;
    expect(runningFindings({ ...status, state: "waiting", error }, direct)[0]).toMatchObject({
      state: "problem",
      code: "E_PROXY_DENIED",
      owner: "proxy",
    });
  });

  test("that goes another way than this command is told of", () => {
    const route = () => ({ kind: "proxy" as const, proxy: "http://proxy:3128", from: "HTTPS_PROXY" });
    expect(runningFindings(status, route)[1]).toMatchObject({
      state: "warning",
      says: "the running agent goes direct, this command through the proxy http://proxy:3128 (HTTPS_PROXY)",
    });
  });

  test("that cannot listen, or has an outbox that waits, says so", () => {
    const lane = {
      lane: "notify",
      items: 7,
      bytes: 900,
      oldest: undefined,
      waits: "not allowed",
      problem: undefined,
    };
    const more = { queuedPerMinute: 0, landedPerMinute: 0, refused: 0, givenUp: 0, damaged: 0 };
    const listeners = [
      { line: "receiver", address: "tcp:127.0.0.1:8000", state: "failed" as const, reason: "EADDRINUSE" },
    ];
    const findings = runningFindings(
      { ...status, listeners, outbox: [{ ...lane, ...more }] as never },
      direct,
    );
    expect(findings.slice(1)).toMatchObject([
      { step: "listener", state: "problem", code: "E_LISTEN" },
      {
        step: "outbox",
        state: "warning",
        says: "7 waiting in notify: not allowed",
        figures: { items: 7, bytes: 900 },
      },
    ]);
  });

  test("whose inventory cannot be read says so", () => {
    const inventory = { from: "/inventory", problem: "EACCES" } as never;
    expect(runningFindings({ ...status, inventory }, direct)).toMatchObject([
      { step: "agent" },
      { step: "listener" },
      { step: "outbox", state: "warning", owner: "host", says: "inventory from /inventory: EACCES" },
    ]);
  });
});
