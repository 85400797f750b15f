import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { Objects, objectsFile } from "../../../hub/inbox/dumps/objects.ts";
import type { RosterHost } from "../../../hub/inbox/dumps/roster.ts";
import { settle } from "../mux/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const FOLDER = "/nagios/conf.d";

const hosts = (...names: string[]): Map<string, RosterHost> =>
  new Map(names.map((name) => [name, { alias: name, address: "::1", services: new Set(["Load"]) }]));

class Stage {
  readonly clock = new FakeClock();
  loads = 0;
  failure: string | undefined;
  readonly log = new MemoryLog();
  objects!: Objects;

  constructor(readonly disk = new MemoryDisk()) {}

  async start(): Promise<this> {
    await this.disk.ensure(FOLDER);
    this.objects = new Objects({
      folder: FOLDER,
      disk: this.disk,
      clock: this.clock,
      pause: 60_000,
      log: this.log,
      reload: async () => {
        this.loads++;
        if (this.failure !== undefined) throw new Error(this.failure);
      },
    });
    return this;
  }
}

test("a site has a file, templates are written once, and the core loads what has changed only", async () => {
  const stage = await new Stage().start();
  const { objects, disk, clock } = stage;
  await objects.write("acme/main", hosts("acme-web"));
  expect(disk.names(FOLDER).toSorted()).toEqual(["farsite-acme.main.cfg", "farsite-templates.cfg"]);
  disk.files.set(`${FOLDER}/farsite-templates.cfg`, Buffer.from("# mine"));
  clock.advance(60_000);
  await objects.write("acme/main", hosts("acme-web"));
  expect(String(disk.files.get(`${FOLDER}/farsite-templates.cfg`))).toBe("# mine");
  expect(stage.loads).toBe(1);
});

test("two loads have a pause between them, after which one is for all that wait", async () => {
  const stage = await new Stage().start();
  const { objects, clock } = stage;
  await objects.write("acme/main", hosts("acme-web"));
  await expect(objects.write("acme/other", hosts("acme-db"))).rejects.toThrow("loads new objects in 60 s");
  await expect(objects.write("globex/x", hosts("gx-a"))).rejects.toThrow("in 60 s");
  await objects.write("acme/main", hosts("acme-web"));
  expect(stage.loads).toBe(1);
  clock.advance(60_000);
  await objects.write("globex/x", hosts("gx-a"));
  await objects.write("acme/other", hosts("acme-db"));
  expect(stage.loads).toBe(2);
});

test("a core that did not load is asked again, also after a restart of the hub", async () => {
  const stage = await new Stage().start();
  stage.failure = "nagios4 ended with 1";
  await expect(stage.objects.write("acme/main", hosts("acme-web"))).rejects.toThrow("ended with 1");
  const again = await new Stage(stage.disk.after("kill")).start();
  await again.objects.write("acme/main", hosts("acme-web"));
  await again.objects.write("acme/main", hosts("acme-web"));
  expect(again.loads).toBe(1);
  const third = await new Stage(again.disk.after("kill")).start();
  await third.objects.write("acme/main", hosts("acme-web"));
  expect(third.loads).toBe(0);
});

test("the file of a site that is gone is taken away, and the core loads that as soon as it may", async () => {
  const stage = await new Stage().start();
  const { objects, disk, clock } = stage;
  await objects.write("acme/main", hosts("acme-web"));
  stage.failure = "nagios4 ended with 1";
  expect([await objects.remove("acme/main"), await objects.remove("acme/main")]).toEqual([true, false]);
  expect([disk.names(FOLDER).includes("farsite-acme.main.cfg"), stage.loads]).toEqual([false, 1]);
  const minute = async () => {
    clock.advance(60_000);
    for (let i = 0; i < 10; i++) await settle();
  };
  await minute();
  await minute();
  expect([stage.loads, stage.log.lines.map(({ message }) => message)]).toEqual([
    3,
    ["a core does not load what was taken away"],
  ]);
  stage.failure = undefined;
  await minute();
  await minute();
  expect([stage.loads, disk.names(FOLDER)]).toEqual([4, ["farsite-templates.cfg"]]);
  await objects.stop();
});

test("what was taken away and not loaded before a restart of the hub is loaded after it", async () => {
  const stage = await new Stage().start();
  await stage.objects.write("acme/main", hosts("acme-web"));
  await stage.objects.remove("acme/main");
  await stage.objects.stop();
  const again = await new Stage(stage.disk.after("kill")).start();
  await again.objects.start();
  for (let i = 0; i < 10; i++) await settle();
  expect([again.loads, again.disk.names(FOLDER)]).toEqual([1, ["farsite-templates.cfg"]]);
  const third = await new Stage(again.disk.after("kill")).start();
  await third.objects.start();
  expect(third.loads).toBe(0);
});

test("what Nagios would refuse, or read as something else, is left out or made harmless", () => {
  const { text, leftOut } = objectsFile(
    new Map([
      [
        "acme-web",
        {
          alias: "a; $USER1$ \\",
          address: "1.2.3.4\n}",
          services: new Set(["Load", "C:\\", "a,b", "$X$", "(x)", "null", "{", "define host {"]),
        },
      ],
      ["null", { alias: "", address: "", services: new Set(["Load"]) }],
    ]),
  );
  expect(leftOut).toBe(
    'left out, since Nagios takes no such name: "acme-web/C:\\", "acme-web/a,b", "acme-web/$X$" and 4 more',
  );
  expect(text).toBe(
    `# Written by farsite-hub; what is changed here is lost.
define host {
  use farsite-host
  host_name acme-web
  alias a   USER1
  address acme-web
}
${["Load", "{", "define host {"]
  .map(
    (name) =>
      `define service {\n  use farsite-service\n  host_name acme-web\n  service_description ${name}\n}\n`,
  )
  .join("")}`,
  );
});
