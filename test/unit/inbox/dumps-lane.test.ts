import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { fileName } from "../../../hub/inbox/dumps/check-results.ts";
import { DumpsLane, dumpsConfig } from "../../../hub/inbox/dumps/index.ts";
import type { Letter } from "../../../hub/inbox/letter/index.ts";
import { settle } from "../mux/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const MAIN = { tenant: "acme", site: "main" };
const FOLDER = "/nagios/checkresults";

const letter = (changes: object, kind = "dump"): Letter => ({
  ...MAIN,
  sequence: 1,
  id: "id",
  idempotencyKey: "key",
  time: 0,
  kind,
  body: Buffer.from(
    JSON.stringify({
      version: 1,
      reset: false,
      complete: true,
      hosts: [],
      services: [],
      gone: [],
      ...changes,
    }),
  ),
});
const web = { reset: true, hosts: [["web", 0, "up", "", "", "", ""]] };

class Stage {
  readonly clock = new FakeClock();
  readonly refused: string[] = [];
  readonly log = new MemoryLog();
  lane!: DumpsLane;

  constructor(readonly disk = new MemoryDisk()) {}

  async start(config: object = {}): Promise<this> {
    await this.disk.ensure(FOLDER);
    this.lane = new DumpsLane(
      dumpsConfig.parse({
        host_prefix: { acme: "acme-" },
        stale_seconds: 100,
        sinks: { central: { kind: "check-results", folder: FOLDER } },
        ...config,
      }),
      {
        disk: this.disk,
        clock: this.clock,
        connect: () => {
          throw new Error("nothing is there");
        },
        log: this.log,
        directory: ({ tenant, site }) => `/inbox/${tenant}/${site}/status`,
        refused: (_, reason) => this.refused.push(reason),
      },
    );
    await this.lane.start([MAIN]);
    return this;
  }

  async land(...letters: Letter[]): Promise<void> {
    for (const each of letters) this.lane.rules.check(each);
    for (const sink of this.lane.sinks(MAIN)) await sink.land(letters);
  }

  async wait(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000);
    for (let i = 0; i < 20; i++) await settle();
  }

  /** What Nagios would take, which goes away. */
  results(): string {
    const names = this.disk.names(FOLDER);
    const whole = names.filter((name) => /^c.{6}$/.test(name) && names.includes(`${name}.ok`));
    expect(names).toHaveLength(whole.length * 2);
    const text = whole.map((name) => String(this.disk.files.get(`${FOLDER}/${name}`))).join("");
    for (const name of names) this.disk.take(`${FOLDER}/${name}`);
    return text;
  }
}

test("dumps are taken only of sites that have a prefix, by sinks that are for their tenant", async () => {
  const sinks = {
    a: { kind: "check-results", folder: FOLDER },
    b: { kind: "check-results", folder: FOLDER, tenants: ["globex"] },
  };
  const { lane } = await new Stage().start({ sinks, host_prefix: { acme: "a-", "globex/x": "g-" } });
  const names = (tenant: string, site: string) => lane.sinks({ tenant, site }).map(({ name }) => name);
  expect([names("acme", "main"), names("globex", "x"), names("globex", "y")]).toEqual([
    ["a"],
    ["a", "b"],
    [],
  ]);
});

test("what waits goes in one file, the newest state of each object", async () => {
  const stage = await new Stage().start();
  const later = { hosts: [["web", 1, "down", "", "", "", ""]] };
  await stage.land(letter(web), letter(later), letter({}));
  expect(stage.results()).toMatch(
    /^file_time=\d+\n\nhost_name=acme-web\n[\s\S]*return_code=1\noutput=down\|\n\n$/,
  );
  await stage.land(letter({}));
  expect(stage.results()).toBe("");
});

test("changes are refused as long as a sink has not had everything; after a restart it still has", async () => {
  const stage = await new Stage().start();
  expect(() => stage.lane.rules.check(letter({}))).toThrow("everything is wanted first");
  await stage.land(letter(web), letter({}));
  stage.results();
  const again = await new Stage(stage.disk.after("kill")).start();
  await again.land(letter({}));
  const other = await new Stage(stage.disk.after("kill")).start({ host_prefix: { acme: "other-" } });
  expect(() => other.lane.rules.check(letter({}))).toThrow("everything is wanted first");
});

test("a site that is silent is marked as stale once, and must then tell everything", async () => {
  const stage = await new Stage().start();
  await stage.land(letter({ ...web, services: [["web", "Load", 0, "ok", "", ""]] }));
  stage.results();
  await stage.wait(99);
  expect(stage.results()).toBe("");
  await stage.wait(11);
  const text = stage.results();
  expect(text).toMatch(
    /host_name=acme-web\ncheck_type[\s\S]*return_code=2\noutput=stale: nothing was heard from acme\/main since 2026-01-01T00:00:00.000Z\|\n/,
  );
  expect(text).toMatch(/service_description=Load\n[\s\S]*return_code=3\n/);
  await stage.wait(500);
  expect(stage.results()).toBe("");
  expect(() => stage.lane.rules.check(letter({}))).toThrow("everything is wanted first");
  const again = await new Stage(stage.disk.after("kill")).start();
  expect(() => again.lane.rules.check(letter({}))).toThrow("everything is wanted first");
  await again.land(letter(web));
  expect(again.results()).toContain("output=up|");
});

