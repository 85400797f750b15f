import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { eachKind } from "../../../agent/doctor/carry.ts";
import { type Finding, ok } from "../../../agent/doctor/finding.ts";
import { lineFindings } from "../../../agent/doctor/line.ts";
import { type WayOptions, walkWay } from "../../../agent/doctor/way.ts";
import { DIRECT } from "../../../agent/route/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { type ErrorCode, FarsiteError } from "../../../common/errors.ts";
import { systemRandom } from "../../../common/random.ts";
import { type Link, type LinkHandlers, records } from "../../../common/session/index.ts";
import { settle } from "../session/rig.ts";

const error = (code: ErrorCode) => new FarsiteError(code, code);
const webSocket = { name: "WebSocket", dial: () => Promise.reject(error("E_HUB_BUSY")) };
const https = { name: "HTTPS", dial: () => Promise.reject(error("E_NOT_A_HUB")) };
const told = (findings: Finding[]) => findings.map(({ step, state, code }) => [step, state, code]);

describe("each step stops the walk when it fails:", () => {
  const options: WayOptions = {
    url: "ws://hub.example",
    route: DIRECT,
    open: async () => new Socket(),
    authenticated: () => undefined,
    lookup: async () => [{ address: "192.0.2.7", family: 4 }],
    trust: { ca: undefined, pinned: false, everybody: [] },
    kinds: [webSocket],
    keys: undefined,
    clock: new FakeClock(),
    random: systemRandom,
    timeout: 1000,
  };
  const proxy = {
    host: "proxy",
    port: 3128,
    url: "http://proxy:3128",
    secure: false,
    from: "agent.toml",
    login: undefined,
  };

  test.each<[string, Partial<WayOptions>, unknown[]]>([
    ["the name", { lookup: () => Promise.reject(new Error("no")) }, [["name", "problem", "E_DNS"]]],
    [
      "the connection",
      { open: () => Promise.reject(error("E_CONNECT_TIMEOUT")) },
      [
        ["name", "ok", undefined],
        ["connection", "problem", "E_CONNECT_TIMEOUT"],
      ],
    ],
    [
      "the proxy",
      { route: { kind: "proxy", proxy }, open: () => Promise.reject(error("E_PROXY_DENIED")) },
      [
        ["name", "ok", undefined],
        ["proxy", "problem", "E_PROXY_DENIED"],
      ],
    ],
    [
      "the hub",
      {},
      [
        ["name", "ok", undefined],
        ["connection", "ok", undefined],
        ["handshake", "problem", "E_HUB_BUSY"],
      ],
    ],
  ])("%s", async (_, changes, expected) => {
    expect(told(await Array.fromAsync(walkWay({ ...options, ...changes })))).toEqual(expected);
  });

  test("the proxy's answer to the password is told, and never the password", async () => {
    const route = { kind: "proxy", proxy } as const;
    const findings = await Array.fromAsync(walkWay({ ...options, route, authenticated: () => "digest" }));
    expect(findings[1]).toMatchObject({
      step: "proxy",
      state: "ok",
      says: "http://proxy:3128, named by agent.toml, which takes the user and password (digest)",
    });
  });
});

describe("kinds of carrier", () => {
  /** Tries both; `fails` says what with. Also in which order what was done. */
  async function tryBoth(fails: Partial<Record<string, ErrorCode>>) {
    const done: string[] = [];
    const { findings, line } = await eachKind(
      [webSocket, https],
      async ({ name }) => {
        done.push(name);
        const code = fails[name];
        if (code) throw error(code);
        return { kind: name, examined: undefined };
      },
      async ({ kind }) => {
        done.push(`the line over ${kind}`);
        return [ok("handshake", kind)];
      },
    );
    return { findings: told(findings), line: line.map(({ says }) => says), done };
  }

  test("one that does not get through is no problem where the other one does", async () => {
    const { findings, line } = await tryBoth({ WebSocket: "E_UPGRADE_STRIPPED" });
    expect(findings).toEqual([
      ["websocket", "warning", "E_UPGRADE_STRIPPED"],
      ["https", "ok", undefined],
    ]);
    expect(line).toEqual(["HTTPS"]);
  });

  test("the line is looked at before another kind is tried, which the hub would not wait for", async () => {
    const { findings, done } = await tryBoth({ HTTPS: "E_HTTP_TIMEOUT" });
    expect(done).toEqual(["WebSocket", "the line over WebSocket", "HTTPS"]);
    expect(findings).toEqual([
      ["websocket", "ok", undefined],
      ["https", "warning", "E_HTTP_TIMEOUT"],
    ]);
  });

  test("both that do not get through are problems", async () => {
    const { findings, line } = await tryBoth({ WebSocket: "E_UPGRADE_STRIPPED", HTTPS: "E_CAPTIVE_PORTAL" });
    expect([findings.map(([, state]) => state), line]).toEqual([["problem", "problem"], []]);
  });

  test("after a refusal of the hub's no other is tried", async () => {
    const { findings, done } = await tryBoth({ WebSocket: "E_KEY_REVOKED" });
    expect([done, findings]).toEqual([["WebSocket"], [["handshake", "problem", "E_KEY_REVOKED"]]]);
  });
});

