/** The hub's inbox: a box for each lane of each site that has sent something. */
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import type { Disk } from "../../common/disk.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import type { Opener } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import type { Site } from "../registry/index.ts";
import { Box, type BoxLimits, type BoxStatus } from "./box.ts";
import { addTo, goneFrom, type LaneCounts } from "./counts.ts";
import type { LaneRules, Sender } from "./letter/index.ts";
import { Receiver } from "./receiver.ts";
import type { Sink } from "./sink/index.ts";

/** A lane that the hub takes. */
export interface InboxLane {
  rules: LaneRules;
  /** Where a site's letters go; nowhere: then they stay with the agent. */
  sinks(sender: Sender): readonly Sink[];
  /** A site is gone for good: what central cores have of it goes, too. Says what was done, if that is worth saying. */
  forget?(sender: Sender): Promise<readonly string[]> | undefined;
}

/** What hub.toml says of it. */
export interface InboxRules {
  lanes: readonly InboxLane[];
  limits: BoxLimits;
}

export interface InboxOptions extends InboxRules {
  disk: Disk;
  directory: string;
  opener: Opener;
  clock: Clock;
  random: Random;
  log: Log;
  /** A letter of a site was refused. */
  refused: (site: Site, lane: string, reason: string) => void;
  /** Something of a site that was removed was taken away, or could not be. */
  forgotten: (site: Site, lane: string, what: string) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #boxes = new Map<string, Promise<Box>>();
  /** Those of them that are open. */
  readonly #open = new Map<string, Box>();
  /** Sites that are there. */
  readonly #sites = new Map<number, Site>();
  #rules: InboxRules;
  #switching: Promise<void> | undefined;
  /** Of sites that are gone, by lane: what was counted never gets less. */
  readonly #gone = new Map<string, LaneCounts>();
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#rules = options;
  }

  /**
   * Other lanes and limits: every box is closed and opened again, and goes on where it was; agents send again what was
   * not acknowledged. @param between what is to be done while none is open
   */
  async reconfigure(rules: InboxRules, between: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#switching = promise;
    try {
      for (const box of this.#open.values()) this.#retire(box.status());
      await this.#closeAll();
      this.#boxes.clear();
      this.#open.clear();
      await between();
      this.#rules = rules;
    } finally {
      this.#switching = undefined;
      resolve();
    }
    for (const site of this.#sites.values()) this.offer(site);
  }

  /** Takes a stream of the service `outbox` that a site's agent opened. */
  accept(site: Site, stream: Stream): void {
    const log = this.#options.log.with({ site: `${site.tenant}/${site.name}` });
    new Receiver({ stream, box: (lane) => this.#box(site, lane), log });
  }

  /** A site is there: what it had sent before goes on to its sinks. */
  offer(site: Site): void {
    this.#sites.set(site.id, site);
    for (const { rules } of this.#rules.lanes) {
      const directory = this.#directory(site, rules.name);
      this.#options.disk
        .exists(directory)
        .then((exists) => (exists ? this.#box(site, rules.name) : undefined))
        .catch((error) => {
          this.#options.log.error("an inbox cannot be opened", { directory, reason: reasonOf(error) });
        });
    }
  }

  /** A site is gone for good, and with it what no sink has taken. */
  forget(site: Site): void {
    this.#sites.delete(site.id);
    void this.#forget(site).catch((error) => {
      this.#options.log.error("an inbox cannot be removed", { site: site.name, reason: reasonOf(error) });
    });
  }

  async #forget(site: Site): Promise<void> {
    const { disk, directory, log, forgotten } = this.#options;
    const { lanes } = this.#rules;
    await this.#switching;
    for (const lane of lanes) {
      const { rules } = lane;
      const key = this.#directory(site, rules.name);
      const box = await this.#boxes.get(key)?.catch(() => undefined);
      this.#boxes.delete(key);
      this.#open.delete(key);
      const status = box?.status();
      const waiting = status?.waiting ?? 0;
      if (status) this.#retire(status);
      await box?.close();
      await box?.withdraw().catch((error: unknown) => {
        log.error("something of a removed site is left in a sink", { reason: reasonOf(error) });
      });
      if (waiting > 0)
        log.error("letters of a removed site were dropped", { lane: rules.name, letters: waiting });
      const done = await lane.forget?.({ tenant: site.tenant, site: site.name });
      if (done) for (const what of done) forgotten(site, rules.name, what);
    }
    await disk.remove(join(directory, site.tenant, site.name));
  }

  async #box(site: Site, lane: string): Promise<Box | undefined> {
    await this.#switching;
    const found = this.#rules.lanes.find(({ rules }) => rules.name === lane);
    const sinks = found?.sinks({ tenant: site.tenant, site: site.name }) ?? [];
    if (!found || sinks.length === 0 || this.#closed) return undefined;
    const directory = this.#directory(site, lane);
    const known = this.#boxes.get(directory);
    if (known) return known;
    const { disk, opener, clock, random, log, refused } = this.#options;
    const { limits } = this.#rules;
    const opening = Box.open({
      sender: { tenant: site.tenant, site: site.name },
      lane: found.rules,
      sinks,
      disk,
      directory,
      opener,
      limits,
      clock,
      random,
      log: log.with({ site: `${site.tenant}/${site.name}`, lane }),
      refused: (reason) => refused(site, lane, reason),
    });
    this.#boxes.set(directory, opening);
    opening.then(
      (box) => this.#open.set(directory, box),
      () => this.#boxes.delete(directory),
    );
    return opening;
  }

  #directory({ tenant, name }: Site, lane: string): string {
    return join(this.#options.directory, tenant, name, lane);
  }

  /** How a site's lanes are; none that never sent anything. */
  status(site: Site): BoxStatus[] {
    return this.#rules.lanes.flatMap(({ rules }) => {
      const box = this.#open.get(this.#directory(site, rules.name));
      return box ? [box.status()] : [];
    });
  }

  /** A box is gone, or begins to count anew. */
  #retire(status: BoxStatus): void {
    this.#gone.set(status.lane, goneFrom(addTo(this.#gone.get(status.lane), status)));
  }

  /** All sites together, by lane; since the hub's start where it counts. */
  lanes(): Map<string, LaneCounts> {
    const lanes = new Map<string, LaneCounts>();
    for (const { rules } of this.#rules.lanes) lanes.set(rules.name, addTo(this.#gone.get(rules.name)));
    for (const box of this.#open.values()) {
      const status = box.status();
      lanes.set(status.lane, addTo(lanes.get(status.lane), status));
    }
    return lanes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#switching;
    await this.#closeAll();
  }

  async #closeAll(): Promise<void> {
    const boxes = await Promise.allSettled(this.#boxes.values());
    await Promise.all(boxes.map((each) => (each.status === "fulfilled" ? each.value.close() : undefined)));
  }
}
