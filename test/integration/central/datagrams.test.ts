/** Datagrams from a site to the central side on real sockets. */
import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MAX_DATAGRAM } from "../../../common/datagram.ts";
import { until } from "../../lab/farsite.ts";
import { freeUdpPort, Receiver, rig, SITE, sender } from "./rig.ts";

const anyone = ["*"];
const line = (port: number) => `udp:127.0.0.1:${port}`;

test("they arrive in order, from the site's own address, each as it was: empty and of any length", async () => {
  const receiver = await Receiver.start();
  const near = await freeUdpPort();
  const { central, listeners } = await rig(
    { syslog: line(near) },
    { syslog: { target: line(receiver.port), sites: anyone } },
  );
  const send = await sender(near);
  const sizes = [1, 0, 1500, 9000, MAX_DATAGRAM, 2, 65_000, 3];
  for (const [n, size] of sizes.entries()) await send(Buffer.alloc(size, `${n}`));
  await until("all of them", () => receiver.datagrams.length === sizes.length);
  expect(receiver.datagrams.map((each) => [each.length, String(each.subarray(0, 1))])).toEqual(
    sizes.map((size, n) => [size, size === 0 ? "" : `${n}`]),
  );
  expect([...receiver.peers]).toEqual([SITE.address]);
  const count = sizes.length;
  expect(listeners.states()).toMatchObject([
    { line: "syslog", state: "listening", datagrams: { sent: count, waiting: 0, dropped: 0, refused: 0 } },
  ]);
  await until("all to be counted", () => central.states(SITE)[0]?.datagrams?.sent === count);
  expect(central.states(SITE)[0]).toMatchObject({
    open: 1,
    from: SITE.address,
    datagrams: { received: count, dropped: 0, lost: 0 },
  });
});

test("a thousand in a row arrive in order", async () => {
  const receiver = await Receiver.start();
  const near = await freeUdpPort();
  await rig({ syslog: line(near) }, { syslog: { target: line(receiver.port), sites: anyone } });
  const send = await sender(near);
  const all = Array.from({ length: 1_000 }, (_, n) => `<13>message ${n}`);
  for (const text of all) await send(text);
  await until("all of them", () => receiver.datagrams.length === all.length);
  expect(receiver.texts).toEqual(all);
});

test("a target that nobody listens at loses some, which are counted, and works once somebody does", async () => {
  const [near, far] = [await freeUdpPort(), await freeUdpPort()];
  const { central, hubLog } = await rig(
    { syslog: line(near) },
    { syslog: { target: line(far), sites: anyone } },
  );
  const send = await sender(near);
  const lost = () => central.states(SITE)[0]?.datagrams?.lost ?? 0;
  await until("a loss", async () => {
    await send("into the void");
    return lost() > 0;
  });
  expect(hubLog.lines.map(({ fields }) => fields.reason)).toEqual([expect.stringContaining("ECONNREFUSED")]);
  const receiver = await Receiver.start("127.0.0.1", far);
  await until("one to arrive", async () => {
    await send("at last");
    return receiver.datagrams.length > 0;
  });
});

test("a target whose name nobody knows resets the stream; the datagrams wait", async () => {
  const near = await freeUdpPort();
  const { listeners, hubLog, agentLog } = await rig(
    { syslog: line(near) },
    { syslog: { target: "udp:no-such-host.invalid:514", sites: anyone } },
    new FakeClock(),
  );
  await (await sender(near))("one");
  await until("the failure", () => agentLog.lines.length > 0);
  expect(agentLog.lines[0]?.fields.reason).toBe("the hub cannot reach the line's target");
  expect(hubLog.lines[0]?.fields).toMatchObject({ line: "syslog", reason: expect.stringMatching(/\w/) });
  await (await sender(near))("two");
  await until("the second to wait", () => listeners.states()[0]?.datagrams?.waiting === 1);
});

test("IPv6 on both sides", async () => {
  const receiver = await Receiver.start("::1");
  const near = await freeUdpPort();
  await rig(
    { syslog: `udp:[::1]:${near}` },
    { syslog: { target: `udp:[::1]:${receiver.port}`, sites: anyone } },
  );
  await (await sender(near, "::1"))("hello");
  await until("it to arrive", () => receiver.datagrams.length === 1);
  expect([receiver.texts, [...receiver.peers]]).toEqual([["hello"], ["::1"]]);
});

test("a port that is taken is tried again until it is free", async () => {
  const taken = await Receiver.start();
  const receiver = await Receiver.start();
  const clock = new FakeClock();
  const { listeners, agentLog } = await rig(
    { syslog: line(taken.port) },
    { syslog: { target: line(receiver.port), sites: anyone } },
    clock,
  );
  const { port } = taken;
  expect(listeners.states()).toMatchObject([
    { state: "failed", reason: expect.stringContaining("EADDRINUSE") },
  ]);
  expect(agentLog.lines[0]?.message).toBe("cannot listen");
  taken.stop();
  clock.advance(5_000);
  await until("it to listen", () => listeners.states()[0]?.state === "listening");
  await (await sender(port))("hello");
  await until("it to arrive", () => receiver.texts[0] === "hello");
});
