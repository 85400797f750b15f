/** `farsite-hub doctor` as a program: beside a running hub, without one, and with what can be wrong. */
import { Database } from "bun:sqlite";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Finding } from "../../../hub/doctor/index.ts";
import { scratchDirectory } from "../../lab/cleanup.ts";
import { FarsiteLab, freePort, type TestHub } from "../../lab/farsite.ts";
import { makeAuthority } from "../certificates.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

interface Report {
  exit: number;
  findings: Finding[];
}

async function doctor(hub: TestHub): Promise<Report> {
  const { code, stdout, stderr } = await hub.call(["doctor", "--json"]);
  expect(stdout, stderr).toMatch(/^\{/);
  const report = JSON.parse(stdout) as Report;
  expect(report.exit).toBe(code);
  return report;
}

const problems = ({ findings }: Report) => findings.filter(({ state }) => state === "problem");
const stepsOf = ({ findings }: Report) => findings.map(({ step, state }) => `${step} ${state}`);

test("finds nothing wrong with a hub that runs, and says so to people, too", async () => {
  const target = await Target.start(manners.echo, lab.cleanup);
  const hub = await lab.startHub({ central: { receiver: { target: target.name, sites: ["*"] } } });
  await hub.addSite("acme/main");
  const report = await doctor(hub);
  expect(problems(report)).toEqual([]);
  expect(report.findings.map(({ step }) => step)).toEqual([
    "configuration",
    "files",
    "files",
    "disk",
    "registry",
    "clock",
    "certificate",
    "hub",
    "listener",
    "pool",
    "endpoint",
    "viewer",
    "limits",
    "central",
  ]);
  expect(await hub.ok("doctor")).toMatch(
    /certificate {5}for 127\.0\.0\.1, \d+ days left, SHA-256 [0-9a-f]{64}\n/,
  );
  await hub.stop();
});

test("without a hub it looks whether one could start", async () => {
  const hub = await lab.makeHub();
  const fresh = await doctor(hub);
  expect([fresh.exit, problems(fresh)]).toEqual([0, []]);
  expect(stepsOf(fresh)).toEqual(
    expect.arrayContaining(["files warning", "files skipped", "registry skipped", "certificate skipped"]),
  );
  await hub.start();
  await hub.addSite("acme/main");
  await hub.stop();
  const taken = await Target.start(manners.echo, lab.cleanup);
  hub.configure({ listen: { address: "127.0.0.1", port: Number(taken.name.split(":").at(-1)) } });
  const stopped = await doctor(hub);
  expect(problems(stopped).map(({ step, code }) => [step, code])).toEqual([["listener", "E_LISTEN"]]);
  expect(stepsOf(stopped)).toContain("hub warning");
  expect(stopped.findings.find(({ step }) => step === "pool")?.says).toMatch(
    /: 1 of \d+ addresses are given$/,
  );
  expect(stopped.exit).toBe(26);
});

test("names what is wrong: pool, endpoint, central target", async () => {
  const hub = await lab.startHub({
    endpoints: { pool: "198.51.100.0/24" },
    central: { receiver: { target: `tcp:127.0.0.1:${await freePort()}`, sites: ["*"] } },
  });
  await hub.addSite("acme/main");
  const report = await doctor(hub);
  const steps = new Set(problems(report).map(({ step, code }) => `${step} ${code}`));
  expect(steps).toEqual(new Set(["pool E_LISTEN", "endpoint E_LISTEN", "central E_TARGET_UNREACHABLE"]));
  expect(report.exit).toBe(27);
  await hub.stop();
});

test("names a certificate for another name, and one that was renewed behind the running hub's back", async () => {
  const authority = await makeAuthority(scratchDirectory(lab.cleanup, "authority"));
  const [first, second] = [await authority.issue("one"), await authority.issue("two")];
  const hub = await lab.startHub({ listen: { tls: "files", ...first } });
  expect((await doctor(hub)).exit).toBe(0);
  hub.configure({ listen: { tls: "files", ...second } });
  const renewed = await doctor(hub);
  expect(renewed.findings.find(({ step }) => step === "certificate")).toMatchObject({
    state: "warning",
    says: expect.stringContaining("presents another one"),
  });
  hub.configure({ listen: { tls: "files", ...first }, url: `wss://hub.example:${hub.port}` });
  const named = await doctor(hub);
  expect(problems(named)).toMatchObject([
    { step: "certificate", says: expect.stringContaining("hub.example") },
  ]);
  expect(named.exit).toBe(24);
  await hub.stop();
});

test("names a broken file: configuration, registry, folder", async () => {
  const hub = await lab.startHub();
  await hub.addSite("acme/main");
  await hub.stop();
  chmodSync(hub.stateDir, 0o755);
  expect(stepsOf(await doctor(hub))).toContain("files warning");
  chmodSync(hub.stateDir, 0o700);

  const registry = join(hub.stateDir, "registry.sqlite");
  const db = new Database(registry);
  db.run("PRAGMA foreign_keys = OFF");
  db.run("DELETE FROM tenant");
  db.run("UPDATE audit SET at = at + 86400000");
  db.close();
  const dangling = await doctor(hub);
  expect(problems(dangling)).toMatchObject([
    { step: "registry", says: expect.stringContaining("site refers to a row that is gone") },
    { step: "clock", code: "E_CLOCK" },
  ]);
  expect(dangling.exit).toBe(22);
  writeFileSync(registry, "no database at all, but long enough to be read as the header of one".repeat(20));
  expect(problems(await doctor(hub))).toMatchObject([{ step: "registry", code: "E_STATE" }]);

  writeFileSync(hub.config, "url = 7\n");
  const broken = await doctor(hub);
  expect([broken.exit, problems(broken).map(({ code }) => code)]).toEqual([20, ["E_CONFIG"]]);
});
