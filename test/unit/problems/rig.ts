/** Sites with cores in memory that hold problems, take commands, and change when a test wants them to. */

import type { Clock } from "../../../common/clock.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import { silentLog } from "../../../common/log.ts";
import { LiveProblems, type ProblemsLimits } from "../../../hub/problems/index.ts";
import type { Actor, Site as RegisteredSite } from "../../../hub/registry/index.ts";
import type { Cell } from "../livestatus/federation/core.ts";
import { coreSite, Rig, type Site } from "../livestatus/federation/rig.ts";
import { Dice } from "../session/rig.ts";

export const LIMITS: ProblemsLimits = {
  interval: 2_000,
  refresh: 30_000,
  answer: 10_000,
  sites: 10,
  sitesPerSecond: 1_000,
  perSite: 100,
  problems: 1_000,
  watchers: 3,
  confirm: 5_000,
};

/** s since the epoch. */
export const T0 = 1_767_000_000;

type Item = Record<string, Cell>;

const OBJECT: Item = {
  state: 0,
  state_type: 1,
  has_been_checked: 1,
  plugin_output: "",
  last_state_change: T0,
  last_check: T0,
  current_attempt: 1,
  max_check_attempts: 1,
  acknowledged: 0,
  scheduled_downtime_depth: 0,
  is_flapping: 0,
  active_checks_enabled: 1,
  accept_passive_checks: 1,
  notifications_enabled: 1,
  check_command: "check_dummy",
};

export const host = (name: string, rest: Item = {}): Item => ({ ...OBJECT, name, num_services: 0, ...rest });

export const service = (hostName: string, description: string, rest: Item = {}): Item => ({
  ...OBJECT,
  host_name: hostName,
  description,
  host_state: 0,
  host_scheduled_downtime_depth: 0,
  host_acknowledged: 0,
  ...rest,
});

/** One site's core. */
export class Core implements Site {
  hosts: Item[] = [];
  services: Item[] = [];
  downtimes: Item[] = [];
  /** External commands, as they came, without the time stamp. */
  readonly commands: string[] = [];
  readonly questions: string[] = [];
  /** What becomes of a command besides. */
  obey: (command: string) => void = () => {};
  /** What it answers instead. */
  failure: Refusal | undefined;
  /** It takes what is asked, and says nothing. */
  silent = false;

  ask(question: Parameters<Site["ask"]>[0], events: Parameters<Site["ask"]>[1]): undefined {
    const text = Buffer.concat(question.bytes).toString();
    this.questions.push(text);
    if (this.silent) return undefined;
    if (this.failure) {
      events.failed(this.failure);
      return undefined;
    }
    const [, command] = /^COMMAND \[\d{10}\] (.*)\n\n$/.exec(text) ?? [];
    if (command === undefined) {
      const { hosts, services, downtimes } = this;
      coreSite({ hosts, services, downtimes }).ask(question, events);
    } else {
      this.commands.push(command);
      this.obey(command);
      events.whole();
    }
    return undefined;
  }

  /** How often one of the tables was asked for all of its problems. */
  whole(table: "hosts" | "services"): number {
    return this.questions.filter((text) => text.startsWith(`GET ${table}\nColumns`)).length;
  }
}

export class ProblemsRig {
  readonly rig = new Rig();
  readonly clock = this.rig.clock;
  readonly audit: { actor: Actor; action: string; site: string; detail: string }[] = [];
  readonly unreachable = new Map<number, string>();
  readonly problems: LiveProblems;
  readonly sites = new Map<string, RegisteredSite>();
  /** While this is set the audit cannot be written. */
  broken = false;

  constructor(limits: Partial<ProblemsLimits> = {}) {
    const { oneSite } = this.rig.federation;
    this.problems = new LiveProblems({
      cores: {
        rows: (site, wanted) => oneSite.rows(site, "test", wanted),
        tell: (site, command, within) => oneSite.tell(site, "test", command, within),
      },
      unreachable: (siteId) => this.unreachable.get(siteId),
      limits: { ...LIMITS, ...limits },
      audit: async (actor, action, site, detail) => {
        if (this.broken) throw new Error("the disk is full");
        this.audit.push({ actor, action, site, detail });
      },
      clock: this.clock,
      random: new Dice(1),
      log: silentLog,
    });
  }

  add(path: string, core: Core, changes: Partial<RegisteredSite> = {}): this {
    const [tenant = "", name = ""] = path.split("/");
    this.rig.add(path, core);
    const site = {
      ...{ id: this.sites.size + 1, tenant, name, address: "127.64.0.1", enabled: true },
      ...{ services: ["livestatus"], lastSeen: undefined, key: "k", host: undefined },
      ...changes,
    };
    this.sites.set(path, site);
    this.problems.offer(site);
    return this;
  }

  /** Moves the clock in small steps, so that what is awaited in between goes on. */
  async pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= STEP) {
      this.clock.advance(Math.min(STEP, left));
      await settle();
    }
  }

  /** Gives what comes of something while time passes, as far as it has to. */
  async meanwhile<T>(work: Promise<T>, ms = 20_000): Promise<T> {
    let over = false;
    const done = work.finally(() => {
      over = true;
    });
    done.catch(() => {});
    for (let passed = 0; passed < ms; passed += STEP) {
      await settle();
      if (over) break;
      this.clock.advance(STEP);
    }
    return done;
  }
}

const STEP = 100;

/** Lets all that is awaited without a timer go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function seconds(clock: Clock): number {
  return Math.floor(clock.wall() / 1_000);
}

export { Refusal };
