import { expect, onTestFinished, test } from "vitest";
import type { CoreReport } from "../../../common/core.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { pack } from "../../../common/msgpack.ts";
import { SiteStates } from "../../../hub/livestatus/index.ts";
import { UNREPORTED } from "../../../hub/livestatus/state.ts";
import { Agent, HOLD, MINUTE, pass, SECOND, settle, World } from "../handshake/rig.ts";

const GRACE = 60 * SECOND;
const CORE = {
  started: 1_790_000_000,
  pid: 4711,
  program: "Check_MK 2.3.0",
  livestatus: "2.3.0",
  hosts: 3,
  services: 6,
};

interface Rig {
  world: World;
  states: SiteStates;
  id: number;
  /** Sites of which a change was told. */
  changed: number[];
  /** The present state, without what is not of interest. */
  now(): { state: string | undefined; reason: string | undefined };
  since(): number | undefined;
  /** What was logged of states. */
  said(): string[];
}

/** A hub that has just started, and knows acme/main. */
async function rig(): Promise<Rig> {
  const world = await World.open();
  const { clock, log } = world;
  const changed: number[] = [];
  const states = new SiteStates({
    clock,
    log,
    tunnel: (siteId) => world.sites.state(siteId),
    hold: HOLD,
    grace: GRACE,
    changed: (siteId) => void changed.push(siteId),
  });
  onTestFinished(() => states.close());
  world.changed = (siteId) => states.update(siteId);
  world.keyed = (site) => states.know(site);
  const site = await world.site();
  states.know(site);
  const now = () => {
    const current = states.state(site.id);
    return { state: current?.state, reason: current?.reason };
  };
  const said = () => log.lines.map((line) => line.message).filter((line) => line.startsWith("Site "));
  return { world, states, id: site.id, changed, now, since: () => states.state(site.id)?.since, said };
}

function online(core: Partial<typeof CORE> = {}): CoreReport {
  return { kind: "core", service: "livestatus", state: "online", since: 0, core: { ...CORE, ...core } };
}

const DEAD = {
  kind: "core",
  service: "livestatus",
  state: "dead",
  cause: "stopped",
  reason: "[Errno 111] Connection refused",
  since: 0,
} as const;

async function say(agent: Agent, ...messages: unknown[]): Promise<void> {
  for (const message of messages) agent.tunnel?.mux.sendControl(pack(message));
  await settle();
}

/** An agent that is connected and offers Livestatus. */
async function agentOf(world: World, skew = 0): Promise<Agent> {
  const agent = new Agent(world, skew);
  await agent.enrol(await world.token());
  await agent.connect();
  await say(agent, { kind: "services", names: ["livestatus"] });
  return agent;
}

test("a site without an agent is unknown; one whose agent is enrolled is waited for", async () => {
  const { world, now, since } = await rig();
  expect(now()).toEqual({ state: "unknown", reason: "no agent is enrolled" });
  world.clock.advance(SECOND);
  await world.enrolled();
  expect(now()).toEqual({ state: "waiting", reason: "the agent has not connected yet" });
  expect(since()).toBe(world.clock.wall());
  world.clock.advance(10 * GRACE);
  expect(now().state).toBe("waiting");
});

test("a site whose agent is push-only cannot be asked, however its core is; a dead core is dead", async () => {
  const { world, now } = await rig();
  const agent = await agentOf(world);
  await say(agent, { kind: "services", names: [], pushOnly: true });
  expect(now()).toEqual({ state: "unknown", reason: "the agent is push-only: nothing can be asked" });
  await say(agent, online());
  expect(now().reason).toBe("the core is online, but the agent is push-only: nothing can be asked");
  await say(agent, DEAD);
  expect(now().state).toBe("dead");
});

test("an agent that is there is waited for until it says how its core is", async () => {
  const { world, now, states, id } = await rig();
  const agent = await agentOf(world);
  expect(now()).toEqual({ state: "waiting", reason: "the agent has not said yet how its core is" });
  expect(states.unreachable(id)).toBeUndefined();
  await say(agent, online());
  expect(states.state(id)).toEqual({ state: "online", since: world.clock.wall(), core: CORE });
});

test("an agent that does not say how its core is leaves it unknown; so does one without the service", async () => {
  const { world, now, states, id } = await rig();
  const agent = await agentOf(world);
  await pass(world.clock, UNREPORTED - 1, SECOND);
  expect(now().state).toBe("waiting");
  world.clock.advance(1);
  expect(now()).toEqual({ state: "unknown", reason: "the agent does not say how its core is" });
  // it may answer all the same
  expect(states.unreachable(id)).toBeUndefined();
  await say(agent, { kind: "services", names: ["http"] });
  expect(now()).toEqual({ state: "unknown", reason: "the agent offers no service livestatus" });
});

