/** All sites that this agent serves: those it is enrolled for, each with its part of agent.toml. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Prepared, Reconfigurable } from "../../common/config/index.ts";
import type { Drainable } from "../../common/drain.ts";
import type { FarsiteError } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { type AgentConfig, SITE_KEYS } from "../config.ts";
import { type Assigned, assign, readEnrolments, unassigned } from "../enrolment/index.ts";
import { routesFrom } from "../route/index.ts";
import { type Shared, Site } from "./site.ts";

export interface SitesOptions {
  stateDir: string;
  /** agent.toml. */
  file: string;
  log: Log;
}

/** What of agent.toml all of them share and take up while they run. */
const SHARED_KEYS = ["carrier", "proxy", "ca_file", "outbox"];

/** What is to be served. */
interface Plan {
  assigned: Assigned[];
  damaged: FarsiteError[];
  unassigned: string[];
  shared: Shared;
}

export class Sites implements Drainable, Reconfigurable<AgentConfig> {
  readonly keys = [...SITE_KEYS, ...SHARED_KEYS, "sites"];
  /** A site may have been enrolled, or enrolled anew. */
  readonly always = true;
  readonly #options: SitesOptions;
  #sites: Site[] = [];
  #damaged: readonly FarsiteError[] = [];

  /** Throws E_NOT_ENROLLED, E_CONFIG, E_KEY_FILE or E_STATE. */
  constructor(config: AgentConfig, options: SitesOptions) {
    this.#options = options;
    const plan = this.#plan(config);
    this.#sites = plan.assigned.map((each) => this.#make(each, plan));
    this.#note(plan);
  }

  #plan(config: AgentConfig): Plan {
    const { stateDir, file } = this.#options;
    const { enrolments, damaged } = readEnrolments(stateDir);
    return {
      assigned: assign(config, enrolments),
      damaged,
      unassigned: unassigned(config, enrolments),
      shared: { config, file, routeTo: routesFrom(config.proxy, process.env), files: versionOf(config) },
    };
  }

  #make(each: Assigned, { assigned, shared }: Plan): Site {
    const { log } = this.#options;
    // where there is one only, its name on every line would say nothing
    return new Site(each, shared, assigned.length > 1 ? log.with({ name: each.name }) : log);
  }

  #note({ damaged, unassigned }: Plan): void {
    const { log, file } = this.#options;
    this.#damaged = damaged;
    for (const { code, message, hint } of damaged) log.error(message, { code, do: hint });
    for (const name of unassigned) {
      log.warn("agent.toml names a site for which this agent is not enrolled", { name, file });
    }
  }

  get all(): readonly Site[] {
    return this.#sites;
  }

  /** Why there is nothing of other enrolments: they cannot be read. */
  get damaged(): readonly FarsiteError[] {
    return this.#damaged;
  }

  start(): void {
    for (const site of this.#sites) site.start();
  }

  /** Sites that stay go on; new ones begin, and those end that this agent is not enrolled for any more. */
  prepare(config: AgentConfig): Prepared | undefined {
    const plan = this.#plan(config);
    const left = new Set(this.#sites);
    const next: { site: Site; begin: () => void | Promise<void> }[] = plan.assigned.map((each) => {
      const present = this.#sites.find((site) => site.name === each.name && site.isOf(each.enrolled));
      if (present) {
        left.delete(present);
        return { site: present, begin: present.prepare(each.config, plan.shared) };
      }
      const site = this.#make(each, plan);
      return { site, begin: () => site.start() };
    });
    const fresh = next.filter(({ site }) => !this.#sites.includes(site)).map(({ site }) => site);
    const first = this.#sites[0];
    const renewed = [
      ...(first && first.files !== plan.shared.files ? ["files of the way to the hub"] : []),
      ...fresh.map(({ path }) => `site ${path}`),
      ...[...left]
        .filter(({ path }) => !fresh.some((site) => site.path === path))
        .map(({ path }) => `end of site ${path}`),
    ];
    return {
      renewed,
      apply: async () => {
        this.#sites = next.map(({ site }) => site);
        this.#note(plan);
        // they may have addresses that others need now
        await Promise.all([...left].map((site) => site.stop()));
        for (const { begin } of next) await begin();
      },
    };
  }

  drain(): void {
    for (const site of this.#sites) site.drain();
  }

  get underWay(): number {
    return this.#sites.reduce((sum, site) => sum + site.underWay, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sites.map((site) => site.stop()));
  }
}

/** A hash of what the files say that belong to the way to the hub. */
function versionOf({ ca_file, proxy }: AgentConfig): string {
  const hash = createHash("sha256");
  // what cannot be read is complained of where it is used
  for (const path of [ca_file, proxy.password_file]) {
    if (path !== undefined && existsSync(path)) hash.update(readFileSync(path));
    hash.update("\0");
  }
  return hash.digest("hex");
}
