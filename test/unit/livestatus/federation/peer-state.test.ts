import { expect, onTestFinished, test } from "vitest";
import { pack } from "../../../../common/msgpack.ts";
import { SiteStates } from "../../../../hub/livestatus/index.ts";
import { peerStateOf } from "../../../../hub/serve/peer-state.ts";
import { HOLD, SECOND, settle, World } from "../../handshake/rig.ts";

const CORE = { started: 1_790_000_000, program: "", livestatus: "" };

/** A hub that knows acme/main, and how it tells that site's state. */
async function rig() {
  const world = await World.open();
  const states = new SiteStates({
    clock: world.clock,
    log: world.log,
    tunnel: (siteId) => world.sites.state(siteId),
    hold: HOLD,
    grace: 60 * SECOND,
  });
  onTestFinished(() => states.close());
  world.changed = (siteId) => states.update(siteId);
  world.keyed = (site) => states.know(site);
  const site = await world.site();
  states.know(site);
  const state = () =>
    peerStateOf({
      site,
      tunnel: world.sites.state(site.id),
      current: states.state(site.id),
      unreachable: states.unreachable(site.id) ?? world.sites.unreachable(site.id),
      queries: 0,
      now: world.clock.wall(),
    });
  return { world, state };
}

test("a site that never came is pending, not down, and says why it is unknown", async () => {
  const { state } = await rig();
  const reason = "the site is unknown: no agent is enrolled";
  expect(state()).toMatchObject({ up: false, pending: true, state: "unknown", reason });
});

test("a site whose agent does not offer Livestatus is not up, although it is connected", async () => {
  const { world, state } = await rig();
  const agent = await world.enrolled();
  await agent.connect(world.receive());
  agent.tunnel?.mux.sendControl(pack({ kind: "services", names: ["http"] }));
  await settle();
  const reason = "the site is unknown: the agent offers no service livestatus";
  expect(state()).toMatchObject({ up: false, pending: false, state: "unknown", reason });
});

test("a site whose carrier is being replaced is up as long as queries wait for it", async () => {
  const { world, state } = await rig();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  const online = { kind: "core", service: "livestatus", state: "online", since: 0, core: CORE };
  for (const message of [{ kind: "services", names: ["livestatus"] }, online])
    agent.tunnel?.mux.sendControl(pack(message));
  await settle();
  expect(state()).toMatchObject({ up: true, state: "online", reason: undefined });
  over.agentEnd.cut("the line went dead");
  await settle();
  const lost = world.clock.wall();
  expect(state()).toMatchObject({ up: true, pending: false, state: "waiting", reason: undefined });
  world.clock.advance(HOLD);
  expect(state()).toMatchObject({ up: true, lastOnline: lost + HOLD });
  world.clock.advance(1);
  expect(state()).toMatchObject({
    up: false,
    pending: false,
    state: "unreach",
    reason: "the site is unreach: the line went dead",
    lastOnline: lost,
  });
});
