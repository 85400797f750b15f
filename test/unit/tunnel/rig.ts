/** An enrolled agent's connector, and a hub in memory that it dials. */
import { Keys } from "../../../agent/keys/index.ts";
import { Services } from "../../../agent/service/index.ts";
import { Carriers, type CarriersOptions } from "../../../agent/tunnel/carriers.ts";
import { Connector, type ConnectorOptions } from "../../../agent/tunnel/connector.ts";
import type { DialCarrier } from "../../../agent/tunnel/websocket.ts";
import type { Clock } from "../../../common/clock.ts";
import type { FarsiteError } from "../../../common/errors.ts";
import { MemoryLog, silentLog } from "../../../common/log.ts";
import type { KeyPair } from "../../../common/noise/index.ts";
import { type Random, systemRandom } from "../../../common/random.ts";
import type { TunnelledSites } from "../../../hub/tunnel/index.ts";
import { SECOND, settle, until, type Visit, World } from "../handshake/rig.ts";
import { FakeSocket } from "../service/socket.ts";

/** Keys as they should be; jitter always at `unit` of what it may be. */
export const jitter = (unit: number): Random => ({ bytes: systemRandom.bytes, unit: () => unit });

/** Carriers of one kind: there is no choice. */
export function oneKind(dial: DialCarrier, clock: Clock): Carriers {
  return new Carriers({
    kinds: [{ name: "memory", dial }],
    clock,
    random: jitter(0.5),
    log: silentLog,
    retry: 1,
  });
}

/** Keys that nothing keeps. */
export function fixedKeys(identity: KeyPair, hubKey: Uint8Array): Keys {
  const store = { keepNext: () => {}, keepIdentity: () => {}, keepHubKeys: () => {} };
  return new Keys({ identity, next: undefined, hubKeys: [hubKey], store, random: systemRandom });
}

export interface Line {
  /** Dialling fails with it; with `downAt` only what these addresses are dialled for. */
  down: FarsiteError | undefined;
  downAt?: Set<string>;
  /** Dialling waits for it. */
  hold?: Promise<void> | undefined;
  /** While true nothing comes from the hub on a new carrier. */
  stalled?: boolean;
  /** What the hub's side of a new carrier ends at, if not at the world's sites. */
  sites?: Pick<TunnelledSites, "attach">;
}

export interface Rig {
  world: World;
  connector: Connector;
  identity: KeyPair;
  keys: Keys;
  log: MemoryLog;
  /** When it dialled, ms of its clock. */
  dials: number[];
  /** What it dialled. */
  dialled: string[];
  /** How long each dial might take, ms. */
  timeouts: number[];
  visits: Visit[];
  sockets: FakeSocket[];
  line: Line;
  start(): Promise<void>;
  /** Messages of what was logged, in order. */
  said(): string[];
}

/** ms between two tries of the better kind of carrier. */
export const RETRY = 60 * SECOND;

/** What a test may want otherwise; `dial` of the one kind of carrier that there is, or several kinds. */
type Change = Partial<ConnectorOptions> & {
  dial?: DialCarrier;
  kinds?: (world: World) => CarriersOptions["kinds"];
};

export async function rig({ dial, kinds, ...change }: Change = {}): Promise<Rig> {
  const world = await World.open();
  const { identity } = await world.enrolled();
  const { clock } = world;
  const log = new MemoryLog();
  const [dials, dialled, visits, sockets]: [number[], string[], Visit[], FakeSocket[]] = [[], [], [], []];
  const timeouts: number[] = [];
  const line: Line = { down: undefined };
  const dialHub: DialCarrier = async ({ url, timeout }) => {
    timeouts.push(timeout);
    dials.push(clock.now());
    dialled.push(url);
    await line.hold;
    if (line.down && (line.downAt?.has(url) ?? true)) throw line.down;
    const visit = world.receive(line.sites);
    visit.hubEnd.stalled = line.stalled ?? false;
    visits.push(visit);
    return visit.agentEnd;
  };
  const keys = fixedKeys(identity, world.identity.publicKey.bytes);
  const connector = new Connector({
    enrolled: { url: "wss://hub.example", tenant: "acme", site: "main" },
    keys,
    urls: ["wss://hub.example"],
    core: () => undefined,
    services: new Services({
      targets: new Map([["livestatus", { path: "/run/live" }]]),
      dial: () => {
        const made = new FakeSocket();
        queueMicrotask(() => made.connect());
        sockets.push(made);
        return made.socket;
      },
      clock,
      connectTimeout: SECOND,
      log,
    }),
    carriers: kinds
      ? new Carriers({ kinds: kinds(world), clock, random: jitter(0.5), log, retry: RETRY })
      : oneKind(dial ?? dialHub, clock),
    clock,
    random: jitter(0.5),
    log,
    defer: queueMicrotask,
    session: {},
    maxStreams: 16,
    timeout: 10 * SECOND,
    route: () => ({ kind: "direct" }),
    maxAge: undefined,
    network: () => "",
    ...change,
  });
  let running: Promise<void> | undefined;
  const start = () => {
    running ??= connector.run();
    return running;
  };
  const said = () => log.lines.map((each) => each.message);
  return {
    world,
    connector,
    identity,
    keys,
    log,
    dials,
    dialled,
    timeouts,
    visits,
    sockets,
    line,
    start,
    said,
  };
}

export const connected = ({ connector }: Rig) => until(() => connector.status().state === "connected");
export const waiting = ({ connector }: Rig) => until(() => connector.status().state === "waiting");

/** Lets time pass, in steps of `step` ms, until it dials again; the ms that took. */
export async function untilDialled(its: Rig, step = 100): Promise<number> {
  const began = its.world.clock.now();
  for (const before = its.dials.length; its.dials.length === before; ) {
    its.world.clock.advance(step);
    await settle();
  }
  return (its.dials.at(-1) as number) - began;
}

/** Stops it and waits for its end. */
export async function stop(its: Rig): Promise<void> {
  its.connector.stop();
  await its.start();
}
