import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { type InventoryCore, startInventoryCore } from "../../lab/inventory-core.ts";

const lab = new FarsiteLab();
const folder = (name: string): string => {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};
const remote = folder("remote/inventory");
const archive = folder("remote/inventory_archive");
const central = folder("central/inventory");
const centralArchive = folder("central/inventory_archive");
const copies = folder("copies");
const live = join(lab.folder, "live");
let hub: TestHub;
let agent: TestAgent;
let branch: TestAgent;
let core: InventoryCore;

const HOSTS = 60;
const LITERAL = "{'hardware': {'cpu': {'model': u'x\\xe4'}}}\n";

/** Writes a host's two files, as Checkmk does. */
function inventory(host: string, text = LITERAL, time = 1_700_000_000.5): void {
  for (const [name, bytes] of [
    [host, Buffer.from(text)],
    [`${host}.gz`, gzipSync(text)],
  ] as const) {
    writeFileSync(join(remote, `.${name}.new`), bytes);
    utimesSync(join(remote, `.${name}.new`), time, time);
    renameSync(join(remote, `.${name}.new`), join(remote, name));
  }
  writeFileSync(join(remote, ".last"), "");
}

/** Names, times in ms and contents of what is in a folder. */
function contents(path: string): [string, number, string][] {
  return readdirSync(path)
    .filter((name) => !name.startsWith("."))
    .toSorted()
    .map((name) => {
      const file = join(path, name);
      return [name, Math.round(statSync(file).mtimeMs), readFileSync(file).toString("hex")];
    });
}

const same = (from: string, to: string): boolean =>
  JSON.stringify(contents(from)) === JSON.stringify(contents(to));

async function alike(): Promise<void> {
  await until("the central folder to be as the remote one", () => same(remote, central)).catch(
    async (error: unknown) => {
      throw new Error(`${JSON.stringify((await agent.status()).inventory)}\n${hub.process.output}`, {
        cause: error,
      });
    },
  );
}

beforeAll(async () => {
  for (let host = 0; host < HOSTS; host++) inventory(`host-${host}`, `{'host': ${host}}\n`);
  writeFileSync(join(remote, "new.json"), '{"Nodes": {}, "Attributes": {}}');
  mkdirSync(join(archive, "host-1"));
  writeFileSync(join(archive, "host-1/1600000000"), "{'delta': 1}");
  // what the central site has of its own
  writeFileSync(join(central, ".own"), "");
  core = await startInventoryCore(live, lab.cleanup);
  hub = await lab.startHub({
    inventory: {
      sinks: {
        central: { folder: central, archive: centralArchive, tenants: ["acme"] },
        copies: { folder: join(copies, "{tenant}/{site}"), tenants: ["globex"] },
      },
    },
  });
  agent = await lab.connect(hub, "acme/main", {
    push_only: true,
    inventory: { folder: remote, archive, interval_seconds: 1, hold_hours: 0.01 },
  });
  branch = await lab.connect(hub, "globex/branch", {
    inventory: { source: "livestatus", livestatus: `unix:${live}`, interval_seconds: 1 },
  });
});
afterAll(() => lab.end());

test("a site that lets nobody in has its files at the central site, byte for byte, with their times", async () => {
  await alike();
  expect(contents(join(centralArchive, "host-1"))).toEqual(contents(join(archive, "host-1")));
  expect(statSync(join(central, "host-1.gz")).mode & 0o777).toBe(0o660);
  expect(
    readdirSync(central)
      .filter((name) => name.startsWith("."))
      .toSorted(),
  ).toEqual([".last", ".own"]);
});

test("both sides show it", async () => {
  await until("the agent to have told that all is there", async () => {
    const [box] = (await hub.site("acme/main")).inbox;
    return box?.sinks[0]?.holds?.complete !== undefined;
  });
  const files = 2 * HOSTS + 2;
  const [box] = (await hub.site("acme/main")).inbox;
  expect(box).toMatchObject({ lane: "inventory", refused: 0, waiting: 0 });
  expect(box?.sinks[0]?.holds?.files).toBe(files);
  expect(await hub.ok("site", "show", "acme/main")).toMatch(
    /holds \d+ files, \d+ bytes; complete \d+ \w+ ago/,
  );
  const { inventory: status, outbox } = await agent.status();
  expect(status).toMatchObject({ files, missing: 0, held: 0, left: 0 });
  expect(status?.problem).toBeUndefined();
  expect(outbox).toMatchObject([{ lane: "inventory" }]);
  expect(await agent.ok("status")).toMatch(/the hub has \d+ files, \d+ bytes, 0 are missing; complete/);
});

test("what changes and what is gone follows, and nothing else is sent", async () => {
  const before = (await agent.status()).inventory;
  inventory("host-1", "{'host': 'changed'}\n", 1_700_000_100);
  inventory("added");
  utimesSync(join(remote, "host-2"), 1_700_000_200, 1_700_000_200);
  for (const name of ["host-3", "host-3.gz"]) rmSync(join(remote, name));
  await alike();
  const sent = async () => ((await agent.status()).inventory?.sent ?? 0) - (before?.sent ?? 0);
  await until("all to be confirmed", async () => {
    const { removed, missing } = (await agent.status()).inventory ?? {};
    return removed === 2 && missing === 0 && (await sent()) >= 5;
  });
  expect(await sent()).toBe(5);
});

