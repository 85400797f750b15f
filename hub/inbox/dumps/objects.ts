/**
 * Hosts and services of sites as configuration of Nagios: a file for each site, and one of templates, which is written
 * once and may be changed by people. A central core refuses to load all of it for one bad name, so what could be one is
 * left out.
 */
import { join } from "node:path";
import type { Clock } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import type { RosterHost } from "./roster.ts";

export interface ObjectsOptions {
  /** A cfg_dir of the core's. */
  folder: string;
  disk: Disk;
  clock: Clock;
  /** Makes the core load what is there. Throws when it does not. */
  reload: () => Promise<void>;
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
const ADDRESS = /^[A-Za-z0-9_.:-]{1,255}$/;

export class Objects {
  readonly #options: ObjectsOptions;
  /** Which change of the folder a site's last one was; all up to `#loaded` are in the core. */
  readonly #changes = new Map<string, number>();
  #change = 0;
  #loaded: number | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** Brings a site's hosts into the core. Throws when they are not there yet. */
  async write(path: string, hosts: ReadonlyMap<string, RosterHost>): Promise<void> {
    const { folder, disk } = this.#options;
    if (!(await disk.exists(folder))) throw new Error(`there is no folder ${folder}`);
    // what an earlier start of the hub left to be loaded
    this.#loaded ??= (await disk.exists(join(folder, MARK))) ? -1 : 0;
    const templates = !(await disk.exists(join(folder, TEMPLATES)));
    if (templates) await this.#put(TEMPLATES, templatesFile());
    const name = `farsite-${path.replace("/", ".")}.cfg`;
    const text = objectsFile(hosts);
    if (templates || (await this.#text(name)) !== text) {
      await disk.write(join(folder, MARK), []);
      await this.#put(name, text);
      this.#changes.set(path, ++this.#change);
    }
    while ((this.#changes.get(path) ?? 0) > (this.#loaded ?? 0)) await this.#load();
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
    const { clock, pause, reload, disk, folder } = this.#options;
    const wait = this.#loadedAt + pause - clock.now();
    if (wait > 0) throw new Error(`the core loads new objects in ${Math.ceil(wait / 1000)} s`);
    const change = this.#change;
    // failures count, too: a core must not be asked without a pause
    this.#loadedAt = clock.now();
    await reload();
    this.#loaded = change;
    if (change === this.#change) await disk.remove(join(folder, MARK));
  }
}

/** A site's hosts and services, those whose names Nagios takes. */
export function objectsFile(hosts: ReadonlyMap<string, RosterHost>): string {
  const parts = ["# Written by farsite-hub; what is changed here is lost.\n"];
  for (const [name, { alias, address, services }] of hosts) {
    if (ILLEGAL.test(name)) continue;
    parts.push(
      definition("host", {
        use: "farsite-host",
        host_name: name,
        alias: alias.replace(/[;\\$]/g, " ").trim() || name,
        address: ADDRESS.test(address) ? address : name,
      }),
    );
    for (const description of services) {
      if (ILLEGAL.test(description)) continue;
      parts.push(
        definition("service", {
          use: "farsite-service",
          host_name: name,
          service_description: description,
        }),
      );
    }
  }
  return parts.join("");
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
