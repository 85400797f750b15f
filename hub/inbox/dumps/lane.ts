/** The lane of status dumps, its sinks as hub.toml names them, and the watch over sites that send none any more. */
import type { Clock, Timer } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { DUMP, MAX_DUMP, SHADOW, STATUS_LANE } from "../../../common/outbox/index.ts";
import { Runs } from "../../../common/runs.ts";
import { type LaneRules, type Letter, prefixOf, type Sender } from "../letter/index.ts";
import { outcomeText, run } from "../sink/index.ts";
import { CheckResults } from "./check-results.ts";
import { Commands, type Connect, RESULTS, SHADOWS } from "./commands.ts";
import type { DumpSinkConfig, DumpsConfig } from "./config.ts";
import { type DumpKind, readDump } from "./dump.ts";
import { Objects } from "./objects.ts";
import type { Outlet } from "./outlet.ts";
import { DumpSink, pathOf } from "./sink.ts";

export interface DumpsParts {
  disk: Disk;
  clock: Clock;
  connect: Connect;
  log: Log;
  /** Where rosters of a site are kept: in its box, with which they go. */
  directory: (sender: Sender) => string;
  /** Something in a dump of a site was refused. */
  refused: (sender: Sender, reason: string) => void;
}

interface News {
  sender: Sender;
  kind: DumpKind;
  at: number;
  wall: number;
}

/** ms between two looks for sites that are silent, as a part of the time after which they are stale. */
const LOOKS = 10;

export class DumpsLane {
  readonly rules: LaneRules;
  readonly #config: DumpsConfig;
  readonly #parts: DumpsParts;
  readonly #sinks: { tenants: readonly string[] | undefined; sink: DumpSink }[];
  readonly #prefixes: ReadonlyMap<string, string>;
  /** When a site's last dump of a kind came, by `clock.now`; of those before the start it is that of the start. */
  readonly #news = new Map<string, News>();
  /** Sites whose dump that begins anew is on its way to the sinks. */
  readonly #begun = new Set<string>();
  /** What was refused last, since the last dump that began anew: it is not said with each dump. */
  readonly #said = new Map<string, string>();
  readonly #looking = new Runs(() => this.#look());
  #timer: Timer | undefined;
  #problem: string | undefined;

