import { createHash, randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { FarsiteLab, freePort, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const ports = {
  echo: 7001,
  digest: 7002,
  greet: 7003,
  fountain: 7004,
  deaf: 7005,
  hold: 7009,
  break: 7006,
  dead: 7007,
};
const start = (name: Exclude<keyof typeof manners, "core">) => Target.start(manners[name], lab.cleanup);
const targets = {
  echo: await start("echo"),
  digest: await start("digest"),
  greet: await start("greet"),
  fountain: await start("fountain"),
  deaf: await start("deaf"),
  hold: await start("hold"),
  break: await start("break"),
};
const hub = await lab.startHub({ services: { ...ports, unnamed: 7008 } });
const agent = await lab.connect(hub, "acme/main", {
  services: {
    ...Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, target.name])),
    dead: `tcp:127.0.0.1:${await freePort()}`,
  },
});

const digestOf = (data: Buffer) => `${data.length} ${createHash("sha256").update(data).digest("hex")}`;
const MIB = 1 << 20;

const endpoints = await hub.endpoints();

/** A client of a service's endpoint. */
function connect(kind: "tcp" | "unix", service: keyof typeof ports | "unnamed"): Client {
  const endpoint = endpoints.find((each) => each.service === service);
  if (!endpoint) throw new Error(`no endpoint ${service}`);
  return Client.to(placesOf(endpoint)[kind]);
}

