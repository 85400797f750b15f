import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { listenerFinding, poolFinding } from "../../../hub/doctor/addresses.ts";
import { judge } from "../../../hub/doctor/certificate.ts";
import { registryFindings, spaceFinding } from "../../../hub/doctor/files.ts";
import { exitStatus, ok, wrong } from "../../../hub/doctor/finding.ts";
import { agentsClock, limitsFinding, listeningFindings } from "../../../hub/doctor/running.ts";
import type { HubStatus } from "../../../hub/hub.ts";
import { selfSigned } from "../../../hub/tls/index.ts";

const DAY = 86_400_000;
const MIB = 1 << 20;

test("the exit status is that of the first problem", () => {
  const [clock, pool] = [wrong("clock", "E_CLOCK", "no"), wrong("pool", "E_LISTEN", "no")];
  expect([[], [ok("hub", "yes")], [ok("hub", "yes"), clock, pool], [pool]].map(exitStatus)).toEqual([
    0, 0, 23, 27,
  ]);
});

test.each([
  [15 * MIB, "problem"],
  [255 * MIB, "warning"],
  [256 * MIB, "ok"],
])("a disk with %s bytes left: %s", (free, state) => {
  expect(spaceFinding("/var/lib/farsite-hub", free).state).toBe(state);
});

describe("the registry", () => {
  const whole = { damage: [], version: 3, known: 3, newest: 1_000_000, sites: 2 };
  const states = (found: typeof whole, now: number) =>
    registryFindings("registry.sqlite", now, () => found).map(({ step, state }) => `${step} ${state}`);

  test("is whole, and nothing in it is of the future", () => {
    expect(states(whole, 1_000_000)).toEqual(["registry ok", "clock ok"]);
    expect(states({ ...whole, newest: undefined } as never, 0)).toEqual(["registry ok", "clock ok"]);
  });

  test("that is damaged, or of a newer release, or written after now, is a problem", () => {
    expect(states({ ...whole, damage: ["row 7 missing from index"] as never }, 1_000_000)[0]).toBe(
      "registry problem",
    );
    expect(states({ ...whole, version: 4 }, 1_000_000)[0]).toBe("registry problem");
    expect(states(whole, 1_000_000 - 61_000)[1]).toBe("clock problem");
  });
});

describe("a certificate", async () => {
  const now = Date.UTC(2026, 0, 1);
  const made = new X509Certificate((await selfSigned("hub.example", now)).certificate);
  const fingerprint = made.fingerprint256.replaceAll(":", "").toLowerCase();

  test("for the hub's name that is presented is well", () => {
    expect(judge(made, "hub.example", now, { fingerprint })).toMatchObject({
      state: "ok",
      figures: { sha256: fingerprint },
    });
    expect(judge(made, "hub.example", now, undefined).state).toBe("ok");
  });

  test.each([
    ["that has ended", "hub.example", 3651, "problem"],
    ["that ends soon", "hub.example", 3640, "warning"],
    ["that has not begun", "hub.example", -30, "problem"],
    ["for another name", "other.example", 0, "problem"],
    ["for a name where an address is wanted", "192.0.2.1", 0, "problem"],
  ])("%s is not", (_, host, days, state) => {
    expect(judge(made, host, now + days * DAY, { fingerprint }).state).toBe(state);
  });

  test("that is not the one presented is worth a word", () => {
    expect(judge(made, "hub.example", now, { fingerprint: "00" }).state).toBe("warning");
  });
});

describe("addresses", () => {
  const free = async () => undefined;

  test("a port that another has, or that this user may not have, is a problem with its own advice", async () => {
    expect(await listenerFinding("0.0.0.0", 443, free)).toMatchObject({ state: "ok" });
    expect(await listenerFinding("0.0.0.0", 443, async () => "EADDRINUSE")).toMatchObject({
      do: expect.stringContaining("ss -ltnp"),
    });
    expect(await listenerFinding("0.0.0.0", 443, async () => "EACCES")).toMatchObject({
      do: expect.stringContaining("CAP_NET"),
    });
  });

  test("a pool is tried at its last address, and told when it is nearly gone", async () => {
    const tried: unknown[] = [];
    const listen = async (...place: unknown[]) => void tried.push(place);
    expect((await poolFinding("127.64.0.0/24", 228, listen)).state).toBe("ok");
    expect((await poolFinding("127.64.0.0/24", 229, listen)).state).toBe("warning");
    expect(tried[0]).toEqual(["127.64.0.254", 0]);
    expect(await poolFinding("192.0.2.0/24", 0, async () => "EADDRNOTAVAIL")).toMatchObject({
      state: "problem",
      do: expect.stringContaining("ip route add local 192.0.2.0/24 dev lo"),
    });
  });
});

describe("a running hub", () => {
  const endpoint = {
    tenant: "acme",
    site: "main",
    service: "http",
    address: "127.64.0.1",
    port: 5000,
    socket: "x",
    clients: 0,
  };

  test("every address that cannot be had is a problem of its own", () => {
    const failed = { ...endpoint, state: "failed" as const, reason: "EADDRINUSE" };
    expect(listeningFindings("endpoint", [{ ...endpoint, state: "listening" }, failed])).toMatchObject([
      { state: "problem", code: "E_LISTEN", says: "acme/main http at 127.64.0.1:5000: EADDRINUSE" },
      { state: "ok", says: "1 of 2 listen" },
    ]);
    expect(listeningFindings("viewer", [])).toMatchObject([{ state: "ok" }]);
  });

  test("its clock is doubted when most agents' differ the same way, and there are enough of them", () => {
    const status = (skews: number[]) =>
      ({ sites: skews.map((clockSkew) => ({ agent: { clockSkew } })) }) as unknown as HubStatus;
    expect(agentsClock(status([90_000, 90_000]))).toBeUndefined();
    expect(agentsClock(status([90_000, 90_000, 0]))?.state).toBe("warning");
    expect(agentsClock(status([90_000, 10, 0]))?.state).toBe("ok");
  });

  test("it needs files for what hub.toml allows", () => {
    const wants = { endpoints: 60, sites: 10, handshakes: 256, streams: 1024 };
    expect(limitsFinding({ open: 100, limit: 524_288 }, wants).state).toBe("ok");
    expect(limitsFinding({ open: 100, limit: 1024 }, wants).state).toBe("warning");
    expect(limitsFinding({ open: 1000, limit: 1024 }, wants)).toMatchObject({
      state: "problem",
      code: "E_LIMIT",
    });
    expect(limitsFinding(undefined, wants).state).toBe("skipped");
  });
});
