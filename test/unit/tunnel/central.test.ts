/** Streams in the other direction: an agent opens them, the hub takes them for that agent's site. */
import { expect, test } from "vitest";
import { pack } from "../../../common/msgpack.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { type Caller, TunnelledSites } from "../../../hub/tunnel/index.ts";
import { HOLD, SECOND, settle, until, World } from "../handshake/rig.ts";
import { Tap } from "../mux/rig.ts";
import { connected, type Rig, rig, stop, untilDialled } from "./rig.ts";

interface Accepted {
  caller: Caller;
  tap: Tap;
}

/** The sites of a world's hub, which take what agents open. */
function takingSites(world: World): { sites: TunnelledSites; accepted: Accepted[] } {
  const accepted: Accepted[] = [];
  const sites = new TunnelledSites({
    clock: world.clock,
    random: systemRandom,
    log: world.log,
    defer: queueMicrotask,
    session: {},
    maxStreams: 16,
    hold: HOLD,
    lost: () => {},
    changed: () => {},
    accept: (caller, stream) => void accepted.push({ caller, tap: new Tap(stream) }),
  });
  return { sites, accepted };
}

async function running(): Promise<Rig & { accepted: Accepted[]; sites: TunnelledSites }> {
  const its = await rig({ hold: HOLD, listens: () => ({ notify: "tcp", syslog: "udp" }) });
  const taking = takingSites(its.world);
  its.line.sites = taking.sites;
  its.start();
  await connected(its);
  await settle();
  return Object.assign(its, taking);
}

test("the hub is told what is listened for before the first stream of it comes", async () => {
  const its = await running();
  const near = new Tap(its.connector.open("syslog", INTERACTIVE)!);
  near.stream.write(Buffer.from("hello"));
  await settle();
  const [taken] = its.accepted;
  expect(taken?.caller.site).toMatchObject({ tenant: "acme", name: "main", address: "127.64.0.1" });
  expect(taken?.caller.listens).toEqual({ notify: "tcp", syslog: "udp" });
  expect([taken?.tap.stream.service, taken?.tap.text]).toEqual(["syslog", "hello"]);
  taken?.tap.stream.write(Buffer.from("and back"));
  await settle();
  expect(near.text).toBe("and back");
  const { id } = await its.world.site();
  expect(its.sites.state(id)).toMatchObject({ listens: { notify: "tcp", syslog: "udp" }, streams: 1 });
  await stop(its);
});

test("each stream belongs to the site of the key that its session proved", async () => {
  const world = await World.open();
  const { sites, accepted } = takingSites(world);
  for (const tenant of ["globex", "acme"]) {
    const agent = await world.enrolled(tenant);
    await agent.connect(world.receive(sites));
    agent.tunnel?.mux.open("notify", INTERACTIVE);
    await settle();
  }
  expect(accepted.map(({ caller }) => caller.site.tenant)).toEqual(["globex", "acme"]);
});

test("while the carrier is being replaced a new stream waits for the next, no longer than the hold", async () => {
  const its = await running();
  const hold = Promise.withResolvers<void>();
  its.line.hold = hold.promise;
  its.visits[0]?.agentEnd.cut("gone");
  await settle();
  await untilDialled(its);
  const waiting = new Tap(its.connector.open("notify", INTERACTIVE)!);
  waiting.stream.write(Buffer.from("still there"));
  its.world.clock.advance(HOLD);
  expect(its.connector.open("notify", INTERACTIVE)).toBeUndefined();
  its.line.hold = undefined;
  hold.resolve();
  await until(() => its.accepted.length === 1);
  await settle();
  expect([its.accepted[0]?.tap.text, waiting.resetBy]).toEqual(["still there", undefined]);
  expect(its.connector.open("notify", INTERACTIVE)).toBeDefined();
  await stop(its);
});

test("without a session there is no way for a stream", async () => {
  const its = await rig({ hold: HOLD });
  expect(its.connector.open("notify", INTERACTIVE)).toBeUndefined();
  its.start();
  await connected(its);
  const tap = new Tap(its.connector.open("notify", INTERACTIVE)!);
  await stop(its);
  expect([tap.resetBy, its.connector.open("notify", INTERACTIVE)]).toEqual(["sessionLost", undefined]);
});

test.each([
  ["names that no service has", { "../x": "tcp" }],
  ["kinds that there are not", { notify: "sctp" }],
  ["more than there may be", Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x${n}`, "tcp"]))],
])("an agent that says it listens for %s breaks the protocol", async (_, listens) => {
  const world = await World.open();
  const agent = await world.connected();
  agent.tunnel?.mux.sendControl(pack({ kind: "services", names: [], listens }));
  await settle();
  world.clock.advance(SECOND);
  expect(agent.ends.map((each) => each.code)).toEqual(["E_PROTOCOL"]);
});