describe.each(["tcp", "unix"] as const)("through the endpoint's %s socket", (kind) => {
  const to = (service: keyof typeof ports | "unnamed") => connect(kind, service);

  test("bytes come back as they went, question after question", async () => {
    const client = to("echo");
    let sent = Buffer.alloc(0);
    for (const size of [1, 2, 1000, 65_535, 65_536, 200_000]) {
      const data = randomBytes(size);
      sent = Buffer.concat([sent, data]);
      await client.send(data);
      await until(`${sent.length} bytes`, () => client.received >= sent.length);
    }
    expect(client.bytes.equals(sent)).toBe(true);
    client.end();
    await client.closed;
    expect(client).toMatchObject({ ended: true, broken: undefined, received: sent.length });
  });

  test("a client that ends still gets its answer", async () => {
    const data = randomBytes(3 * MIB);
    const client = await to("digest").send(data);
    expect((await client.end().all()).toString()).toBe(digestOf(data));
    await client.closed;
    expect(client.broken).toBeUndefined();
  });

  test("a client that sends nothing and ends gets the end", async () => {
    const client = to("digest").end();
    expect((await client.all()).toString()).toBe(digestOf(Buffer.alloc(0)));
  });

  test("a target that ends still gets what the client sends", async () => {
    const before = targets.greet.received;
    const client = to("greet");
    expect((await client.all()).toString()).toBe("hello");
    await client.send(randomBytes(2 * MIB));
    await until("all of it", () => targets.greet.received === before + 2 * MIB);
    client.end();
    await client.closed;
    expect(client.broken).toBeUndefined();
    await until("the target's end", () => targets.greet.open === 0);
  });

  test("a client that sends, ends and is gone is heard to the last byte", async () => {
    const before = targets.digest.received;
    const client = await to("digest").send(randomBytes(512 << 10));
    client.socket.end(() => client.socket.destroy());
    await until("all of it", () => targets.digest.received === before + (512 << 10));
    await until("the target's end", () => targets.digest.open === 0);
  });

  test("16 MiB each way, beside clients that stand still", async () => {
    const before = targets.deaf.received;
    const thirsty = to("fountain");
    thirsty.socket.pause();
    const blocked = to("deaf");
    // more than all buffers on the way hold
    blocked.socket.write(Buffer.alloc(48 * MIB));
    await until("both to reach their targets", () => targets.fountain.open === 1 && targets.deaf.open === 1);

    const data = randomBytes(16 * MIB);
    const client = to("echo");
    void client.send(data).then(() => client.end());
    expect(digestOf(await client.all())).toBe(digestOf(data));

    expect(blocked.socket.writableLength).toBeGreaterThan(0);
    expect(targets.deaf.received).toBe(before);
    targets.deaf.listen();
    await until("the blocked client to go on", () => targets.deaf.received === before + 48 * MIB);
    thirsty.socket.resume();
    await until("the stalled client to go on", () => thirsty.received > 4 * MIB);
    expect(thirsty.bytes.subarray(0, 10).toString()).toBe("waterwater");
    thirsty.socket.destroy();
    blocked.socket.destroy();
    await until("both to be gone", () => targets.fountain.open + targets.deaf.open === 0);
  });

  test("64 clients at once", async () => {
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        const data = randomBytes(64 << 10);
        const client = await to("echo").send(data);
        expect((await client.end().all()).equals(data)).toBe(true);
      }),
    );
  });

  test("when a client goes away in the middle of an answer, its target's connection closes", async () => {
    const [leaving, staying] = [to("fountain"), to("fountain")];
    await until("two connections", () => targets.fountain.open === 2 && leaving.received > 0);
    leaving.socket.destroy();
    await until("one to close", () => targets.fountain.open === 1);
    const before = staying.received;
    await until("the other to go on", () => staying.received > before);
    staying.socket.destroy();
    await until("the other to close", () => targets.fountain.open === 0);
  });

  /** A cut answer must not look complete. Unix sockets have no reset: there the end is all that can be seen. */
  function expectCut(client: Client): void {
    if (kind === "tcp") expect(client).toMatchObject({ broken: "ECONNRESET", ended: false });
    else expect(client.broken ?? "ended").toMatch(/^(ended|ECONNRESET|EPIPE)$/);
  }

  test("when the target breaks, the client's connection breaks", async () => {
    const client = await to("break").send("question");
    expectCut(await client.over());
    expect("half of the ans".startsWith(client.bytes.toString())).toBe(true);
  });

  test("a target that is not there", async () => {
    const client = await to("dead").send("question");
    expectCut(await client.over());
    expect(client.received).toBe(0);
    await until("the log line", () =>
      /service failed service=dead reason=.*REFUSED/i.test(agent.process.output),
    );
    expect(hub.process.output).toMatch(
      /service failed site=acme\/main service=dead reason="its agent cannot reach the target"/,
    );
  });

  test("a service that is not in the agent's file does not exist", async () => {
    const client = await to("unnamed").send("question");
    expectCut(await client.over());
    expect(client.received).toBe(0);
    await until("the log line", () =>
      /service=unnamed reason=.*not in this agent's file/.test(agent.process.output),
    );
    expect(hub.process.output).toMatch(
      /service failed site=acme\/main service=unnamed reason="its agent offers no such service"/,
    );
    // once, however often it is asked for
    await (await to("unnamed").send("question")).over();
    const records = await hub.json<AuditRecord[]>("audit", "--action", "service.refuse");
    const detail = "unnamed; its agent offers no such service";
    expect(records).toEqual([
      expect.objectContaining({ tenant: "acme", site: "main", who: "agent", detail }),
    ]);
  });
});

// a Unix socket cannot be reset: its client's going is a half-close until somebody writes
test("when a client's TCP connection breaks, its target's closes", async () => {
  const [idle, busy] = [connect("tcp", "hold"), connect("tcp", "deaf")];
  busy.socket.write(Buffer.alloc(48 * MIB));
  await until("two connections", () => targets.hold.open + targets.deaf.open === 2);
  idle.socket.resetAndDestroy();
  busy.socket.resetAndDestroy();
  await until("both to close", () => targets.hold.open + targets.deaf.open === 0);
});

test("nothing is left of all this", async () => {
  await until("the clients to be gone", async () =>
    (await hub.endpoints()).every((each) => each.clients === 0),
  );
  await until("the hub's streams", async () => (await hub.site("acme/main")).streams === 0);
  await until("the agent's streams", async () => (await agent.status()).streams === 0);
  for (const target of Object.values(targets)) expect(target.open).toBe(0);
  expect((await hub.site("acme/main")).state).toBe("connected");
});
