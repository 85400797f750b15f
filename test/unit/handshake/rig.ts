/** A hub's real handshake and registry, and agents that come to it over carriers in memory. */
import { expect, onTestFinished } from "vitest";
import { enrol, type HandshakeDeps, openSession } from "../../../agent/tunnel/handshake.ts";
import { type MemoryCarrier, memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { type ErrorCode, FarsiteError } from "../../../common/errors.ts";
import type { Attach, Attached, EnrolmentToken, KeysControl } from "../../../common/handshake/index.ts";
import { MemoryLog } from "../../../common/log.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import type { Link } from "../../../common/session/index.ts";
import { createTunnel, type Tunnel } from "../../../common/tunnel.ts";
import {
  AgentKeys,
  Enrolment,
  openStore,
  parsePool,
  Registry,
  type Site,
  type Store,
} from "../../../hub/registry/index.ts";
import { Probing, TunnelledSites, welcome } from "../../../hub/tunnel/index.ts";
import { Tap } from "../mux/rig.ts";
import { settle } from "../session/rig.ts";

export { pass, settle } from "../session/rig.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** How long after the loss of a carrier the hub lets new streams wait for the next, in ms. */
export const HOLD = 5 * SECOND;
/** The hub's and the agents' limit for a handshake, in ms. */
export const TIMEOUT = 10 * SECOND;

/** One carrier to the hub, whose side of the handshake runs. */
export interface Visit {
  /** What the agent, or the test in its place, speaks through. */
  readonly agentEnd: MemoryCarrier;
  readonly hubEnd: MemoryCarrier;
  /** The hub is through with the handshake, whichever way. */
  readonly welcomed: Promise<void>;
}

export class World {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly identity = KeyPair.identity(systemRandom);
  /** By which agents may know it. */
  hubKeys: readonly KeyPair[] = [this.identity];
  /** Peers that were refused for what they knew. */
  readonly guesses: string[] = [];
  readonly registry: Registry;
  readonly enrolment: Enrolment;
  readonly agentKeys: AgentKeys;
  readonly sites: TunnelledSites;
  readonly probing = new Probing({ clock: this.clock, timeout: TIMEOUT });
  /** Called when the tunnel's view of a site changes, and when a site gets an agent's key. */
  changed: (siteId: number) => void = () => {};
  /** Carriers that came and went. */
  readonly carriers: unknown[] = [];
  keyed: (site: Site) => void = () => {};
  greeting: (site: Site) => KeysControl = () => ({ kind: "keys", hub: this.hubKeys[0]!.publicKey.bytes });
  keyOffered: (site: Site, publicKey: Uint8Array) => void = () => {};

  private constructor(readonly store: Store) {
    const wall = () => this.clock.wall();
    this.registry = new Registry({ store, pool: parsePool("127.64.0.0/16"), wall });
    this.enrolment = new Enrolment(store, this.registry, systemRandom, wall);
    this.agentKeys = new AgentKeys({ store, registry: this.registry, wall });
    this.sites = new TunnelledSites({
      clock: this.clock,
      random: systemRandom,
      log: this.log,
      defer: queueMicrotask,
      session: {},
      maxStreams: 16,
      hold: HOLD,
      carriers: {
        came: (siteId, carrier) => void this.carriers.push([siteId, "came", carrier]),
        went: (siteId, reason) => void this.carriers.push([siteId, "went", reason]),
      },
      lost: () => {},
      changed: (siteId) => this.changed(siteId),
      greeting: (site) => this.greeting(site),
      keyOffered: (site, key) => this.keyOffered(site, key),
    });
  }

  /** A hub with the sites `acme/main` and `globex/main`. */
  static async open(): Promise<World> {
    const world = new World(await openStore("sqlite::memory:"));
    onTestFinished(() => world.store.close());
    for (const tenant of ["acme", "globex"]) {
      await world.registry.addTenant("test", tenant);
      await world.registry.addSite("test", tenant, "main", ["livestatus"]);
    }
    return world;
  }

  site(tenant = "acme"): Promise<Site> {
    return this.registry.site(tenant, "main");
  }

  /** Codes of the refusals that the hub noted, in order. */
  get refusals(): unknown[] {
    return this.log.lines.filter((line) => line.message === "agent refused").map((line) => line.fields.code);
  }

  async token(tenant = "acme", ttl = HOUR): Promise<EnrolmentToken> {
    const { id, secret } = await this.enrolment.issue("test", tenant, "main", ttl);
    return {
      url: "wss://hub.example",
      hubKey: this.identity.publicKey.bytes,
      certificate: undefined,
      id,
      secret,
    };
  }

  /** A new carrier to the hub, which ends at `sites` when its handshake is over. */
  receive(sites: Pick<TunnelledSites, "attach"> = this.sites): Visit {
    const [agentEnd, hubEnd] = memoryPair();
    const welcomed = welcome(hubEnd, {
      keys: { accepted: this.hubKeys },
      agentKeys: this.agentKeys,
      registry: this.registry,
      enrolment: this.enrolment,
      sites: sites as TunnelledSites,
      probing: this.probing,
      clock: this.clock,
      random: systemRandom,
      log: this.log,
      timeout: TIMEOUT,
      refused: (peer) => void this.guesses.push(peer),
      enrolled: (site) => this.keyed(site),
    });
    return { agentEnd, hubEnd, welcomed };
  }

  /** Everything in the database. */
  async dump(): Promise<string> {
    const tables = ["tenant", "site", "site_service", "agent_key", "token", "setting", "audit"];
    return this.store.transaction(async (sql) => {
      const all: Record<string, unknown> = {};
      const statements = sql as unknown as { unsafe(text: string): Promise<unknown[]> };
      for (const table of tables) all[table] = [...(await statements.unsafe(`SELECT * FROM ${table}`))];
      return JSON.stringify(all);
    });
  }

  /** An agent that is enrolled for a tenant's site. */
  async enrolled(tenant = "acme"): Promise<Agent> {
    const agent = new Agent(this);
    await agent.enrol(await this.token(tenant));
    return agent;
  }

  /** An agent with somebody's key. */
  enrolledWith(identity: KeyPair): Agent {
    const agent = new Agent(this);
    agent.identity = identity;
    return agent;
  }

  /** An agent that is enrolled and has a session. */
  async connected(tenant = "acme"): Promise<Agent> {
    const agent = await this.enrolled(tenant);
    await agent.connect();
    return agent;
  }
}

export class Agent {
  identity = KeyPair.identity(systemRandom);
  readonly clock: FakeClock;
  tunnel: Tunnel | undefined;
  /** The hub's last answer to ATTACH. */
  answer: Attached | undefined;
  /** Streams that the hub opened. */
  readonly accepted: Tap[] = [];
  /** Why sessions of this agent ended. */
  readonly ends: FarsiteError[] = [];
  /** Why carriers were lost. */
  readonly losses: FarsiteError[] = [];
  /** What the hub asked for with GOAWAY, ms. */
  readonly goAways: number[] = [];

  /** @param skew this host's clock less the hub's, ms */
  constructor(
    readonly world: World,
    skew = 0,
  ) {
    this.clock = skew === 0 ? world.clock : new FakeClock(world.clock.wall() + skew);
  }

  #deps(hubKey: Uint8Array): HandshakeDeps {
    return { identity: this.identity, hubKey, clock: this.clock, random: systemRandom, timeout: TIMEOUT };
  }

  async enrol(token: EnrolmentToken, over = this.world.receive(), keep: () => void = () => {}) {
    try {
      const accepted = await enrol(over.agentEnd, token, keep, this.#deps(token.hubKey));
      await over.welcomed;
      return accepted;
    } finally {
      await settle();
    }
  }

  /** Asks for its session to go on, or for a new one. */
  async connect(over = this.world.receive(), wanted = this.wanted()) {
    try {
      const take = (answer: Attached, link: Link) => this.#take(answer, link);
      const hubKey = this.world.identity.publicKey.bytes;
      const accepted = await openSession(over.agentEnd, wanted, take, this.#deps(hubKey));
      await over.welcomed;
      return accepted;
    } finally {
      await settle();
    }
  }

  wanted(): Attach {
    const session = this.tunnel?.session;
    return { session: session?.id ?? null, received: session?.received ?? 0 };
  }

  #take(answer: Attached, link: Link): void {
    this.answer = answer;
    if (answer.resumed) {
      this.tunnel?.session.adopt(link, answer.received, answer.from);
      return;
    }
    this.tunnel = createTunnel({
      side: "agent",
      id: answer.session,
      clock: this.clock,
      random: systemRandom,
      defer: queueMicrotask,
      handlers: {
        accept: (stream) => void this.accepted.push(new Tap(stream)),
        control() {},
        carrier: (_link, reason) => void (reason && this.losses.push(reason)),
        goAway: (ms) => void this.goAways.push(ms),
        end: (reason) => void this.ends.push(reason),
      },
    });
    this.tunnel.session.adopt(link, 0, 0);
  }
}

/** A stream from the hub to a site, with what the hub's side hears of it. */
export async function openStream(world: World, tenant = "acme"): Promise<Tap> {
  const stream = world.sites.open((await world.site(tenant)).id, "livestatus", INTERACTIVE, false);
  if (!stream) throw new Error(`${tenant}/main is not connected`);
  return new Tap(stream);
}

/** The error that `promise` rejects with; any other end fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<FarsiteError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`resolved where an error was expected`);
  expect(outcome.error).toBeInstanceOf(FarsiteError);
  return outcome.error as FarsiteError;
}

export async function rejectionCode(promise: Promise<unknown>): Promise<ErrorCode> {
  return (await rejection(promise)).code;
}

/** Changes (or with undefined drops) the message number `n`, from 0, that leaves through `carrier`. */
export function alter(
  carrier: MemoryCarrier,
  n: number,
  change: (message: Buffer) => Buffer | undefined,
): void {
  let count = 0;
  carrier.tamper = (message) => (count++ === n ? change(Buffer.from(message)) : message);
}

/** Every message that leaves through `carrier` from now on. */
export function record(carrier: MemoryCarrier): Buffer[] {
  const messages: Buffer[] = [];
  carrier.tamper = (message) => {
    messages.push(Buffer.from(message));
    return message;
  };
  return messages;
}

/** Waits for what needs several turns of the event loop (the database does), but never for time. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (condition()) return;
    await settle();
  }
  throw new Error("what was awaited did not happen");
}

/** What came to the agent's end of a carrier that the test itself speaks through. */
export function listen(over: Visit): { messages: Buffer[]; closed: string[] } {
  const heard = { messages: [] as Buffer[], closed: [] as string[] };
  over.agentEnd.attach({
    message: (message) => void heard.messages.push(message),
    drain() {},
    close: (reason) => void heard.closed.push(reason),
  });
  return heard;
}
