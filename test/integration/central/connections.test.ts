/** Connections from a site to the central side on real sockets. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Client } from "../../e2e/client.ts";
import { manners, Target } from "../../e2e/target.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { freePort, until } from "../../lab/farsite.ts";
import { occupy, rig, SITE } from "./rig.ts";

const cleanup = new Cleanup();
const folder = mkdtempSync(join(tmpdir(), "farsite-central-"));
cleanup.add("remove a folder", () => rmSync(folder, { recursive: true }));
afterAll(() => cleanup.run());

const MIB = 1 << 20;
const anyone = ["*"];
const at = (port: number) => Client.to({ host: "127.0.0.1", port });

test("the target sees the site's own address, and half-close passes both ways", async () => {
  const digest = await Target.start(manners.digest, cleanup);
  const greet = await Target.start(manners.greet, cleanup);
  const [one, two] = [await freePort(), await freePort()];
  await rig(
    { digest: `tcp:127.0.0.1:${one}`, greet: `tcp:127.0.0.1:${two}` },
    { digest: { target: digest.name, sites: anyone }, greet: { target: greet.name, sites: anyone } },
  );
  const asking = await at(one).send(randomBytes(3 * MIB));
  expect((await asking.end().all()).toString()).toMatch(/^3145728 [0-9a-f]{64}$/);
  const greeted = at(two);
  expect((await greeted.all()).toString()).toBe("hello");
  await greeted.send(randomBytes(MIB));
  await until("what is sent after the target's end", () => greet.received === MIB);
  greeted.end();
  await greeted.closed;
  expect([digest.peers, greet.peers, greeted.broken]).toEqual([[SITE.address], [SITE.address], undefined]);
});

test("with source = host the target sees this host's address", async () => {
  const echo = await Target.start(manners.echo, cleanup);
  const port = await freePort();
  await rig(
    { echo: `tcp:127.0.0.1:${port}` },
    { echo: { target: echo.name, sites: anyone, source: "host" } },
  );
  expect((await (await at(port).send("hello")).end().all()).toString()).toBe("hello");
  expect(echo.peers).toEqual(["127.0.0.1"]);
});

test("Unix sockets at both ends: only the agent's user and group may connect, and the socket goes with it", async () => {
  const [near, far] = [join(folder, "near.sock"), join(folder, "far.sock")];
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(far);
  cleanup.add("close a server", () => void server.close());
  const { listeners } = await rig(
    { local: `unix:${near}` },
    { local: { target: `unix:${far}`, sites: anyone } },
  );
  expect(statSync(near).mode & 0o777).toBe(0o660);
  expect((await (await Client.to({ path: near }).send("hello")).end().all()).toString()).toBe("hello");
  listeners.stop();
  expect(existsSync(near)).toBe(false);
});

test("a file that is no socket is not removed for a listener", async () => {
  const path = join(folder, "precious");
  writeFileSync(path, "precious");
  const { listeners } = await rig({ local: `unix:${path}` }, {}, new FakeClock());
  expect(listeners.states()).toMatchObject([
    { state: "failed", reason: expect.stringMatching(/EADDRINUSE/) },
  ]);
  listeners.stop();
  expect(statSync(path).isFile()).toBe(true);
});

test("an address that is taken is tried again until it is free", async () => {
  const echo = await Target.start(manners.echo, cleanup);
  const port = await freePort();
  const release = await occupy(port);
  const clock = new FakeClock();
  const { listeners, agentLog } = await rig(
    { echo: `tcp:127.0.0.1:${port}` },
    { echo: { target: echo.name, sites: anyone } },
    clock,
  );
  expect(listeners.states()).toMatchObject([
    { line: "echo", state: "failed", reason: expect.stringContaining("EADDRINUSE") },
  ]);
  clock.advance(5_000);
  await until("a second try", () => clock.pending === 1);
  await release();
  clock.advance(5_000);
  await until("the third", () => listeners.states()[0]?.state === "listening");
  // said once
  expect(agentLog.lines.map(({ message, fields }) => `${message} ${fields.line}`)).toEqual([
    "cannot listen echo",
  ]);
  expect((await (await at(port).send("hello")).end().all()).toString()).toBe("hello");
});

test("a target that is not there resets the client, and is counted", async () => {
  const [near, far] = [await freePort(), await freePort()];
  const { central, hubLog, agentLog } = await rig(
    { dead: `tcp:127.0.0.1:${near}` },
    { dead: { target: `tcp:127.0.0.1:${far}`, sites: anyone } },
  );
  const client = await at(near).over();
  expect(client).toMatchObject({ broken: "ECONNRESET", ended: false });
  expect(central.states(SITE)).toMatchObject([{ line: "dead", open: 0, unreachable: 1 }]);
  expect(hubLog.lines[0]?.fields.reason).toMatch(/ECONNREFUSED|Failed to connect/);
  expect(agentLog.lines[0]?.fields.reason).toBe("the hub cannot reach the line's target");
});

test("a line that the hub does not have resets the client", async () => {
  const near = await freePort();
  const { agentLog } = await rig({ secret: `tcp:127.0.0.1:${near}` }, {});
  expect(await at(near).over()).toMatchObject({ broken: "ECONNRESET", received: 0 });
  expect(agentLog.lines[0]?.fields.reason).toBe("the hub does not allow this line for this site");
});

test("when the session ends, clients and targets are cut", async () => {
  const hold = await Target.start(manners.hold, cleanup);
  const near = await freePort();
  const { pair } = await rig(
    { notify: `tcp:127.0.0.1:${near}` },
    { notify: { target: hold.name, sites: anyone } },
  );
  const client = await at(near).send("x");
  await until("the target to have it", () => hold.received === 1);
  pair.agent.session.end(new FarsiteError("E_SESSION_LOST", "lost"));
  expect(await client.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  await until("the target to be left", () => hold.open === 0);
});

test("an agent listens beyond its host only with a warning", async () => {
  const { listeners, agentLog } = await rig({ open: `tcp:0.0.0.0:${await freePort()}` }, {});
  expect(listeners.states()[0]?.state).toBe("listening");
  expect(agentLog.lines.map(({ level, fields }) => [level, fields.line])).toEqual([["warning", "open"]]);
});
