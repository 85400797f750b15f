/** Which hosts and services of a site a sink has been told of, in a file of its own. */
import { join } from "node:path";
import { z } from "zod";
import type { Disk } from "../../../common/disk.ts";
import type { Dump, ObjectName } from "./dump.ts";

export interface RosterHost {
  alias: string;
  address: string;
  services: Set<string>;
}

const hosts = z.array(z.tuple([z.string(), z.string(), z.string(), z.array(z.string())]));
const file = z.object({
  version: z.literal(1),
  /** That of the names in it. */
  prefix: z.string(),
  /** All of them are marked as stale, or about to be. */
  stale: z.boolean(),
  hosts,
  fresh: hosts.optional(),
});

/** Hosts and services of one site; more are refused. */
export const MOST_OBJECTS = 200_000;

export class Roster {
  hosts = new Map<string, RosterHost>();
  /** What came since the dump that began anew, until all of that is there. */
  #fresh: Map<string, RosterHost> | undefined;
  stale = false;

  constructor(readonly prefix: string) {}

  /** Takes the names of a dump in; gives what is not there any more. Throws an Error when they are too many. */
  take(dump: Dump): ObjectName[] {
    const { reset, complete, hosts, services, gone } = dump;
    if (this.size + this.#unknownIn(dump) > MOST_OBJECTS) {
      throw new Error(`a site has more than ${MOST_OBJECTS} objects`);
    }
    if (reset) this.#fresh = new Map();
    const left: ObjectName[] = [];
    for (const name of gone) if (this.#remove(name)) left.push(name);
    for (const into of [this.hosts, this.#fresh]) {
      if (!into) continue;
      for (const [name, told] of hosts) {
        const known = hostOf(into, name);
        if ("shadow" in told) continue;
        known.alias = told.alias;
        known.address = told.address;
      }
      for (const [name, descriptions] of services) {
        const known = hostOf(into, name).services;
        for (const description of descriptions.keys()) known.add(description);
      }
    }
    if (complete && this.#fresh) {
      left.push(...without(this.hosts, this.#fresh));
      this.hosts = this.#fresh;
      this.#fresh = undefined;
    }
    return left;
  }

  #unknownIn({ hosts, services }: Dump): number {
    let unknown = 0;
    for (const name of new Set([...hosts.keys(), ...services.keys()])) if (!this.hosts.has(name)) unknown++;
    for (const [name, ofHost] of services) {
      const known = this.hosts.get(name)?.services;
      for (const description of ofHost.keys()) if (!known?.has(description)) unknown++;
    }
    return unknown;
  }

  /** Hosts and services. */
  get size(): number {
    let size = this.hosts.size;
    for (const { services } of this.hosts.values()) size += services.size;
    return size;
  }

  #remove([host, description]: ObjectName): boolean {
    if (description === undefined) {
      this.#fresh?.delete(host);
      return this.hosts.delete(host);
    }
    this.#fresh?.get(host)?.services.delete(description);
    return this.hosts.get(host)?.services.delete(description) ?? false;
  }

  toBytes(): Buffer {
    const contents: z.input<typeof file> = {
      version: 1,
      prefix: this.prefix,
      stale: this.stale,
      hosts: rowsOf(this.hosts),
      ...(this.#fresh && { fresh: rowsOf(this.#fresh) }),
    };
    return Buffer.from(JSON.stringify(contents));
  }

  /** Throws when that is none. */
  static from(bytes: Buffer): Roster {
    const { prefix, stale, hosts, fresh } = file.parse(JSON.parse(bytes.toString("utf8")));
    const roster = new Roster(prefix);
    roster.stale = stale;
    roster.hosts = mapOf(hosts);
    roster.#fresh = fresh && mapOf(fresh);
    return roster;
  }
}

/** Reads a roster; undefined when there is none that can be used. */
export async function loadRoster(disk: Disk, path: string): Promise<Roster | undefined> {
  if (!(await disk.exists(path))) return undefined;
  const { size } = await disk.head(path, 0);
  const { bytes } = await disk.head(path, size);
  try {
    return Roster.from(bytes);
  } catch {
    return undefined;
  }
}

/** Writes a roster, unless it is what is there. */
export async function saveRoster(disk: Disk, directory: string, name: string, bytes: Buffer): Promise<void> {
  await disk.ensure(directory);
  const path = join(directory, name);
  await disk.write(`${path}.new`, [bytes]);
  await disk.rename(`${path}.new`, path);
  await disk.sync(directory);
}

function hostOf(map: Map<string, RosterHost>, name: string): RosterHost {
  const known = map.get(name);
  if (known) return known;
  const made: RosterHost = { alias: "", address: "", services: new Set() };
  map.set(name, made);
  return made;
}

/** What of some hosts and services is not among others. */
function without(
  some: ReadonlyMap<string, RosterHost>,
  others: ReadonlyMap<string, RosterHost>,
): ObjectName[] {
  const left: ObjectName[] = [];
  for (const [name, { services }] of some) {
    const other = others.get(name);
    if (!other) left.push([name]);
    for (const description of services) {
      if (!other?.services.has(description)) left.push([name, description]);
    }
  }
  return left;
}

function rowsOf(map: ReadonlyMap<string, RosterHost>): z.output<typeof hosts> {
  return [...map].map(([name, { alias, address, services }]) => [name, alias, address, [...services]]);
}

function mapOf(rows: z.output<typeof hosts>): Map<string, RosterHost> {
  return new Map(
    rows.map(([name, alias, address, services]) => [name, { alias, address, services: new Set(services) }]),
  );
}
