/** A run: notifications are written all the while, faults happen for so long, and then all must be there. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  type FarsiteLab,
  freePort,
  type Installation,
  type TestAgent,
  type TestHub,
} from "../../lab/farsite.ts";
import { Dice } from "../dice.ts";
import { Relay } from "../line/relay.ts";
import { Central } from "./central.ts";
import { canMount, SmallDisk } from "./disks.ts";
import { writeNotification } from "./notification.ts";
import type { Options } from "./options.ts";
import { namesIn, spoolFolders } from "./places.ts";

export interface Report {
  written: number;
  delivered: number;
  lost: number;
  duplicated: number;
  outOfOrder: number;
  kills: number;
  /** Times that the line was cut or carried nothing, and that a disk was full. */
  cuts: number;
  fullDisks: number;
  /** Files that landed and were no notification; files that the agent set aside; what was left anywhere. */
  strange: string[];
  corrupted: string[];
  leftOver: string[];
  seconds: number;
  seed: number;
}

const SITE = "acme/main";
/** ms between two faults of a kind. */
const KILL = { least: 300, most: 2_500 };
const CUT = { least: 500, most: 4_000 };
const FULL = { least: 2_000, most: 6_000 };
/** ms for which the line is out, or a disk is full. */
const WHILE = { least: 200, most: 2_500 };
/** ms between two notifications, so that the times of their files differ: the kernel counts in ticks of 4. */
const TICK = 10;
/** ms in which everything must have arrived, once nothing fails any more. */
const COOL_DOWN = 90_000;

interface Stage {
  hub: TestHub;
  agent: TestAgent;
  relay: Relay;
  central: Central;
  disks: SmallDisk[];
  spool: string;
  corrupted: string;
  start: Start;
}

type Start = Parameters<Installation["start"]>[0];

export async function run(
  options: Options,
  lab: FarsiteLab,
  progress: (line: string) => void,
): Promise<Report> {
  const stage = await setStage(options, lab, progress);
  const { hub, agent, relay, central, disks, spool, corrupted } = stage;
  const dice = new Dice(options.seed);
  const stop = new AbortController();
  lab.cleanup.add("end the faults", () => stop.abort());
  const counts = { kills: 0, cuts: 0, fullDisks: 0 };
  let written = 0;
  const began = performance.now();
  const loops = Promise.all([
    forever(
      stop.signal,
      () => 1_000 / options.rate,
      async () => {
        // a machine that was busy makes up for it
        const due = Math.floor(((performance.now() - began) / 1_000) * options.rate);
        for (; written < due && !stop.signal.aborted; await delay(TICK)) writeNotification(spool, ++written);
      },
    ),
    ...[hub, agent].map((each) => kills(each, dice.fork(), stop.signal, stage.start, () => counts.kills++)),
    cuts(relay, dice.fork(), stop.signal, () => counts.cuts++),
    fullDisks(disks, dice.fork(), stop.signal, () => counts.fullDisks++),
    forever(
      stop.signal,
      () => 10_000,
      async () => {
        progress(`${written} written, ${central.delivered} delivered, ${counts.kills} kills`);
      },
    ),
  ]);
  await Promise.race([delay(options.seconds * 1_000), loops]);
  stop.abort();
  await loops;
  const seconds = Math.round(performance.now() - began) / 1_000;
  relay.recover();
  for (const disk of disks) disk.empty();
  progress(`faults are over: ${written} written, ${central.delivered} delivered`);
  const deadline = performance.now() + COOL_DOWN;
  const left = () => leftOver(stage);
  while ((central.delivered < written || left().length > 0) && performance.now() < deadline) await delay(100);
  central.scan();
  central.close();
  return {
    written,
    delivered: central.delivered,
    lost: written - central.delivered,
    duplicated: central.duplicated,
    outOfOrder: central.outOfOrder,
    ...counts,
    strange: central.strange,
    corrupted: namesIn(corrupted),
    leftOver: left(),
    seconds,
    seed: options.seed,
  };
}

async function setStage(options: Options, lab: FarsiteLab, progress: (line: string) => void): Promise<Stage> {
  const { spool, landing, corrupted } = spoolFolders(lab.folder);
  const port = await freePort();
  const relay = await Relay.start(() => port, 0, lab.cleanup);
  const hub = await lab.makeHub({
    url: `wss://127.0.0.1:${relay.port}`,
    listen: { port },
    notifications: { sinks: { central: { kind: "spool", folder: landing } } },
  });
  const agent = lab.makeAgent({ notifications: { spool } });
  const disks = canMount()
    ? [
        SmallDisk.mount("the agent's outbox", join(agent.stateDir, "outbox"), lab.cleanup),
        SmallDisk.mount("the hub's inbox", join(hub.stateDir, "inbox"), lab.cleanup),
        SmallDisk.mount("the central site's spool", landing, lab.cleanup),
      ]
    : [];
  if (disks.length === 0) progress("not root: no disk will be full");
  const central = new Central(landing, progress);
  lab.cleanup.add("end the spooler", () => central.close());
  const say = options.verbose ? progress : () => {};
  const start = { onLine: say };
  await hub.start(start);
  const { token } = await hub.addSite(SITE);
  await agent.ok("enroll", token);
  await agent.start(start);
  await hub.reaches(SITE, "connected");
  return { hub, agent, relay, central, disks, spool, corrupted, start };
}

/** Does something again and again, until it is told to stop. */
async function forever(signal: AbortSignal, pause: () => number, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await delay(pause(), undefined, { signal }).catch(() => {});
    if (!signal.aborted) await work();
  }
}

function kills(
  program: Installation,
  dice: Dice,
  signal: AbortSignal,
  start: Start,
  killed: () => void,
): Promise<void> {
  return forever(
    signal,
    () => dice.between(KILL.least, KILL.most),
    async () => {
      await program.crash();
      killed();
      await program.start(start);
    },
  );
}

function cuts(relay: Relay, dice: Dice, signal: AbortSignal, cut: () => void): Promise<void> {
  return forever(
    signal,
    () => dice.between(CUT.least, CUT.most),
    async () => {
      cut();
      if (dice.unit() < 0.7) for (const connection of relay.connections) connection.kill("reset");
      else {
        relay.become({ outage: true });
        await delay(dice.between(WHILE.least, WHILE.most));
        relay.recover();
      }
    },
  );
}

function fullDisks(
  disks: readonly SmallDisk[],
  dice: Dice,
  signal: AbortSignal,
  filled: () => void,
): Promise<void> {
  if (disks.length === 0) return Promise.resolve();
  return forever(
    signal,
    () => dice.between(FULL.least, FULL.most),
    async () => {
      const disk = dice.pick(disks.map((each) => [1, each] as const));
      disk.fill();
      filled();
      await delay(dice.between(WHILE.least, WHILE.most));
      disk.empty();
    },
  );
}

/** What is still somewhere between the two sites. */
function leftOver({ hub, agent, spool }: Stage): string[] {
  const places = [
    [spool, spool],
    [join(agent.stateDir, "outbox"), "outbox"],
    [join(hub.stateDir, `inbox/${SITE}/notify/queue`), "queue"],
  ] as const;
  return places.flatMap(([path, name]) =>
    namesIn(path, true)
      .filter((each) => /(^|\/)(\d{12}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/.test(each))
      .map((each) => `${name}: ${each}`),
  );
}