describe("the line", () => {
  /** A hub's end: answers probes unless told otherwise. */
  function line(answer: (probe: Buffer) => Buffer | undefined) {
    let handlers: LinkHandlers | undefined;
    const sent: number[] = [];
    const link = {
      attach: (given: LinkHandlers) => {
        handlers = given;
      },
      send: (record: Buffer) => {
        sent.push(record[0] as number);
        const back = record[0] === records.PROBE ? answer(record) : undefined;
        if (back) queueMicrotask(() => handlers?.record(back));
      },
      fail: (reason: FarsiteError) => handlers?.close(reason),
    };
    return { link: link as unknown as Link, sent };
  }
  const right = (probe: Buffer) =>
    records.encodeProbe(records.PROBED, probe.length, records.decodeProbe(probe));

  async function findings(answer: (probe: Buffer) => Buffer | undefined, clockSkew = 0, probes = true) {
    const clock = new FakeClock();
    const { link, sent } = line(answer);
    const accepted = { tenant: "acme", site: "main", hubVersion: "0.1.0", clockSkew };
    const all = Array.fromAsync(
      lineFindings({ kind: "WebSocket", examined: { accepted, link, probes } }, clock),
    );
    await settle();
    clock.advance(10_000);
    return { found: await all, sent };
  }

  test("is measured, and left with END", async () => {
    const { found, sent } = await findings(right);
    expect(told(found)).toEqual(
      ["handshake", "clock", "round-trip", "large-messages", "throughput"].map((step) => [
        step,
        "ok",
        undefined,
      ]),
    );
    expect(sent.at(-1)).toBe(records.END);
  });

  test.each([
    ["to the hub", (probe: Buffer) => (probe.length > 1400 ? undefined : right(probe))],
    ["from the hub", (probe: Buffer) => (records.decodeProbe(probe) > 1400 ? undefined : right(probe))],
  ])("that loses large messages %s is told from one that is silent", async (direction, answer) => {
    const { found } = await findings(answer);
    expect(found.at(-1)).toMatchObject({
      step: "large-messages",
      code: "E_PATH_MTU",
      says: expect.stringContaining(direction),
    });
    const { found: silent } = await findings(() => undefined);
    expect(silent.at(-1)).toMatchObject({ step: "throughput", code: "E_CARRIER_LOST" });
  });

  test("on which the hub answers something else is a broken protocol", async () => {
    const { found } = await findings((probe) => right(probe).subarray(0, 4));
    expect(found.at(-1)).toMatchObject({ state: "problem", code: "E_PROTOCOL" });
  });

  test("of a hub that does not answer probes is not measured, and left", async () => {
    const { found, sent } = await findings(right, 0, false);
    expect([found.at(-1)?.state, sent]).toEqual(["skipped", [records.END]]);
  });

  test.each([
    [59_000, "ok", undefined],
    [-61_000, "warning", undefined],
    [16 * 60_000, "problem", "E_CLOCK"],
  ])("a clock that differs by %s ms: %s", async (skew, state, code) => {
    const { found } = await findings(right, skew);
    expect(found.find(({ step }) => step === "clock")).toMatchObject({ state, ...(code && { code }) });
  });
});
