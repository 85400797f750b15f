/** One host or service that is not well, as a site's core says it. */

/** Checkmk's words, from the worst: what a host can be, and what a service can be. */
export const STATES = ["down", "crit", "unreach", "unknown", "warn"] as const;
export type ProblemState = (typeof STATES)[number];

/** Which host or service, of which site. */
export interface Target {
  tenant: string;
  site: string;
  host: string;
  /** Undefined: the host itself. */
  service?: string | undefined;
}

export interface Problem extends Target {
  /** The same as long as the problem is told; unique over all sites. Opaque. */
  id: string;
  state: ProblemState;
  /** Its core has checked often enough to be sure. */
  hard: boolean;
  /** First line of what the check says: printable, bounded. */
  output: string;
  /** ms since the epoch by the site's clock: of its state, and of the last check; 0: never. */
  since: number;
  lastCheck: number;
  attempt: number;
  attempts: number;
  acknowledged: boolean;
  /** In a downtime of its own. */
  downtime: boolean;
  /** Of its host; of a host, its own. */
  ofHost: HostCircumstances;
  flapping: boolean;
  /** Neither active nor passive checks: what is told will not change. */
  checksDisabled: boolean;
  notificationsDisabled: boolean;
  /** Somebody knows already: acknowledged, in a downtime, or of a host that is down or in a downtime. */
  handled: boolean;
  /** Its name can be written into a command. */
  commandable: boolean;
}

export interface HostCircumstances {
  state: "up" | "down" | "unreach";
  downtime: boolean;
  acknowledged: boolean;
}