test("hostile names, links and pipes go nowhere, and hold nothing up", async () => {
  writeFileSync(join(lab.folder, "secret"), "the secret");
  symlinkSync(join(lab.folder, "secret"), join(remote, "linked"));
  symlinkSync(lab.folder, join(archive, "linked"));
  for (const name of ["a b", "a\nb", "-rf", "$(id)"]) writeFileSync(join(remote, name), "x");
  inventory("behind");
  await until("the rest to be there", () => readdirSync(central).includes("behind.gz"));
  const all = readdirSync(join(lab.folder, "central"), { recursive: true }).map(String);
  expect(all.filter((name) => /linked|secret|a b|rf|id\)/.test(name))).toEqual([]);
  expect((await agent.status()).inventory?.left).toBe(1);
  expect(agent.process.output).toContain("its name is none of an inventory");
  for (const name of ["linked", "a b", "a\nb", "-rf", "$(id)"]) rmSync(join(remote, name));
  await alike();
});

test("kill -9 of both sides in the middle leaves everything whole, and all of it there in the end", async () => {
  for (let round = 1; round <= 3; round++) {
    for (let host = 0; host < HOSTS; host++) {
      if (host !== 3)
        inventory(`host-${host}`, `{'host': ${host}, 'round': ${round}}\n`, 1_700_001_000 + round);
    }
    rmSync(join(remote, `host-${10 + round}.gz`));
    const done = (await agent.status()).inventory?.sent ?? 0;
    await until("some to be sent", async () => ((await agent.status()).inventory?.sent ?? 0) > done + 3);
    await (round % 2 === 0 ? agent : hub).crash();
    for (const name of readdirSync(central).filter((each) => each.endsWith(".gz"))) {
      expect(String(gunzipSync(readFileSync(join(central, name))))).toMatch(/^\{.*\}\n$/s);
    }
    if (round === 3) await agent.crash();
    if (round !== 2) await hub.start();
    if (round !== 1) await agent.start();
    await alike();
  }
  // one more change: what a crash left of the mark that something is new gives way to the next one
  inventory("after");
  await alike();
  await until("nothing to be left beside the files", () =>
    readdirSync(central).every((name) => !name.startsWith(".farsite")),
  );
});

test("a central folder that was restored gets what it lacks with the next start of the agent", async () => {
  for (const name of ["host-4", "host-5.gz"]) rmSync(join(central, name));
  writeFileSync(join(central, "host-6"), "as it was");
  utimesSync(join(central, "host-6"), 1_600_000_000, 1_600_000_000);
  await agent.stop();
  await agent.start();
  await alike();
});

test("a folder that is not there, or another one that is empty, removes nothing", async () => {
  const before = contents(central);
  renameSync(remote, `${remote}.away`);
  await until("the agent to say so", async () => (await agent.status()).inventory?.problem !== undefined);
  mkdirSync(remote);
  await until("the files to be held", async () => ((await agent.status()).inventory?.held ?? 0) > 0);
  expect(await agent.ok("status")).toContain("the hub keeps them until it is certain");
  expect(contents(central)).toEqual(before);
  rmSync(remote, { recursive: true });
  renameSync(`${remote}.away`, remote);
  await until("all to be well", async () => (await agent.status()).inventory?.held === 0);
  expect(contents(central)).toEqual(before);
});

test("through Livestatus: both files of each host, what changes, what is gone; only hosts of another time are asked for", async () => {
  const target = join(copies, "globex/branch");
  const text = `{'hardware': {'memory': ${"\\x00ä"}}}\n`;
  for (const [host, last] of [
    ["web", 1_700_000_000],
    ["db", 1_700_000_001],
    ["../../escape", 1_700_000_002],
    ["web\nColumns: x", 1_700_000_003],
  ] as const) {
    core.hosts.set(host, { last, gz: gzipSync(`${text}${host}`) });
  }
  core.hosts.set("none", { last: 0, gz: Buffer.alloc(0) });
  await until("both hosts to be there", () => {
    const there = statSync(target, { throwIfNoEntry: false }) ? contents(target) : [];
    return there.map(([name]) => name).join() === "db,db.gz,web,web.gz";
  });
  expect(readFileSync(join(target, "web"), "utf8")).toBe(`${text}web`);
  expect(readFileSync(join(target, "web.gz")).equals(core.hosts.get("web")!.gz)).toBe(true);
  expect(statSync(join(target, "web.gz")).mtimeMs).toBe(1_700_000_000_000);

  core.queries.length = 0;
  core.hosts.set("web", { last: 1_700_000_100, gz: gzipSync("{'changed': 1}\n") });
  core.hosts.delete("db");
  await until(
    "it to follow",
    () =>
      contents(target)
        .map(([name]) => name)
        .join() === "web,web.gz",
  );
  await until("both to be the new ones", () =>
    contents(target).every(([, time]) => time === 1_700_000_100_000),
  );
  expect(readFileSync(join(target, "web"), "utf8")).toBe("{'changed': 1}\n");
  const asked = core.queries.filter((query) => query.includes("Filter"));
  expect(asked.filter((query) => !query.includes("Filter: name = web\n"))).toEqual([]);
  expect((await branch.status()).inventory?.from).toBe(`unix:${live}`);
});

test("a core that answers with no hosts removes nothing", async () => {
  const target = join(copies, "globex/branch");
  const before = contents(target);
  core.hosts.clear();
  await until("the agent to say so", async () =>
    ((await branch.status()).inventory?.problem ?? "").includes("no hosts"),
  );
  expect(contents(target)).toEqual(before);
});
