/** How a central core hears of states. */
import type { HostStatus, ObjectName, Status } from "./dump.ts";

/** What a core is to be told. */
export interface Changes {
  hosts: Map<string, Status | HostStatus>;
  /** By host, then by description. */
  services: Map<string, Map<string, Status>>;
}

export interface Outlet {
  readonly kind: string;
  /** Tells the core of a site, TENANT/SITE; of one, one after the other. Throws when it cannot be told now. */
  write(path: string, changes: Changes): Promise<void>;
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

/** The services of a host among some changes. */
export function servicesOf({ services }: Changes, host: string): Map<string, Status> {
  const known = services.get(host);
  if (known) return known;
  const made = new Map<string, Status>();
  services.set(host, made);
  return made;
}
