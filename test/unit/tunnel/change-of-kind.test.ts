/** An agent whose session moves between two kinds of carrier, while streams go on. */
import { expect, test } from "vitest";
import { CarrierBlocked } from "../../../agent/tunnel/blocked.ts";
import type { DialCarrier } from "../../../agent/tunnel/websocket.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { openStream, pass, SECOND, settle, until, type Visit, type World } from "../handshake/rig.ts";
import { connected, RETRY, type Rig, rig, stop, waiting } from "./rig.ts";

const BLOCKED = new CarrierBlocked(new FarsiteError("E_HUB_UNREACHABLE", "HTTP status 426"));

interface TwoKinds {
  its: Rig;
  /** Fails dialling; a kind that is not there gets through. */
  block: { WebSocket?: FarsiteError | undefined; HTTPS?: FarsiteError | undefined };
  names: string[];
  visits: Visit[];
}

async function twoKinds(block: TwoKinds["block"], maxAge?: number): Promise<TwoKinds> {
  const names: string[] = [];
  const visits: Visit[] = [];
  const kind = (name: "WebSocket" | "HTTPS", world: World) => {
    const dial: DialCarrier = async () => {
      names.push(name);
      const failure = block[name];
      if (failure) throw failure;
      const visit = world.receive();
      visits.push(visit);
      return visit.agentEnd;
    };
    return { name, dial };
  };
  const its = await rig({ kinds: (world) => [kind("WebSocket", world), kind("HTTPS", world)], maxAge });
  its.start();
  await connected(its);
  return { its, block, names, visits };
}

test("where WebSockets are blocked it connects over HTTPS, and the status says why", async () => {
  const { its, names } = await twoKinds({ WebSocket: BLOCKED });
  expect(names).toEqual(["WebSocket", "HTTPS"]);
  expect(its.connector.status()).toMatchObject({
    state: "connected",
    blocked: "WebSocket does not get through: HTTP status 426",
    error: undefined,
  });
  await stop(its);
});

test("the session moves back to a WebSocket as soon as that gets through, and its streams go on", async () => {
  const { its, block, names, visits } = await twoKinds({ WebSocket: BLOCKED });
  const near = await openStream(its.world);
  near.stream.write(Buffer.from("over HTTPS, "));
  await settle();
  await pass(its.world.clock, RETRY, SECOND);
  expect([names, visits.length, visits[0]?.agentEnd.closed]).toEqual([
    ["WebSocket", "HTTPS", "WebSocket"],
    1,
    false,
  ]);
  block.WebSocket = undefined;
  near.stream.write(Buffer.from("still, "));
  await pass(its.world.clock, RETRY, SECOND);
  await until(() => its.said().includes("carrier replaced"));
  near.stream.write(Buffer.from("over a WebSocket"));
  await settle();
  expect(names.slice(3)).toEqual(["WebSocket"]);
  expect([its.sockets[0]?.received, near.resetBy]).toEqual([
    "over HTTPS, still, over a WebSocket",
    undefined,
  ]);
  expect([visits[0]?.agentEnd.closed, visits[1]?.agentEnd.closed]).toEqual([true, false]);
  expect(its.connector.status()).toMatchObject({ state: "connected", blocked: undefined });
  expect(its.said()).not.toContain("connection lost");
  await pass(its.world.clock, 3 * RETRY, SECOND);
  expect(names).toHaveLength(4);
  await stop(its);
});

test("a try that fails changes nothing: no error, no pause, and the carrier's age counts on", async () => {
  const { its, names, visits } = await twoKinds({ WebSocket: BLOCKED }, 5.5 * RETRY);
  await pass(its.world.clock, 5 * RETRY, SECOND);
  expect(names).toEqual(["WebSocket", "HTTPS", ...Array(5).fill("WebSocket")]);
  expect(its.connector.status()).toMatchObject({ state: "connected", error: undefined });
  expect(
    its.log.lines.filter((line) => line.level === "error" || line.message === "connection lost"),
  ).toEqual([]);
  expect(visits).toHaveLength(1);
  await pass(its.world.clock, RETRY / 2, SECOND);
  await until(() => its.said().includes("carrier replaced"));
  expect([names.at(-1), visits.length]).toEqual(["HTTPS", 2]);
  await stop(its);
});

test("a carrier that is lost comes back over the kind that got through last, at once", async () => {
  const { its, names, visits } = await twoKinds({ WebSocket: BLOCKED });
  visits[0]?.agentEnd.cut("lost");
  await waiting(its);
  its.world.clock.advance(200);
  await connected(its);
  expect(names).toEqual(["WebSocket", "HTTPS", "HTTPS"]);
  await stop(its);
});

test("a carrier that is lost while a WebSocket is tried is replaced by that, if it gets through", async () => {
  const { its, block, names, visits } = await twoKinds({ WebSocket: BLOCKED });
  const near = await openStream(its.world);
  await settle();
  block.WebSocket = undefined;
  // its handshake is not over when the carrier in service is lost
  await pass(its.world.clock, RETRY - SECOND, SECOND);
  its.world.clock.advance(SECOND);
  visits[0]?.agentEnd.cut("lost");
  near.stream.write(Buffer.from("goes on"));
  await connected(its);
  await until(() => its.sockets[0]?.received === "goes on");
  expect([names.filter((name) => name === "HTTPS").length, near.resetBy]).toEqual([1, undefined]);
  await stop(its);
});

test("a WebSocket that is cut soon after the session moved to it is given up again, and the session goes on", async () => {
  const { its, block, names, visits } = await twoKinds({ WebSocket: BLOCKED });
  const near = await openStream(its.world);
  block.WebSocket = undefined;
  await pass(its.world.clock, RETRY, SECOND);
  await until(() => visits.length === 2);
  await connected(its);
  visits[1]?.hubEnd.cut("cut on the way");
  await waiting(its);
  its.world.clock.advance(200);
  await connected(its);
  near.stream.write(Buffer.from("goes on"));
  await until(() => its.sockets[0]?.received === "goes on");
  expect([names.at(-1), near.resetBy]).toEqual(["HTTPS", undefined]);
  await stop(its);
});

test("it stops while HTTPS serves, and leaves no timer behind", async () => {
  const { its } = await twoKinds({ WebSocket: BLOCKED });
  await stop(its);
  await settle();
  expect(its.world.clock.pending).toBe(0);
});
