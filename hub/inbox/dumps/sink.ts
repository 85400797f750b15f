/** Brings the dumps of a site to one core. What waits goes in one step, the newest state of each object. */

import { join } from "node:path";
import type { Disk } from "../../../common/disk.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { DUMP } from "../../../common/outbox/index.ts";
import { Turns } from "../../../common/turns.ts";
import type { Letter, Sender } from "../letter/index.ts";
import type { Rejected, Sink } from "../sink/index.ts";
import { type Dump, type DumpKind, type ObjectName, readDump, servicesOf } from "./dump.ts";
import type { Objects } from "./objects.ts";
import { addLost, type Changes, type Outlet } from "./outlet.ts";
import { loadRoster, Roster, saveRoster } from "./roster.ts";

export interface DumpSinkOptions {
  name: string;
  outlet: Outlet;
  /** Where the core gets its hosts and services from, if the hub is to write them. */
  objects: Objects | undefined;
  /** Undefined for sites of which no dumps are taken. */
  prefix: (sender: Sender) => string | undefined;
  disk: Disk;
  log: Log;
  /** Where a site's rosters are. */
  directory: (sender: Sender) => string;
}

/** What it has of a site: names that are current, or marked as stale. */
export type Standing = "current" | "stale";

/** Dumps that are read at a time. */
const BATCH = 8;

export class DumpSink implements Sink {
  readonly exact = undefined;
  readonly batch = BATCH;
  readonly name: string;
  readonly kind: string;
  readonly takes: DumpKind;
  readonly #options: DumpSinkOptions;
  /** A site's dumps and marks do not overtake each other. */
  readonly #turns = new Map<string, Turns>();
  readonly #standings = new Map<string, Standing>();
  /** What the core cannot be told of a site. */
  readonly #leftOut = new Map<string, string>();

  constructor(options: DumpSinkOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.outlet.kind;
    this.takes = options.outlet.takes;
  }

  start(): Promise<void> {
    return this.#options.objects?.start() ?? Promise.resolve();
  }

  /** Looks what it has of a site from an earlier start. */
  async load(sender: Sender): Promise<void> {
    const roster = await this.#roster(sender);
    if (roster) this.#standings.set(pathOf(sender), roster.stale ? "stale" : "current");
  }

  /** Undefined when it has nothing. */
  standing(sender: Sender): Standing | undefined {
    return this.#standings.get(pathOf(sender));
  }

  async land(letters: readonly Letter[]): Promise<Rejected[]> {
    const [sender] = letters;
    if (!sender) return [];
    return this.#turnsOf(sender).take(() => this.#land(sender, letters));
  }

  async #land(sender: Sender, letters: readonly Letter[]): Promise<Rejected[]> {
    const { outlet, objects } = this.#options;
    const prefix = this.#options.prefix(sender);
    if (prefix === undefined) return letters.map((letter) => ({ letter, reason: "the site has no prefix" }));
    const roster = (await this.#roster(sender)) ?? new Roster(prefix);
    const before = roster.toBytes();
    const changes: Changes = { hosts: new Map(), services: new Map() };
    const rejected: Rejected[] = [];
    for (const letter of letters) {
      if (letter.kind !== this.takes) continue;
      try {
        const dump = readDump(this.takes, letter.body, prefix);
        const gone = roster.take(dump);
        addDump(changes, dump);
        if (!objects) addLost(changes, gone, `no longer monitored at ${pathOf(sender)}`);
        if (dump.reset) roster.stale = false;
      } catch (error) {
        rejected.push({ letter, reason: reasonOf(error) });
      }
    }
    // a core ignores what it does not know
    if (objects) this.#leave(sender, await objects.write(pathOf(sender), roster.hosts));
    await outlet.write(pathOf(sender), changes);
    await this.#save(sender, roster, before);
    return rejected;
  }

  note(sender: Sender): string | undefined {
    return this.#leftOut.get(pathOf(sender));
  }