  constructor(config: DumpsConfig, parts: DumpsParts) {
    this.#config = config;
    this.#parts = parts;
    this.#prefixes = new Map(Object.entries(config.host_prefix));
    const { disk, directory } = parts;
    const prefix = (sender: Sender) => this.#prefix(sender);
    this.#sinks = Object.entries(config.sinks).map(([name, sink]) => ({
      tenants: sink.tenants,
      sink: new DumpSink({
        name,
        outlet: openOutlet(sink, parts),
        objects: openObjects(sink, parts),
        prefix,
        disk,
        log: parts.log,
        directory,
      }),
    }));
    this.rules = {
      name: STATUS_LANE,
      longest: MAX_DUMP,
      check: (letter) => this.#check(letter),
      note: (sender) => {
        const said = this.#said.get(pathOf(sender)) ?? "";
        return said === "" ? undefined : `refused: ${said}`;
      },
    };
  }

  /** The sinks for a site's dumps: none without a prefix of its own. */
  sinks(sender: Sender): DumpSink[] {
    if (this.#prefix(sender) === undefined) return [];
    return this.#sinks
      .filter(({ tenants }) => !tenants || tenants.includes(sender.tenant))
      .map(({ sink }) => sink);
  }

  /** Begins to watch over sites, first of all those of which sinks have something from before. */
  async start(senders: readonly Sender[]): Promise<void> {
    for (const sender of senders) {
      for (const sink of this.sinks(sender)) await sink.load(sender);
      for (const kind of [DUMP, SHADOW] as const) this.#hear(sender, kind);
    }
    for (const { sink } of this.#sinks) await sink.start();
    this.#tick();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await Promise.all(this.#sinks.map(({ sink }) => sink.stop()));
    await this.#looking.idle;
  }

  /** A site is gone for good: its objects leave the cores. Says what was done, and what could not be, for people. */
  async forget(sender: Sender): Promise<string[]> {
    const path = pathOf(sender);
    for (const [key, news] of this.#news) if (pathOf(news.sender) === path) this.#news.delete(key);
    this.#begun.delete(path);
    this.#said.delete(path);
    const said: string[] = [];
    // whatever hub.toml says now: an earlier one may have said otherwise
    for (const { sink } of this.#sinks) {
      try {
        const done = await sink.forget(sender);
        if (done !== undefined) said.push(`sink ${sink.name}: ${done}`);
      } catch (error) {
        said.push(`sink ${sink.name}: something is left there: ${reasonOf(error)}`);
      }
    }
    return said;
  }

  #prefix(sender: Sender): string | undefined {
    return prefixOf(this.#prefixes, sender);
  }

  #check({ kind, body, tenant, site }: Pick<Letter, "tenant" | "site" | "kind" | "body">): void {
    const sender = { tenant, site };
    const path = pathOf(sender);
    if (kind !== DUMP && kind !== SHADOW) throw new Error(`a letter of the kind ${kind} came`);
    const sinks = this.sinks(sender).filter(({ takes }) => takes === kind);
    if (sinks.length === 0) {
      throw new Error(
        kind === DUMP ? "no sink here takes states" : "no sink here is for what cmcdump prints",
      );
    }
    const { reset, refused } = readDump(kind, body, this.#prefix(sender) ?? "");
    if (reset) this.#begun.add(path);
    else if (!this.#begun.has(path) && sinks.some((sink) => sink.standing(sender) !== "current")) {
      throw new Error("a dump that has everything is wanted first");
    }
    this.#hear(sender, kind);
    const said = refused.join("; ");
    if (said !== "" && said !== this.#said.get(path)) this.#parts.refused(sender, said);
    // an agent does not send again what was refused, until it sends everything
    if (said !== "" || reset) this.#said.set(path, said);
  }

  #hear(sender: Sender, kind: DumpKind): void {
    const { clock } = this.#parts;
    this.#news.set(`${kind} ${pathOf(sender)}`, { sender, kind, at: clock.now(), wall: clock.wall() });
  }

  #tick(): void {
    this.#timer = this.#parts.clock.after((this.#config.stale_seconds * 1000) / LOOKS, () => this.#tick());
    this.#looking.ask();
  }

  async #look(): Promise<void> {
    const { clock, log } = this.#parts;
    for (const [key, { sender, kind, wall }] of this.#news) {
      const path = pathOf(sender);
      const current = () => clock.now() - (this.#news.get(key)?.at ?? 0) < this.#config.stale_seconds * 1000;
      if (current()) continue;
      const sinks = this.sinks(sender).filter(
        (sink) => sink.takes === kind && sink.standing(sender) === "current",
      );
      if (sinks.length === 0) continue;
      this.#begun.delete(path);
      const output = `stale: nothing was heard from ${path} since ${new Date(wall).toISOString()}`;
      for (const sink of sinks) {
        try {
          await sink.markStale(sender, output, current);
          log.warn("a site's states are stale", { site: path, sink: sink.name });
          this.#problem = undefined;
        } catch (error) {
          const reason = reasonOf(error);
          if (this.#problem !== reason) log.error("states cannot be marked as stale", { site: path, reason });
          this.#problem = reason;
        }
      }
    }
  }
}

function openOutlet(config: DumpSinkConfig, { disk, clock, connect }: DumpsParts): Outlet {
  if (config.kind !== "check-results") {
    return new Commands({
      language: config.kind === "livestatus" ? RESULTS : SHADOWS,
      address: config.livestatus,
      connect,
      clock,
      timeout: config.timeout_seconds * 1000,
    });
  }
  return new CheckResults({ folder: config.folder, disk, clock });
}

function openObjects(config: DumpSinkConfig, { disk, clock, log }: DumpsParts): Objects | undefined {
  if (config.kind !== "check-results" || !config.objects || !config.reload) return undefined;
  const { objects: folder, reload: command, reload_seconds: seconds } = config;
  return new Objects({
    folder,
    disk,
    clock,
    log,
    pause: seconds * 1000,
    reload: async () => {
      const outcome = await run(command, { clock, timeout: seconds * 1000 });
      if (outcome.code !== 0) throw new Error(outcomeText(command[0], outcome));
    },
  });
}
