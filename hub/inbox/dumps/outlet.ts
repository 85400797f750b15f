/** How a central core hears of states. */
import { type Dump, type DumpKind, type ObjectName, servicesOf, type Told } from "./dump.ts";

/** What a core is to be told. */
export interface Changes {
  hosts: Map<string, Told>;
  /** By host, then by description. */
  services: Dump["services"];
}

export interface Outlet {
  readonly kind: string;
  /** The kind of dumps that it can tell; of others it says nothing. */
  readonly takes: DumpKind;
  /** Tells the core of a site, TENANT/SITE; of one, one after the other. Throws when it cannot be told now. */
  write(path: string, changes: Changes): Promise<void>;
  /** Takes back what the core has not read yet of a site that is gone. */
  withdraw?(path: string): Promise<void>;
  /** What waits for the core fails at once. */
  stop(): void;
}

/** States that no check came to, for objects of which nothing is known any more: unreachable, and unknown. */
const LOST_HOST = 2;
const LOST_SERVICE = 3;

/** Says of objects that they are lost, and why. */
export function addLost(changes: Changes, names: Iterable<ObjectName>, output: string): void {
  const status = { output, perfData: "", longOutput: "" };
  for (const [host, description] of names) {
    if (description === undefined) changes.hosts.set(host, { state: LOST_HOST, ...status });
    else servicesOf(changes, host).set(description, { state: LOST_SERVICE, ...status });
  }
}
