/** The audit and the metrics of a whole hub, with an agent that enrols and is asked, and somebody at the database. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuditCheck, AuditRecord } from "../../hub/registry/index.ts";
import { FarsiteLab, freePort, type TestHub, until } from "../lab/farsite.ts";
import { read, sampleOf } from "../unit/metrics/rig.ts";
import { Client, placesOf } from "./client.ts";
import { manners, PROBED_ONCE, Target } from "./target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
let hub: TestHub;
let port: number;
beforeAll(async () => {
  const target = await Target.start(manners.core("200           2\nok"), lab.cleanup);
  port = await freePort();
  hub = await lab.startHub({ metrics: { port, labels: "site" } });
  await lab.connect(hub, PATH, { services: { livestatus: target.name }, ...PROBED_ONCE });
  await until("the core to be seen", async () => (await hub.site(PATH)).livestatus.state === "online");
});

async function send(text: string): Promise<Client> {
  const { unix } = placesOf(await hub.endpoint(PATH, "livestatus"));
  return Client.to(unix).send(text);
}

test("metrics say what an agent and a client did, and name neither", async () => {
  await (await send("GET hosts\nResponseHeader: fixed16\n\n")).over();
  const at = `http://127.0.0.1:${port}`;
  expect(await (await fetch(`${at}/readyz`)).text()).toBe("ok\n");
  let text = "";
  await until("the query to be counted", async () => {
    text = await (await fetch(`${at}/metrics`)).text();
    return (sampleOf(read(text), "farsite_livestatus_query_seconds_count") ?? 0) >= 1;
  });
  const samples = read(text);
  const value = (name: string, labels = {}) => sampleOf(samples, name, labels) ?? Number.NaN;
  expect(value("farsite_sites", { state: "online" })).toBe(1);
  expect(value("farsite_tunnels", { carrier: "websocket" })).toBe(1);
  expect(value("farsite_enrolments_total")).toBe(1);
  expect(value("farsite_handshakes_total", { result: "ok" })).toBeGreaterThanOrEqual(2);
  expect(value("farsite_livestatus_requests_total")).toBe(1);
  const bytes = (direction: string) =>
    value("farsite_stream_bytes_total", { service: "livestatus", direction });
  expect(bytes("from_site")).toBe(18);
  expect(bytes("to_site")).toBeGreaterThan(10);
  expect(text).not.toMatch(/acme|main/);
});

test("a command that goes through is in the audit, without its arguments", async () => {
  await send("COMMAND [1700000000] SCHEDULE_HOST_CHECK;secret;1\n\n");
  let records: AuditRecord[] = [];
  await until("the record", async () => {
    records = await hub.json<AuditRecord[]>("audit", "--action", "livestatus.command");
    return records.length > 0;
  });
  expect(records).toMatchObject([{ who: "client", from: "unix", detail: "COMMAND SCHEDULE_HOST_CHECK" }]);
});

test("the audit is whole with the hub running, after kill -9, without it, and after a start with another file", async () => {
  expect(await hub.json<AuditCheck>("audit", "verify")).toMatchObject({ whole: true, first: 1 });
  await hub.crash();
  const without = await hub.json<AuditCheck>("audit", "verify");
  expect(without.whole).toBe(true);
  const head = (await hub.ok("audit", "head")).trim();
  hub.configure({ limits: { token_minutes: 7 } });
  await hub.start();
  const [change] = await hub.json<AuditRecord[]>("audit", "--action", "config.");
  expect(change?.detail).toBe("added limits.token_minutes");
  expect(await hub.json<AuditCheck>("audit", "verify", "--head", head)).toMatchObject({
    whole: true,
    records: without.records + 1,
  });
});

test("who changes the database is found out, and the command fails", async () => {
  await hub.stop();
  const db = new Database(join(hub.stateDir, "registry.sqlite"));
  db.run("UPDATE audit SET who = 'somebody else' WHERE action = 'agent.enrol'");
  db.close();
  const { code, stdout } = await hub.call(["audit", "verify"]);
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(/NOT WHOLE: 1 place\n +record 4: not as the hub wrote it/),
  ]);
});
