/** Keys are renewed while streams are open: an agent's and its hub's, over carriers in memory. */
import { expect, test } from "vitest";
import { pack } from "../../../common/msgpack.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import type { KeyRenewalOptions } from "../../../hub/keys/index.ts";
import { HOUR, MINUTE, openStream, rejectionCode, SECOND, settle, until } from "../handshake/rig.ts";
import { scratch } from "../registry/rig.ts";
import { connected, type Rig, rig, stop, untilDialled, waiting } from "../tunnel/rig.ts";
import { keyParts } from "./rig.ts";

const DAY = 24 * HOUR;

/** An enrolled agent, and a hub that renews keys. */
async function keyed(change: Partial<KeyRenewalOptions> = {}) {
  const its = await rig();
  const { world } = its;
  const limits = { agentAge: 30 * DAY, overlap: 10 * DAY };
  const { keys, renewal } = keyParts(world, scratch(), { ...limits, ...change });
  Object.defineProperty(world, "hubKeys", { get: () => keys.accepted });
  world.greeting = (site) => renewal.greeting(site);
  const offers: Promise<void>[] = [];
  world.keyOffered = (site, key) => void offers.push(renewal.offered(site, key));
  const key = async () => (await world.site()).key?.slice(0, 16);
  const actions = async () =>
    (await world.registry.records({ limit: 100 }))
      .map(({ action }) => action)
      .filter((each) => each.includes("key"));
  return { its, world, keys, renewal, key, actions, offers };
}

/** Its carrier is lost, and it comes with another. */
async function comeAgain(its: Rig): Promise<void> {
  its.visits.at(-1)?.agentEnd.cut("lost");
  await waiting(its);
  await untilDialled(its);
  await connected(its);
}

test("a key that is old is renewed over the session: streams go on, and the former key is refused", async () => {
  const { its, world, renewal, key, actions } = await keyed({ agentAge: 2 * SECOND });
  its.start();
  await connected(its);
  const before = its.connector.status().key;
  const { identity } = its;
  expect(await key()).toBe(before);
  const near = await openStream(world);
  near.stream.write(Buffer.from("one "));
  await settle();

  world.clock.advance(2 * SECOND);
  await renewal.look();
  await until(() => its.connector.status().key !== before);
  await connected(its);
  near.stream.write(Buffer.from("two"));
  await until(() => its.sockets[0]?.received === "one two");
  expect(near.resetBy).toBeUndefined();
  expect(await key()).toBe(its.connector.status().key);
  expect(await actions()).toEqual(["agent.key.offer", "agent.key.renew"]);

  // nothing more is to do, now or at the next look
  const dials = its.dials.length;
  await renewal.look();
  await settle();
  expect([its.dials.length, await actions()]).toEqual([dials, ["agent.key.offer", "agent.key.renew"]]);
  expect(await rejectionCode(world.registry.siteOfKey(identity.publicKey.bytes))).toBe("E_KEY_REVOKED");
  renewal.stop();
  await stop(its);
});

test("an agent that is away when it is asked renews its key when it comes", async () => {
  const { its, world, key } = await keyed();
  const before = await key();
  await world.agentKeys.wantRenewal("admin", "acme", "main");
  its.start();
  await until(() => its.connector.status().key !== before && its.connector.status().state === "connected");
  expect(await key()).toBe(its.connector.status().key);
  expect((await world.site()).renewKey).toBeUndefined();
  await stop(its);
});

test("an agent renews its key when its own administrator wants it", async () => {
  const { its, key } = await keyed();
  expect(its.connector.renewKey()).toBe(false);
  its.start();
  await connected(its);
  const before = await key();
  expect(its.connector.renewKey()).toBe(true);
  await until(() => its.connector.status().key !== before);
  await connected(its);
  expect(await key()).toBe(its.connector.status().key);
  await stop(its);
});

