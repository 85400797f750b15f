/** What Prometheus itself makes of the metrics and the alert rules. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { FakeClock, systemClock } from "../../../common/clock.ts";
import { MemoryLog, silentLog } from "../../../common/log.ts";
import { healthApp, MetricsListener, metricsApp } from "../../../hub/metrics/index.ts";
import { attempt } from "../../lab/command.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { freePort, until } from "../../lab/farsite.ts";
import { type FakeSite, sourcesOf } from "../../unit/metrics/rig.ts";

const missing = await ensurePackages(["prometheus"], { why: "checking metrics and alert rules" });

const SITES: FakeSite[] = ["acme", "beta"].map((tenant) => ({
  tenant,
  name: "main",
  tunnel: { carrier: "websocket", rtt: 20, streams: 3 },
  traffic: { livestatus: { received: 100, sent: 10 } },
  letters: 4,
  requests: 7,
}));
const SOURCES = sourcesOf(SITES, { logins: () => ({ ok: 1, failed: 2 }) });
const RULES = join(import.meta.dirname, "../../../packaging/monitoring/prometheus-rules.yml");

describe.skipIf(missing.length > 0)("promtool", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "farsite-rules-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(["none", "tenant", "site"] as const)(
    "finds nothing wrong with the metrics with %s",
    async (labels) => {
      const app = metricsApp({ sources: SOURCES, labels, clock: systemClock });
      const { ok, stdout, stderr } = attempt(
        ["promtool", "check", "metrics"],
        await (await app.request("/")).text(),
      );
      expect([ok, stdout, stderr]).toEqual([true, "", ""]);
    },
  );

  test("takes the alert rules", () => {
    const { ok, stdout } = attempt(["promtool", "check", "rules", RULES]);
    expect([ok, stdout]).toEqual([true, expect.stringContaining("SUCCESS")]);
  });

  test("sees every alert when all is wrong, and none when all is well", () => {
    copyFileSync(RULES, join(folder, "prometheus-rules.yml"));
    copyFileSync(join(import.meta.dirname, "rules.yml"), join(folder, "rules.yml"));
    const { ok, stdout, stderr } = attempt(["promtool", "test", "rules", join(folder, "rules.yml")]);
    expect([ok, stderr, stdout]).toEqual([true, "", expect.stringContaining("SUCCESS")]);
    // the tests know how many there are
    const alerts = readFileSync(RULES, "utf8").match(/- alert: /g)?.length;
    expect(readFileSync(join(import.meta.dirname, "rules.yml"), "utf8")).toContain(`- value: ${alerts}\n`);
  });
});

describe("the listener", () => {
  const open: MetricsListener[] = [];
  afterEach(async () => {
    for (const listener of open.splice(0)) await listener.stop();
  });

  function start(port: number, log = silentLog, clock = systemClock): MetricsListener {
    const app = new Hono()
      .route("/metrics", metricsApp({ sources: SOURCES, clock }))
      .route("/", healthApp({ ready: async () => true }));
    const listener = new MetricsListener({ address: "127.0.0.1", port, app, clock, log });
    open.push(listener);
    listener.start();
    return listener;
  }

  test("answers with numbers that name nobody, and with nothing else", async () => {
    const { port } = start(0);
    const at = `http://127.0.0.1:${port}`;
    const text = await (await fetch(`${at}/metrics`)).text();
    expect(text).toContain('farsite_sites{state="online"} 2');
    expect(text).not.toMatch(/acme|beta|main/);
    expect(await (await fetch(`${at}/readyz`)).text()).toBe("ok\n");
    for (const path of ["/", "/status", "/audit", "/metrics/x", "/..%2fmetrics"])
      expect([path, (await fetch(`${at}${path}`)).status]).toEqual([path, 404]);
    expect(
      (await fetch(`${at}/metrics`, { method: "POST", body: "x".repeat(5_000) })).status,
    ).toBeGreaterThan(399);
  });

  test("whose port is taken says so once, tries again, and listens when it is free", async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((done) => other.listen(port, "127.0.0.1", done));
    const [log, clock] = [new MemoryLog(), new FakeClock()];
    const listener = start(port, log, clock);
    clock.advance(20_000);
    expect(log.lines).toMatchObject([{ level: "error", message: "metrics cannot be offered" }]);
    await new Promise((done) => other.close(done));
    clock.advance(5_000);
    expect(listener.port).toBe(port);
    await until("an answer", async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
  });
});
