/** The hub's inbox as hub.toml says: its lanes and their sinks. */
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { type Reconfigurable, switched } from "../../common/config/index.ts";
import { systemDisk } from "../../common/disk.ts";
import type { Log } from "../../common/log.ts";
import { withUntold } from "../../common/notices.ts";
import { INVENTORY_LANE, Opener, STATUS_LANE } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import type { HubConfig } from "../config/index.ts";
import {
  connectOverNetwork,
  DumpsLane,
  Inbox,
  type InboxRules,
  InventoryLane,
  notifyLane,
  postOverNetwork,
  Refusals,
} from "../inbox/index.ts";
import type { HubKeys } from "../keys/index.ts";
import type { AuditWriter, Registry } from "../registry/index.ts";

export interface InboxParts {
  stateDir: string;
  keys: Pick<HubKeys, "opening">;
  registry: Registry;
  recorder: AuditWriter;
  clock: Clock;
  random: Random;
  log: Log;
}

/** In the state directory: what was received, and files that commands are working on. */
const DIRECTORY = "inbox";
const FILES = "inbox-files";

export interface OpenInbox {
  inbox: Inbox;
  refusals: Refusals;
  /** Takes up what is known of the sites' dumps. */
  start(): Promise<void>;
  /** Ends all of it, once nothing more comes. */
  stop(): Promise<void>;
  part: Reconfigurable<HubConfig>;
}

export function openInbox(config: HubConfig, parts: InboxParts): OpenInbox {
  const { stateDir, keys, registry, recorder, clock, random, log } = parts;
  const disk = systemDisk;
  const directory = join(stateDir, DIRECTORY);
  const refusals = new Refusals({
    clock,
    tell: ({ tenant, site }, lane, reason, untold) => {
      const path = `${tenant}/${site}`;
      const what = lane === STATUS_LANE ? "something in a status dump was refused" : "an item was refused";
      log.warn(what, { site: path, lane, reason, untold });
      recorder.record("agent", "inbox.refuse", path, withUntold(`${lane}: ${reason}`, untold));
    },
  });
  const dumpsLane = (rules: HubConfig["dumps"]) =>
    new DumpsLane(rules, {
      disk,
      clock,
      connect: connectOverNetwork,
      log,
      directory: ({ tenant, site }) => join(directory, tenant, site, STATUS_LANE),
      refused: (sender, reason) => refusals.note(sender, STATUS_LANE, reason),
    });
  const inventoryLane = (rules: HubConfig["inventory"]) =>
    new InventoryLane(rules, {
      disk,
      clock,
      log,
      directory: ({ tenant, site }) => join(directory, tenant, site, INVENTORY_LANE),
    });
  const rulesOf = (
    { inbox: limits, notifications }: HubConfig,
    lane: DumpsLane,
    files: InventoryLane,
  ): InboxRules => ({
    lanes: [
      lane,
      notifyLane(notifications, { disk, clock, post: postOverNetwork, directory: join(stateDir, FILES) }),
      files,
    ],
    limits: { items: limits.items, bytes: limits.mib * (1 << 20), perSecond: limits.items_per_second },
  });
  let dumps = dumpsLane(config.dumps);
  let inventory = inventoryLane(config.inventory);
  const inbox = new Inbox({
    ...rulesOf(config, dumps, inventory),
    disk,
    directory,
    opener: new Opener(() => keys.opening),
    clock,
    random,
    log,
    refused: ({ tenant, name }, lane, reason) => refusals.note({ tenant, site: name }, lane, reason),
    forgotten: ({ tenant, name }, lane, what) => {
      log.info("what a removed site had left was dealt with", { site: `${tenant}/${name}`, lane, what });
      recorder.record("hub", "inbox.forget", `${tenant}/${name}`, `${lane}: ${what}`);
    },
  });
  const start = async () => {
    const known = await registry.sites();
    await dumps.start(known.map(({ tenant, name }) => ({ tenant, site: name })));
  };
  const part = switched<HubConfig>(["inbox", "notifications", "dumps", "inventory"], (changed) => {
    const next = dumpsLane(changed.dumps);
    const files = inventoryLane(changed.inventory);
    return inbox.reconfigure(rulesOf(changed, next, files), async () => {
      await dumps.stop();
      // what it knows is saved before the next one reads it
      await inventory.stop();
      dumps = next;
      inventory = files;
      await start();
    });
  });
  const stop = async () => {
    await dumps.stop();
    await inbox.close();
    await inventory.stop();
  };
  return { inbox, refusals, start, stop, part };
}