test("a key that was offered and never used changes nothing for the present one; a further offer takes its place", async () => {
  const { world, offers } = await keyed();
  const agent = await world.connected("globex");
  const [first, second] = [KeyPair.identity(systemRandom), KeyPair.identity(systemRandom)];
  const offer = async (identity: KeyPair) => {
    agent.tunnel?.mux.sendControl(pack({ kind: "key", next: identity.publicKey.bytes }));
    await settle();
    await Promise.all(offers);
  };
  const letIn = (identity: KeyPair) =>
    world.registry.siteOfKey(identity.publicKey.bytes).then(
      ({ tenant }) => tenant,
      (error: { code: string }) => error.code,
    );
  await offer(first);
  for (let n = 0; n < 2; n++) await offer(KeyPair.identity(systemRandom));
  expect([await letIn(agent.identity), await letIn(first)]).toEqual(["globex", "E_KEY_UNKNOWN"]);
  // more than it may within a minute
  await offer(second);
  expect(await letIn(second)).toBe("E_KEY_UNKNOWN");
  // in steps, so that both sides hear of each other
  for (let step = 0; step < 13; step++) {
    world.clock.advance(5 * SECOND);
    await settle();
  }
  await offer(second);
  expect([await letIn(agent.identity), await letIn(second)]).toEqual(["globex", "globex"]);
  await world.registry.revoke("admin", "globex", "main");
  expect([await letIn(agent.identity), await letIn(second)]).toEqual(["E_KEY_REVOKED", "E_KEY_REVOKED"]);
});

test("no agent gets in, or locks another out, by offering another site's key", async () => {
  const { its, world, offers } = await keyed();
  its.start();
  await connected(its);
  const agent = await world.connected("globex");
  agent.tunnel?.mux.sendControl(pack({ kind: "key", next: its.identity.publicKey.bytes }));
  await settle();
  await Promise.all(offers);
  expect((await world.registry.siteOfKey(its.identity.publicKey.bytes)).tenant).toBe("acme");
  expect(world.log.lines.at(-1)?.message).toBe("an agent's new key was not taken");
  await stop(its);
});

test("the hub's key is renewed: agents that are there learn it at once, others when they come", async () => {
  const { its, world, keys, renewal } = await keyed();
  its.start();
  await connected(its);
  const near = await openStream(world);
  await renewal.rotate();
  await settle();
  expect(Buffer.from(its.keys.hubKey)).toEqual(keys.current.publicKey.bytes);

  const behind = async () =>
    (await world.agentKeys.acquainted())
      .filter(({ hubKey }) => hubKey !== keys.current.publicKey.bytes.toString("hex"))
      .map(({ tenant }) => tenant);
  expect(await behind()).toEqual(["acme"]);
  // with a carrier of its own accord, within a minute: in steps, so that both sides hear of each other
  for (let step = 0; step < 12; step++) {
    world.clock.advance(5 * SECOND);
    await settle();
  }
  await until(() => its.dials.length === 2);
  await connected(its);
  expect(await behind()).toEqual([]);
  expect(near.resetBy).toBeUndefined();

  keys.retire();
  await comeAgain(its);
  await stop(its);

  // one that stayed away for too long
  expect(await rejectionCode(world.enrolledWith(its.identity).connect())).toBe("E_HUB_KEY");
});

test("the hub's key is renewed by itself when it is old, once", async () => {
  const { world, keys, renewal, actions } = await keyed({ hubAge: 365 * DAY });
  const first = keys.current.publicKey.short;
  world.clock.advance(keys.made + 365 * DAY - world.clock.wall() - MINUTE);
  await renewal.look();
  expect(keys.current.publicKey.short).toBe(first);
  renewal.stop();
  world.clock.advance(MINUTE);
  await renewal.look();
  await renewal.look();
  expect(keys.former).toHaveLength(1);
  expect(await actions()).toEqual(["hub.key.rotate"]);
});