test("a site without the service at the hub is unknown, whatever its agent says", async () => {
  const { world, states } = await rig();
  const site = await world.registry.addSite("test", "acme", "web", ["http"]);
  states.know(site);
  expect(states.state(site.id)).toMatchObject({
    state: "unknown",
    reason: "the site has no service livestatus at the hub",
  });
});

test.each([
  ["stopped", "[Errno 111] Connection refused"],
  ["hung", "takes connections, but did not answer within 2 s"],
] as const)("a core that is %s makes the site dead, since the agent has seen it", async (cause, reason) => {
  const { world, now, since, states, id } = await rig();
  const skew = 90 * SECOND;
  const agent = await agentOf(world, skew);
  await pass(world.clock, 10 * SECOND, SECOND);
  await say(agent, { ...DEAD, cause, reason, since: world.clock.wall() + skew - 3 * SECOND });
  expect(now()).toEqual({ state: "dead", reason });
  expect(states.state(id)).toMatchObject({ cause });
  expect(since()).toBe(world.clock.wall() - 3 * SECOND);
  expect(states.unreachable(id)).toBe(`the site is dead (${cause}): ${reason}`);
  expect(states.generation(id)).toBeUndefined();
});

test("a core cannot be dead since a time to come", async () => {
  const { world, since } = await rig();
  await say(await agentOf(world), { ...DEAD, since: Number.MAX_SAFE_INTEGER });
  expect(since()).toBe(world.clock.wall());
});

test("a site whose carrier was lost is waited for, as long as clients wait, and then out of reach", async () => {
  const { world, now, since, states, id, changed } = await rig();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  await say(agent, { kind: "services", names: ["livestatus"] }, online());
  world.clock.advance(SECOND);
  over.agentEnd.cut("the line went\ndead");
  await settle();
  const lost = world.clock.wall();
  expect(now()).toEqual({ state: "waiting", reason: "the line went?dead" });
  expect([since(), states.generation(id), states.unreachable(id)]).toEqual([lost, undefined, undefined]);
  world.clock.advance(HOLD);
  expect(now().state).toBe("waiting");
  const before = changed.length;
  world.clock.advance(1);
  expect(now()).toEqual({ state: "unreach", reason: "the line went?dead" });
  expect(changed.length).toBe(before + 1);
  expect(states.unreachable(id)).toBe("the site is unreach: the line went?dead");
  world.clock.advance(GRACE);
  expect(now()).toEqual({ state: "unreach", reason: "no new carrier within 60 s: the line went?dead" });
  // since it cannot be reached, not since the session was given up
  expect(since()).toBe(lost);
});

test("a site is online again at once when the session goes on over another carrier", async () => {
  const { world, now, states, id } = await rig();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  await say(agent, { kind: "services", names: ["livestatus"] }, online());
  over.agentEnd.cut("gone");
  await settle();
  world.clock.advance(HOLD + SECOND);
  expect(now().state).toBe("unreach");
  await agent.connect();
  expect([now().state, states.generation(id)]).toEqual(["online", "1790000000/4711"]);
});

test("a dead core stays dead over a moment without a carrier", async () => {
  const { world, now, said } = await rig();
  const agent = await world.enrolled();
  const over = world.receive();
  await agent.connect(over);
  await say(agent, { kind: "services", names: ["livestatus"] }, DEAD);
  over.agentEnd.cut("gone");
  await settle();
  expect(now()).toEqual({ state: "dead", reason: DEAD.reason });
  await agent.connect();
  expect(now().state).toBe("dead");
  expect(said().at(-1)).toContain("-> dead");
});

test("an agent that says goodbye is down, and so is a site whose agent was replaced", async () => {
  const { world, now, states, id } = await rig();
  const agent = await agentOf(world);
  world.clock.advance(SECOND);
  agent.tunnel?.session.end(new FarsiteError("E_SESSION_LOST", "the agent stops"));
  await settle();
  expect(now()).toEqual({ state: "down", reason: "the agent stops" });
  expect(states.unreachable(id)).toBe("the site is down: the agent stops");
  await agent.connect();
  expect(now().state).toBe("waiting");
});

test("a new session is not known by what the last one said", async () => {
  const { world, now, said } = await rig();
  const agent = await agentOf(world);
  await say(agent, online());
  agent.tunnel = undefined;
  await agent.connect();
  expect(now()).toEqual({ state: "waiting", reason: "the agent has not said yet how its core is" });
  // not a moment without a session was seen
  expect(said().filter((line) => /down|unreach/.test(line))).toEqual([]);
});

test("after its start a hub waits for the agents it knows, and then does without them", async () => {
  const { world, states } = await rig();
  await world.enrolled();
  world.clock.advance(SECOND);
  const { id } = await world.site();
  await world.registry.seen(id);
  const seen = world.clock.wall();
  world.clock.advance(10 * MINUTE);
  // the hub starts again: all it knows is the registry
  states.forget(id);
  states.know(await world.site());
  expect(states.state(id)).toMatchObject({ state: "waiting" });
  world.clock.advance(GRACE - 1);
  expect(states.state(id)).toMatchObject({ state: "waiting" });
  world.clock.advance(1);
  expect(states.state(id)).toEqual({ state: "unreach", reason: "the agent has not come back", since: seen });
});

