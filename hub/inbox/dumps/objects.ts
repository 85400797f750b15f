/**
 * Hosts and services of sites as configuration of Nagios: a file for each site, and one of templates, which is written
 * once and may be changed by people. A central core refuses to load all of it for one bad name, so what could be one is
 * left out.
 */
import { join } from "node:path";
import type { Clock, Timer } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import { Runs } from "../../../common/runs.ts";
import { printable } from "../../../common/text.ts";
import type { RosterHost } from "./roster.ts";

export interface ObjectsOptions {
  /** A cfg_dir of the core's. */
  folder: string;
  disk: Disk;
  clock: Clock;
  /** Makes the core load what is there. Throws when it does not. */
  reload: () => Promise<void>;
  log: Log;
  /** ms between two loads. */
  pause: number;
}

/** The core's user is in the folder's group. */
const MODE = 0o640;
const TEMPLATES = "farsite-templates.cfg";
/** There as long as the core has not loaded something. */
const MARK = ".farsite-changed";
/** illegal_object_name_chars of Nagios as it is delivered, and what joins two lines, or takes a value away. */
const ILLEGAL = /[`~!$%^&*|'"<>?,()=]|\\$|^null$/;
/** Names that are given of those left out, and the length of each, in UTF-16 units. */
const MOST_NAMES = 3;
const MAX_SHOWN = 60;
const ADDRESS = /^[A-Za-z0-9_.:-]{1,255}$/;

export class Objects {
  readonly #options: ObjectsOptions;
  /** Which change of the folder a site's last one was; all up to `#loaded` are in the core. */
  readonly #changes = new Map<string, number>();
  #change = 0;
  #loaded: number | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  /** What nobody waits for, of sites that are gone: up to here it is to be loaded. */
  #owed = Number.NEGATIVE_INFINITY;
  readonly #settling = new Runs(() => this.#settle());
  #retry: Timer | undefined;
  #problem: string | undefined;
  #stopped = false;

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** Has the core load what an earlier start of the hub left to be loaded. */
  async start(): Promise<void> {
    const { folder, disk } = this.#options;
    if (!(await disk.exists(join(folder, MARK)))) return;
    this.#loaded ??= -1;
    this.#owed = this.#change;
    this.#settling.ask();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#settling.idle;
  }

  /**
   * Brings a site's hosts into the core. Throws when they are not there yet.
   * @returns which of them it cannot be told of, if any: for people
   */
  async write(path: string, hosts: ReadonlyMap<string, RosterHost>): Promise<string | undefined> {
    const { folder, disk } = this.#options;
    if (!(await disk.exists(folder))) throw new Error(`there is no folder ${folder}`);
    // what an earlier start of the hub left to be loaded
    this.#loaded ??= (await disk.exists(join(folder, MARK))) ? -1 : 0;
    const templates = !(await disk.exists(join(folder, TEMPLATES)));
    if (templates) await this.#put(TEMPLATES, templatesFile());
    const name = fileOf(path);
    const { text, leftOut } = objectsFile(hosts);
    if (templates || (await this.#text(name)) !== text) {
      await disk.write(join(folder, MARK), []);
      await this.#put(name, text);
      this.#changes.set(path, ++this.#change);
    }
    while ((this.#changes.get(path) ?? 0) > (this.#loaded ?? 0)) await this.#load();
    return leftOut;
  }

  /** Takes the file of a site that is gone away; the core loads that as soon as it may. Says whether there was one. */
  async remove(path: string): Promise<boolean> {
    const { folder, disk } = this.#options;
    const file = join(folder, fileOf(path));
    this.#changes.delete(path);
    if (!(await disk.exists(file))) return false;
    this.#loaded ??= (await disk.exists(join(folder, MARK))) ? -1 : 0;
    await disk.write(join(folder, MARK), []);
    await disk.remove(file);
    await disk.sync(folder);
    this.#owed = ++this.#change;
    this.#settling.ask();
    return true;
  }

  /** Loads what nobody waits for, and tries again until it is there. */
  async #settle(): Promise<void> {
    const { clock, pause, log, folder } = this.#options;
    if (this.#stopped || this.#retry) return;
    try {
      while (this.#wait <= 0 && (this.#loaded ?? 0) < this.#owed) await this.#load();
      this.#problem = undefined;
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#problem !== reason) log.error("a core does not load what was taken away", { folder, reason });
      this.#problem = reason;
    }
    if ((this.#loaded ?? 0) >= this.#owed || this.#stopped) return;
    this.#retry = clock.after(this.#wait > 0 ? this.#wait : pause, () => {
      this.#retry = undefined;
      this.#settling.ask();
    });
  }

  /** ms until the core may load again. */
  get #wait(): number {
    const { clock, pause } = this.#options;
    return this.#loadedAt + pause - clock.now();
  }

  async #text(name: string): Promise<string | undefined> {
    const { folder, disk } = this.#options;
    if (!(await disk.exists(join(folder, name)))) return undefined;
    const { size } = await disk.head(join(folder, name), 0);
    return (await disk.head(join(folder, name), size)).bytes.toString("utf8");
  }

  async #put(name: string, text: string): Promise<void> {
    const { folder, disk } = this.#options;
    const staged = join(folder, `.${name}.new`);
    await disk.write(staged, [Buffer.from(text)], MODE);
    await disk.rename(staged, join(folder, name));
    await disk.sync(folder);
  }

  /** One for all that wait. */
  #load(): Promise<void> {
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadNow(): Promise<void> {
    const { clock, reload, disk, folder } = this.#options;
    const wait = this.#wait;
    if (wait > 0) throw new Error(`the core loads new objects in ${Math.ceil(wait / 1000)} s`);
    const change = this.#change;
    // failures count, too: a core must not be asked without a pause
    this.#loadedAt = clock.now();
    await reload();
    this.#loaded = change;
    if (change === this.#change) await disk.remove(join(folder, MARK));
  }
}

function fileOf(path: string): string {
  return `farsite-${path.replace("/", ".")}.cfg`;
}

/** A site's hosts and services, those whose names Nagios takes, and which it does not, for people. */
export function objectsFile(hosts: ReadonlyMap<string, RosterHost>): {
  text: string;
  leftOut: string | undefined;
} {
  const parts = ["# Written by farsite-hub; what is changed here is lost.\n"];
  const names: string[] = [];
  let count = 0;
  const leaveOut = (name: string): void => {
    if (++count <= MOST_NAMES) names.push(`"${printable(name, MAX_SHOWN)}"`);
  };
  for (const [name, { alias, address, services }] of hosts) {
    if (ILLEGAL.test(name)) {
      leaveOut(name);
      count += services.size;
      continue;
    }
    parts.push(
      definition("host", {
        use: "farsite-host",
        host_name: name,
        alias: alias.replace(/[;\\$]/g, " ").trim() || name,
        address: ADDRESS.test(address) ? address : name,
      }),
    );
    for (const description of services) {
      if (ILLEGAL.test(description)) {
        leaveOut(`${name}/${description}`);
        continue;
      }
      parts.push(
        definition("service", {
          use: "farsite-service",
          host_name: name,
          service_description: description,
        }),
      );
    }
  }
  const more = count > names.length ? ` and ${count - names.length} more` : "";
  const leftOut =
    count === 0 ? undefined : `left out, since Nagios takes no such name: ${names.join(", ")}${more}`;
  return { text: parts.join(""), leftOut };
}

function templatesFile(): string {
  const passive = {
    register: "0",
    check_command: "farsite-none",
    check_period: "farsite-never",
    max_check_attempts: "1",
    active_checks_enabled: "0",
    passive_checks_enabled: "1",
    notification_period: "farsite-never",
  };
  return [
    "# Written once by farsite-hub; it may be changed.\n",
    definition("command", { command_name: "farsite-none", command_line: "/bin/true" }),
    definition("timeperiod", { timeperiod_name: "farsite-never", alias: "never" }),
    definition("host", { name: "farsite-host", ...passive }),
    definition("service", { name: "farsite-service", ...passive }),
  ].join("\n");
}

function definition(kind: string, directives: Record<string, string>): string {
  const lines = Object.entries(directives).map(([key, value]) => `  ${key} ${value}\n`);
  return `define ${kind} {\n${lines.join("")}}\n`;
}