  /** Tells what the core cannot be told, once until it changes. */
  #leave(sender: Sender, leftOut: string | undefined): void {
    const path = pathOf(sender);
    if (leftOut === this.#leftOut.get(path)) return;
    if (leftOut === undefined) this.#leftOut.delete(path);
    else {
      this.#leftOut.set(path, leftOut);
      this.#options.log.warn("a core cannot be told everything", {
        site: path,
        sink: this.name,
        reason: leftOut,
      });
    }
  }

  /**
   * A site is gone for good: what the core has of it is taken away, or else marked.
   * @returns what was done, for people; undefined when there was nothing
   */
  async forget(sender: Sender): Promise<string | undefined> {
    return this.#turnsOf(sender).take(async () => {
      const path = pathOf(sender);
      const { outlet, objects } = this.#options;
      const roster = await this.#roster(sender);
      this.#standings.delete(path);
      this.#leftOut.delete(path);
      await outlet.withdraw?.(path);
      const removed = (await objects?.remove(path)) ?? false;
      if (removed) return "its hosts and services are taken away";
      if (!roster || roster.size === 0 || objects || this.takes !== DUMP) return undefined;
      const changes: Changes = { hosts: new Map(), services: new Map() };
      addLost(changes, namesOf(roster), `no longer monitored: ${path} was removed`);
      await outlet.write(path, changes);
      return `${roster.size} hosts and services are marked as no longer monitored`;
    });
  }

  /**
   * Marks everything of a site as stale, unless it is.
   * @param current whether there is news since; looked at when nothing else is under way
   */
  async markStale(sender: Sender, output: string, current: () => boolean): Promise<void> {
    await this.#turnsOf(sender).take(async () => {
      if (current() || this.standing(sender) !== "current") return;
      const roster = await this.#roster(sender);
      if (!roster) {
        this.#standings.delete(pathOf(sender));
        return;
      }
      const before = roster.toBytes();
      roster.stale = true;
      const changes: Changes = { hosts: new Map(), services: new Map() };
      addLost(changes, namesOf(roster), output);
      await this.#options.outlet.write(pathOf(sender), changes);
      await this.#save(sender, roster, before);
    });
  }

  /** What waits for the core fails at once. */
  async stop(): Promise<void> {
    this.#options.outlet.stop();
    await this.#options.objects?.stop();
  }

  #turnsOf(sender: Sender): Turns {
    const known = this.#turns.get(pathOf(sender)) ?? new Turns(1);
    this.#turns.set(pathOf(sender), known);
    return known;
  }

  /** Undefined also when what is there has names of another prefix. */
  async #roster(sender: Sender): Promise<Roster | undefined> {
    const { disk, directory, prefix } = this.#options;
    const roster = await loadRoster(disk, join(directory(sender), this.#file));
    return roster?.prefix === prefix(sender) ? roster : undefined;
  }

  async #save(sender: Sender, roster: Roster, before: Buffer): Promise<void> {
    const { disk, directory } = this.#options;
    const bytes = roster.toBytes();
    const known = this.standing(sender) !== undefined;
    if (!known || !bytes.equals(before)) await saveRoster(disk, directory(sender), this.#file, bytes);
    this.#standings.set(pathOf(sender), roster.stale ? "stale" : "current");
  }

  get #file(): string {
    return `roster-${this.name}.json`;
  }
}

export function pathOf({ tenant, site }: Sender): string {
  return `${tenant}/${site}`;
}

function addDump(changes: Changes, { hosts, services }: Dump): void {
  for (const [name, status] of hosts) changes.hosts.set(name, status);
  for (const [host, ofHost] of services) {
    const known = servicesOf(changes, host);
    for (const [description, status] of ofHost) known.set(description, status);
  }
}

function* namesOf({ hosts }: Roster): Generator<ObjectName> {
  for (const [name, { services }] of hosts) {
    yield [name];
    for (const description of services) yield [name, description];
  }
}
