import { mkdirSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNotification } from "../../chaos/spool/notification.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
const target = await Target.start(manners.echo, lab.cleanup);
const [spool, central] = ["remote/spool", "central/spool"].map((name) => {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}) as [string, string];
let hub: TestHub;
let agent: TestAgent;

beforeAll(async () => {
  hub = await lab.startHub({ notifications: { sinks: { central: { kind: "spool", folder: central } } } });
  agent = await lab.connect(hub, "acme/main", {
    push_only: true,
    services: { ec: target.name },
    notifications: { spool },
  });
});
afterAll(() => lab.end());

test("a push-only agent delivers, and both sides say what it is", async () => {
  writeNotification(spool, 1);
  await until("it to land", () => readdirSync(central).length === 1);
  await until("the hub to know", async () => (await hub.site("acme/main")).pushOnly === true);
  expect(await hub.ok("status")).toContain("connected, push-only");
  expect(await agent.ok("status")).toContain("services: none, push-only");
  const { offers, livestatus } = await hub.site("acme/main");
  expect([offers, livestatus.state]).toEqual([[], "unknown"]);
  expect(livestatus.reason).toContain("push-only");
});

test("a client of one of its services is turned away, and its target sees nobody", async () => {
  const { address, port } = await hub.endpoint("acme/main", "ec");
  const answer = await new Promise<string>((done) => {
    const socket = connect(port, address, () => socket.write("hello"));
    socket.on("data", (bytes) => done(String(bytes)));
    socket.on("error", () => {});
    socket.on("close", () => done("turned away"));
  });
  expect(answer).toBe("turned away");
  expect(target.total).toBe(0);
});