test("a disabled site is disabled, whatever its agent says, until it is enabled", async () => {
  const { world, states, id, now } = await rig();
  await say(await agentOf(world), online());
  states.know({ ...(await world.site()), enabled: false });
  expect(now()).toEqual({ state: "disabled", reason: "the site is disabled at the hub" });
  expect(states.unreachable(id)).toContain("disabled");
  states.know(await world.site());
  expect(now().state).toBe("online");
});

test("a site that is enabled again waits for its agent, which was cut off", async () => {
  const { world, states, id, now } = await rig();
  await say(await agentOf(world), online());
  world.clock.advance(1);
  states.know({ ...(await world.site()), enabled: false });
  world.sites.cut(id, new FarsiteError("E_SITE_DISABLED", "this site was disabled at the hub"));
  expect(now().state).toBe("disabled");
  world.clock.advance(1);
  states.know(await world.site());
  expect(now()).toEqual({ state: "waiting", reason: "the agent has not connected yet" });
});

test("a revoked site has no agent, and is waited for when it is enrolled anew", async () => {
  const { world, states, now } = await rig();
  await say(await agentOf(world), online());
  const revoked = await world.registry.revoke("test", "acme", "main");
  world.clock.advance(1);
  world.sites.cut(revoked.id, new FarsiteError("E_KEY_REVOKED", "this agent's key was revoked"));
  states.know(revoked);
  expect(now()).toEqual({ state: "unknown", reason: "no agent is enrolled" });
  world.clock.advance(1);
  await world.enrolled();
  expect(now()).toEqual({ state: "waiting", reason: "the agent has not connected yet" });
});

test("a generation is told from the next: by the process, by the configuration, and by nothing else", async () => {
  const { world, states, id, since, changed } = await rig();
  const agent = await agentOf(world);
  await say(agent, online());
  const began = since();
  const seen = [states.generation(id)];
  const told = [changed.length];
  for (const core of [{ pid: 1 }, { started: 1_790_000_001 }, { hosts: 99 }]) {
    world.clock.advance(SECOND);
    await say(agent, online(core));
    seen.push(states.generation(id));
    told.push(changed.length);
  }
  expect(seen).toEqual(["1790000000/4711", "1790000000/1", "1790000001/4711", "1790000000/4711"]);
  expect(new Set(told).size).toBe(4);
  await say(agent, online({ services: 7 }));
  expect(changed.length).toBe(told.at(-1));
  expect(states.state(id)?.core?.services).toBe(7);
  expect(since()).toBe(began);
});

test("changes are logged once each, as Checkmk's Livestatus proxy would", async () => {
  const { world, said } = await rig();
  const agent = await agentOf(world);
  await say(agent, online(), online(), DEAD, DEAD, { ...DEAD, cause: "hung", reason: "no answer" }, online());
  expect(said()).toEqual([
    "Site acme/main: state changed: unknown -> waiting: the agent has not connected yet",
    "Site acme/main: state changed: waiting -> online",
    "Site acme/main: state changed: online -> dead (stopped): [Errno 111] Connection refused",
    "Site acme/main: state changed: dead -> dead (hung): no answer",
    "Site acme/main: state changed: dead -> online",
  ]);
  const levels = world.log.lines.filter((line) => line.message.startsWith("Site ")).map((line) => line.level);
  expect(levels).toEqual(["info", "info", "warning", "warning", "info"]);
});

test("an agent that reports without end fills no log, and its last word counts", async () => {
  const { world, said, now } = await rig();
  const agent = await agentOf(world);
  for (let second = 0; second < 55; second++) {
    for (let i = 0; i < 50; i++) await say(agent, i % 2 === 0 ? DEAD : online());
    world.clock.advance(SECOND);
  }
  await say(agent, DEAD);
  world.clock.advance(5 * SECOND);
  expect(said()).toHaveLength(21);
  expect(said().at(-1)).toMatch(/^Site acme\/main: \d+ more changes of state, now dead \(stopped\): /);
  expect(now().state).toBe("dead");
});

test("what is asked of a site that is not known is not answered, and nothing is left of one that is gone", async () => {
  const { world, states, id } = await rig();
  await say(await agentOf(world), online());
  states.forget(id);
  states.update(id);
  expect([states.state(id), states.generation(id), states.unreachable(id)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(states.records()).toEqual([]);
  world.sites.endAll(new FarsiteError("E_SESSION_LOST", "over"), 0);
  await settle();
  expect(world.clock.pending).toBe(0);
});
