import { expect, test } from "vitest";
import type { CoreReport } from "../../../common/core.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { pass, SECOND, settle } from "../handshake/rig.ts";
import { connected, type Rig, rig, stop, untilDialled } from "./rig.ts";

const ONLINE: CoreReport = {
  kind: "core",
  service: "livestatus",
  state: "online",
  since: 1_790_000_000_000,
  core: { started: 1_790_000_000, pid: 4711, program: "p", livestatus: "l" },
};
const DEAD: CoreReport = {
  kind: "core",
  service: "livestatus",
  state: "dead",
  cause: "hung",
  reason: "no answer",
  since: 1_790_000_001_000,
};

interface CoreRig extends Rig {
  /** Says how the core is from now on. */
  turn(report: CoreReport): Promise<void>;
  /** What the hub was told, in order. */
  heard: (CoreReport | undefined)[];
  /** Bytes that the agent has sent to the hub over its newest carrier. */
  sent(): number;
}

async function coreRig(first?: CoreReport): Promise<CoreRig> {
  let report = first;
  const its = await rig({ core: () => report });
  const { id } = await its.world.site();
  const heard: (CoreReport | undefined)[] = [];
  its.world.changed = () => {
    const { core } = its.world.sites.state(id);
    if (core !== heard.at(-1)) heard.push(core);
  };
  let bytes = 0;
  its.start();
  await connected(its);
  await settle();
  for (const { agentEnd } of its.visits) {
    agentEnd.tamper = (message) => {
      bytes += message.length;
      return message;
    };
  }
  const turn = async (next: CoreReport) => {
    report = next;
    its.connector.tellCore();
    await settle();
  };
  return { ...its, turn, heard, sent: () => bytes };
}

test("the hub is told at the start of a session how the core is, and again only when that has changed", async () => {
  const its = await coreRig(ONLINE);
  expect(its.heard).toEqual([ONLINE]);
  for (let i = 0; i < 100; i++) its.connector.tellCore();
  await settle();
  // not a byte: nothing has changed
  expect(its.sent()).toBe(0);
  await its.turn(DEAD);
  expect(its.heard).toEqual([ONLINE, DEAD]);
  expect(its.sent()).toBeGreaterThan(0);
  await stop(its);
});

test("a core that was not asked yet is not spoken of, and told as soon as it was", async () => {
  const its = await coreRig();
  expect(its.heard).toEqual([]);
  await its.turn(ONLINE);
  expect(its.heard).toEqual([ONLINE]);
  await stop(its);
});

test("changes while there is no carrier do not pile up: the next one begins with what is true then", async () => {
  const its = await coreRig(ONLINE);
  const { resolve, promise } = Promise.withResolvers<void>();
  its.line.hold = promise;
  its.visits[0]?.agentEnd.cut("gone");
  await untilDialled(its);
  for (let i = 0; i < 500; i++) await its.turn({ ...(i % 2 ? DEAD : ONLINE) });
  const last = { ...DEAD, reason: "at last" };
  await its.turn(last);
  resolve();
  await connected(its);
  await settle();
  expect(its.heard).toEqual([ONLINE, last]);
  expect(its.world.log.lines.filter((line) => line.message === "session ended")).toEqual([]);
  await stop(its);
});

test("an interruption without a change tells nothing anew", async () => {
  const its = await coreRig(ONLINE);
  its.visits[0]?.agentEnd.cut("gone");
  await untilDialled(its);
  await connected(its);
  its.world.clock.advance(SECOND);
  await settle();
  expect(its.heard).toEqual([ONLINE]);
  await stop(its);
});

test("a new session is told anew", async () => {
  const its = await coreRig(ONLINE);
  const { id } = await its.world.site();
  its.line.down = new FarsiteError("E_HUB_UNREACHABLE", "down");
  its.visits[0]?.agentEnd.cut("gone");
  await pass(its.world.clock, 61 * SECOND, SECOND);
  its.line.down = undefined;
  await untilDialled(its);
  await connected(its);
  await settle();
  expect(its.world.sites.state(id)).toMatchObject({ state: "connected", core: ONLINE });
  expect(its.heard).toEqual([ONLINE, undefined, ONLINE]);
  await stop(its);
});