test("a site that is silent from the start on is marked as stale, too; a full disk only delays it", async () => {
  const stage = await new Stage().start();
  await stage.land(letter(web));
  stage.results();
  const again = await new Stage(stage.disk.after("kill")).start();
  again.disk.fail(1);
  await again.wait(110);
  expect(again.results()).toBe("");
  await again.wait(10);
  expect(again.results()).toContain("output=stale: ");
});

test("what is not there any more is said so", async () => {
  const stage = await new Stage().start();
  await stage.land(letter(web));
  stage.results();
  await stage.land(letter({ gone: [["web"]] }));
  expect(stage.results()).toContain("output=no longer monitored at acme/main|");
});

test("what is refused in a dump is reported once, and the rest lands", async () => {
  const stage = await new Stage().start();
  const smuggled = { reset: true, hosts: [["web", 0, "up\nCOMMAND [1] X", "", "", "", ""], ...web.hosts] };
  await stage.land(letter(smuggled), letter(smuggled));
  expect(stage.refused).toEqual(['what "acme-web" says is more than one line']);
  expect(stage.results()).not.toContain("COMMAND");
  expect(() => stage.lane.rules.check(letter(web, "notification"))).toThrow("of the kind notification");
});

test("a site has one file at a time; while the core does not take it, what comes waits for it", async () => {
  const stage = await new Stage().start();
  await stage.land(letter(web));
  let landed = false;
  const second = stage.land(letter({ hosts: [["web", 1, "down", "", "", "", ""]] })).then(() => {
    landed = true;
  });
  await stage.wait(1);
  expect([landed, stage.results().includes("output=up|")]).toEqual([false, true]);
  await stage.wait(1);
  await second;
  const third = expect(stage.land(letter(web))).rejects.toThrow(/has not taken .* yet/);
  for (let second = 0; second < 16; second++) await stage.wait(1);
  await third;
  expect(stage.results()).toContain("output=down|");
});

test("what a crash left beside a file that was not written holds nobody up for ever", async () => {
  const stage = await new Stage().start();
  stage.disk.files.set(`${FOLDER}/${fileName("acme/main")}.ok`, Buffer.alloc(0));
  const landing = stage.land(letter(web));
  for (let second = 0; second < 16; second++) await stage.wait(1);
  await landing;
  expect(stage.results()).toContain("output=up|");
});

test("of a site that is gone its objects are marked, its unread file is taken back, and it may begin anew", async () => {
  const stage = await new Stage().start();
  await stage.land(letter({ ...web, services: [["web", "Load", 0, "ok", "", ""]] }));
  expect(await stage.lane.forget(MAIN)).toEqual([
    "sink central: 2 hosts and services are marked as no longer monitored",
  ]);
  const text = stage.results();
  expect(text.match(/output=no longer monitored: acme\/main was removed\|/g)).toHaveLength(2);
  expect(text).not.toContain("output=up|");
  await stage.wait(500);
  expect(stage.results()).toBe("");
  expect(() => stage.lane.rules.check(letter({}))).toThrow("everything is wanted first");
  // of one that never sent anything there is nothing to do
  expect(await stage.lane.forget({ tenant: "acme", site: "other" })).toEqual([]);
});

test("what Nagios takes no name of is left out of its objects, said to both sides, and told once", async () => {
  const objects = "/nagios/objects";
  const stage = new Stage();
  await stage.disk.ensure(objects);
  await stage.start({
    sinks: {
      central: { kind: "check-results", folder: FOLDER, objects, reload: ["true"], reload_seconds: 1 },
    },
  });
  const odd = { ...web, services: ["Load", "a,b"].map((name) => ["web", name, 0, "ok", "", ""]) };
  await stage.land(letter(odd));
  stage.results();
  await stage.land(letter({ hosts: odd.hosts }));
  const [sink] = stage.lane.sinks(MAIN);
  const reason = 'left out, since Nagios takes no such name: "acme-web/a,b"';
  expect(sink?.note(MAIN)).toBe(reason);
  expect(stage.log.lines.filter(({ level }) => level === "warning")).toMatchObject([
    { message: "a core cannot be told everything", fields: { site: "acme/main", sink: "central", reason } },
  ]);
  expect(String(stage.disk.files.get(`${objects}/farsite-acme.main.cfg`))).toContain("Load");
  expect(await stage.lane.forget(MAIN)).toEqual(["sink central: its hosts and services are taken away"]);
  expect(stage.disk.names(objects)).not.toContain("farsite-acme.main.cfg");
  await stage.lane.stop();
});

test("dumps go to sinks of their kind only, and are refused where there is none", async () => {
  const stage = await new Stage().start();
  expect(() => stage.lane.rules.check(letter(web, "shadow"))).toThrow(
    "no sink here is for what cmcdump prints",
  );
  const other = await new Stage().start({
    sinks: { cmc: { kind: "shadow-states", livestatus: "unix:/live" } },
  });
  expect(() => other.lane.rules.check(letter(web))).toThrow("no sink here takes states");
  other.lane.rules.check(letter({ reset: true, hosts: [["web", "0;up"]] }, "shadow"));
});

test("what is refused of a site's dumps is said to it as long as it is so", async () => {
  const stage = await new Stage().start();
  await stage.land(letter({ ...web, services: [["web", "a;b", 0, "ok", "", ""]] }));
  expect(stage.lane.rules.note?.(MAIN)).toBe('refused: a service cannot be called "a;b" here');
  stage.results();
  // it is not in the next one, and still missing
  await stage.land(letter({}));
  expect(stage.lane.rules.note?.(MAIN)).toContain('"a;b"');
  await stage.land(letter(web));
  expect(stage.lane.rules.note?.(MAIN)).toBeUndefined();
});
