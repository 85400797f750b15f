import { expect, test } from "vitest";
import { connectorVital, statusLine } from "../../agent/tunnel/index.ts";
import { FakeClock } from "../../common/clock.ts";
import { MemoryLog } from "../../common/log.ts";
import type { ServiceState } from "../../common/systemd.ts";
import { type Vital, Watchdog, watchdogLimit } from "../../common/watchdog.ts";
import { openStore, registryVital, type Store } from "../../hub/registry/index.ts";

const LIMIT = 30_000;

function rig(vitals: Vital[], options: { limit?: number | undefined; status?: () => string } = {}) {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const told: ServiceState[] = [];
  const watchdog = new Watchdog({
    limit: LIMIT,
    vitals: () => vitals,
    status: () => "well",
    notify: (state) => told.push(state),
    clock,
    log,
    ...options,
  });
  watchdog.start();
  return { clock, log, told, watchdog };
}

const signs = (told: ServiceState[]) => told.filter((state) => state.alive).length;

test("three signs of life are given within the limit, and none after the end", () => {
  const { clock, told, watchdog } = rig([]);
  expect(signs(told)).toBe(1);
  clock.advance(2_000);
  expect(signs(told)).toBe(2); // the second comes soon, with how the start went
  clock.advance(LIMIT);
  expect(signs(told)).toBe(5);
  watchdog.stop();
  clock.advance(LIMIT);
  expect(signs(told)).toBe(5);
});

test("no sign of life is given while something that must get on does not, which is logged once", () => {
  let pulse = 0;
  const { clock, log, told } = rig([{ name: "tunnel", pulse: () => pulse, within: 60_000 }]);
  clock.advance(60_000);
  const before = signs(told);
  clock.advance(120_000);
  expect(signs(told)).toBe(before);
  expect(log.lines).toMatchObject([{ level: "error", fields: { what: "tunnel" } }]);
  pulse++;
  clock.advance(LIMIT);
  expect(signs(told)).toBe(before + 3);
});

test("what gets on in time keeps the signs coming", () => {
  let pulse = 0;
  const { clock, told } = rig([{ name: "tunnel", pulse: () => pulse, within: 60_000 }]);
  for (let minute = 0; minute < 10; minute++) {
    clock.advance(60_000);
    pulse++;
  }
  expect(signs(told)).toBe(1 + 10 * 6);
});

test("one that is stuck is enough", () => {
  let pulse = 0;
  const moving: Vital = { name: "a", pulse: () => pulse++, within: 1_000 };
  const { clock, told } = rig([moving, { name: "b", pulse: () => 0, within: 15_000 }]);
  clock.advance(LIMIT);
  expect(signs(told)).toBe(3);
});

test("the status line is told when it changes only, also where nobody watches", () => {
  let status = "connecting";
  const { clock, told } = rig([], { limit: undefined, status: () => status });
  clock.advance(60_000);
  status = "connected";
  clock.advance(60_000);
  expect(told).toEqual([{ status: "connecting" }, { status: "connected" }]);
});

test("systemd's limit is read in microseconds; nothing and nonsense mean that it does not watch", () => {
  expect(watchdogLimit({ WATCHDOG_USEC: "30000000" })).toBe(30_000);
  for (const env of [{}, { WATCHDOG_USEC: "" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "soon" }]) {
    expect(watchdogLimit(env)).toBeUndefined();
  }
});

const STATUS = {
  state: "connected" as const,
  since: 1,
  url: "wss://hub.example.com",
  route: { kind: "direct" as const },
  tenant: "acme",
  site: "main",
  carrier: "websocket",
  blocked: undefined,
  rtt: 12.5,
  streams: 0,
  key: "0123456789abcdef",
  hubVersion: "0.1.0",
  clockSkew: 0,
  error: undefined,
  lastError: undefined,
};

test("a connector gets on as long as its round trip is measured, or its state changes", () => {
  let status: Parameters<typeof statusLine>[0] = STATUS;
  const { pulse, within } = connectorVital({ status: () => status }, { urls: 2, timeout: 20_000 });
  const pulses = [pulse()];
  expect(pulse()).toBe(pulses[0]);
  for (const change of [{ rtt: 12.6 }, { state: "connecting" as const }, { since: 2 }]) {
    status = { ...status, ...change };
    pulses.push(pulse());
  }
  expect(new Set(pulses).size).toBe(4);
  // all addresses, both kinds of carrier, both timeouts of each, and the longest wait between
  expect(within).toBeGreaterThan(2 * 2 * 2 * 20_000 + 600_000);
});

test("the agent's line for systemctl status says to what it is connected, or why it is not", () => {
  expect(statusLine(STATUS)).toBe("acme/main: connected to wss://hub.example.com (websocket)");
  const error = { code: "E_DNS" as const, message: "the name hub.example.com is not known" };
  expect(statusLine({ ...STATUS, state: "waiting", error })).toBe(
    "acme/main: not connected: the name hub.example.com is not known [E_DNS]",
  );
});

test("the registry's pulse is its answers: none comes while a transaction does not end", async () => {
  const real = await openStore("sqlite::memory:");
  const { pulse } = registryVital(real);
  expect(pulse()).toBe(0);
  // the store runs one transaction after the other: when this one is through, so is the pulse's question
  await real.transaction((sql) => sql`SELECT 1`);
  expect(pulse()).toBe(1);
  await real.close();

  let asked = 0;
  const stuck: Store = {
    transaction: () => {
      asked++;
      return new Promise(() => {});
    },
    close: () => Promise.resolve(),
  };
  const vital = registryVital(stuck);
  expect([vital.pulse(), vital.pulse(), asked]).toEqual([0, 0, 1]);
});
