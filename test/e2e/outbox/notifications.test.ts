import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNotification } from "../../chaos/spool/notification.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";

const lab = new FarsiteLab();
const folder = (name: string): string => {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};
const spool = folder("remote/spool");
const central = folder("central/spool");
const delivered: { tenant: string; key: string | null; number: string }[] = [];
let hub: TestHub;
let agent: TestAgent;

const filesIn = (path: string): string[] => readdirSync(path).filter((name) => !name.startsWith("."));

beforeAll(async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { tenant, context } = (await request.json()) as {
        tenant: string;
        context: Record<string, string>;
      };
      const key = request.headers.get("idempotency-key");
      delivered.push({ tenant, key, number: context.NUMBER ?? "" });
      return new Response("");
    },
  });
  lab.cleanup.add("stop the ticket system", () => server.stop(true));
  hub = await lab.startHub({
    notifications: {
      host_prefix: { acme: "host-" },
      sinks: {
        central: { kind: "spool", folder: central },
        ticket: { kind: "webhook", url: `http://127.0.0.1:${server.port}/` },
        raw: { kind: "command", command: ["/bin/cp", "{file}", folder("raw")] },
      },
    },
  });
  agent = await lab.connect(hub, "acme/main", { notifications: { spool } });
});
afterAll(() => lab.end());

test("a notification lands in the central spool, at the ticket system and with the command, and leaves the site", async () => {
  writeNotification(spool, 1);
  await until(
    "it to land everywhere",
    () => delivered.length === 1 && filesIn(join(lab.folder, "raw")).length === 1,
  );
  await until("it to leave the site", () => filesIn(spool).length === 0);
  const [name = ""] = filesIn(central);
  expect(name).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const text = readFileSync(join(central, name), "utf8");
  expect(text).toMatch(/^\{"context": \{"HOSTNAME": "host-1",\n/);
  expect(text).toContain('"OMD_SITE": "main"');
  expect(readFileSync(join(lab.folder, "raw", name), "utf8")).toBe(text);
  expect(delivered).toEqual([{ tenant: "acme", key: expect.stringMatching(/^[\da-f-]{36}$/), number: "1" }]);
});

test("both sides show what went through", async () => {
  await until("the sinks to be done", async () => (await hub.site("acme/main")).inbox[0]?.waiting === 0);
  expect((await hub.site("acme/main")).inbox).toMatchObject([
    { lane: "notify", received: 1, refused: 0, sinks: [{ landed: 1 }, { landed: 1 }, { landed: 1 }] },
  ]);
  expect(await hub.ok("site", "show", "acme/main")).toMatch(/inbox +notify: 1 received/);
  const status = await agent.status();
  expect(status.outbox).toMatchObject([{ lane: "notify", items: 0, landed: 1 }]);
  expect(status.notifications).toMatchObject({ taken: 1, corrupted: 0 });
  expect(status.notifications?.problem).toBeUndefined();
  expect(await agent.ok("status")).toMatch(/outbox notify: 0 waiting/);
});

test("what another tenant's host is called is refused, kept at the site, reported on both sides; the rest passes", async () => {
  const before = filesIn(central).length;
  const name = writeNotification(spool, 2, { HOSTNAME: "globex-server" });
  writeNotification(spool, 3, { HOSTNAME: "host-1\nCOMMAND [1] X" });
  writeNotification(spool, 4);
  await until("the rest to land", () => filesIn(central).length === before + 1);
  const corrupted = join(lab.folder, "remote/corrupted");
  await until("both to be set aside", () => filesIn(corrupted).length === 2);
  expect(filesIn(corrupted)).toContain(name);
  const [box] = (await hub.site("acme/main")).inbox;
  expect(box?.refused).toBe(2);
  expect((await agent.status()).outbox[0]?.refused).toBe(2);
  expect(hub.process.output).not.toContain("COMMAND [1]");
});

test("what waits while the hub is down is on disk, unreadable, and lands once the hub is back, in order", async () => {
  await hub.crash();
  delivered.length = 0;
  const before = filesIn(central).length;
  const secret = "Zugang zum Tresor";
  for (let number = 10; number < 15; number++) writeNotification(spool, number, { SERVICEOUTPUT: secret });
  await until("all to be queued", async () => (await agent.status()).outbox[0]?.items === 5);
  expect((await agent.status()).outbox[0]?.waits).toBeDefined();
  await agent.crash();
  const items = readdirSync(agent.stateDir, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  const readable = items.filter((each) => readFileSync(join(each.parentPath, each.name)).includes(secret));
  expect([items.length > 5, readable]).toEqual([true, []]);
  await agent.start();
  await hub.start();
  await until("all to land", () => filesIn(central).length === before + 5 && delivered.length === 5);
  expect(delivered.map(({ number }) => number)).toEqual(["10", "11", "12", "13", "14"]);
  await until("all to leave the site", () => filesIn(spool).length === 0);
});

test("a hub that has no sink for a tenant leaves its notifications with the site, which says so", async () => {
  await hub.stop();
  hub.configure({ notifications: { sinks: {} } });
  await hub.start();
  writeNotification(spool, 20);
  await until("the agent to say why", async () => {
    return (await agent.status()).outbox[0]?.waits === "the hub takes nothing of this lane";
  });
  expect(filesIn(spool)).toHaveLength(1);
});

test("when a site is removed what the hub had of it is gone", async () => {
  const inbox = join(hub.stateDir, "inbox/acme");
  expect(readdirSync(inbox)).toEqual(["main"]);
  writeFileSync(join(inbox, "other"), "");
  await hub.ok("site", "remove", "acme/main");
  await until("its inbox to be gone", () => !readdirSync(inbox).includes("main"));
  expect(readdirSync(inbox)).toEqual(["other"]);
});
