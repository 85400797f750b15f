/** What a central Checkmk site must be told of each remote site, whatever form it wants it in. */

import { LIVESTATUS } from "../../common/core.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { EndpointState } from "../endpoint/index.ts";
import type { SiteView } from "../hub.ts";
import { expand, type SiteNames } from "./template.ts";

/** How the administrator wants connections; names are templates. */
export interface Wishes {
  /** The connection's ID at the central site. */
  siteId: string;
  /** What users of the central site read. */
  alias?: string | undefined;
  /** By the Unix sockets in the run directory instead of TCP. */
  unix?: boolean | undefined;
  /** Distributed Setup: the central site pushes its configuration to the site. */
  replicate?: boolean | undefined;
  urlPrefix?: string | undefined;
  /** Of Checkmk's managed edition. */
  customer?: string | undefined;
  /** The host whose state says whether the site is to be asked, and the central site that monitors it. */
  statusHost?: { site: string; host: string } | undefined;
}

export type LivestatusSocket = { type: "tcp"; host: string; port: number } | { type: "unix"; path: string };

export interface Connection extends SiteNames {
  /** What Checkmk knows the site by. */
  id: string;
  alias: string;
  socket: LivestatusSocket;
  /** Of the site's web server, down to `check_mk/`. */
  url: string;
  /** Why the central site cannot push its configuration there; undefined when it can. */
  noReplication: string | undefined;
  /** Of the message broker; undefined when the site has no such service. */
  brokerPort: number | undefined;
  /** Where the site's notification spooler listens. */
  spooler: { host: string; port: number } | undefined;
  urlPrefix: string;
  customer: string | undefined;
  statusHost: { site: string; host: string } | undefined;
}

/** A site for which there is nothing to connect to. */
export interface LeftOut extends SiteNames {
  reason: string;
}

export interface Plan {
  connections: Connection[];
  leftOut: LeftOut[];
}

/** Names of services that hub.toml gives ports to. */
const HTTP = "http";
const HTTPS = "https";
const SPOOLER = "notify";
const BROKER = "broker";

/** Seconds in which the central site must have its connection: an endpoint answers at once, also for a dead site. */
export const CONNECT_TIMEOUT = 2;
/** Checkmk's own default. */
export const BROKER_PORT = 5672;

export const DEFAULT_SITE_ID = "{site}";
export const DEFAULT_ALIAS = "{tenant}/{site}";

/** As Checkmk's Setup checks it. */
const SITE_ID = /^[-a-z0-9A-Z_]+$/;
/** What Checkmk takes for the name of a host. */
const HOST_NAME = /^[-0-9a-zA-Z_.]+$/;

/**
 * @param sites those that are wanted, and `endpoints` of any sites
 * @throws E_SITE_ID two would have the same ID, or one an impossible one; E_USAGE a template means nothing
 */
export function planConnections(
  sites: readonly Pick<SiteView, "tenant" | "site" | "state">[],
  endpoints: readonly EndpointState[],
  wishes: Wishes,
): Plan {
  const plan: Plan = { connections: [], leftOut: [] };
  const bySite = Map.groupBy(endpoints, pathOf);
  for (const { tenant, site, state } of sites) {
    const services = new Map(bySite.get(`${tenant}/${site}`)?.map((each) => [each.service, each]));
    const livestatus = services.get(LIVESTATUS);
    if (state === "disabled") {
      plan.leftOut.push({ tenant, site, reason: "it is disabled at the hub" });
    } else if (!livestatus) {
      plan.leftOut.push({ tenant, site, reason: `it has no service ${LIVESTATUS}` });
    } else {
      plan.connections.push(connectionOf({ tenant, site }, services, livestatus, wishes));
    }
  }
  refuseEqualIds(plan.connections);
  return plan;
}

function connectionOf(
  names: SiteNames,
  services: ReadonlyMap<string, EndpointState>,
  livestatus: EndpointState,
  wishes: Wishes,
): Connection {
  const id = checked(expand(wishes.siteId, names), SITE_ID, "letters, digits, - and _", names);
  const web = services.get(HTTP) ?? services.get(HTTPS);
  const spooler = services.get(SPOOLER);
  const customer = wishes.customer === undefined ? undefined : expand(wishes.customer, names);
  const host = wishes.statusHost && expand(wishes.statusHost.host, names);
  return {
    ...names,
    id,
    alias: expand(wishes.alias ?? DEFAULT_ALIAS, names),
    socket: wishes.unix
      ? { type: "unix", path: livestatus.socket }
      : { type: "tcp", host: livestatus.address, port: livestatus.port },
    url: urlOf(names.site, web ?? livestatus, web?.service ?? HTTP, web?.port),
    noReplication: noReplication(id, names.site, web),
    brokerPort: services.get(BROKER)?.port,
    spooler: spooler && { host: spooler.address, port: spooler.port },
    urlPrefix: expand(wishes.urlPrefix ?? "", names),
    customer,
    statusHost:
      wishes.statusHost && host !== undefined
        ? {
            site: wishes.statusHost.site,
            host: checked(host, HOST_NAME, "letters, digits, -, _ and .", names),
          }
        : undefined,
  };
}

/** The path begins with the remote site's ID: its web server routes by it. */
function urlOf(site: string, { address }: EndpointState, scheme: string, port: number | undefined): string {
  return `${scheme}://${address}${port === undefined ? "" : `:${port}`}/${site}/check_mk/`;
}

/** A remote site takes configuration only from who calls it by its own ID. */
function noReplication(id: string, site: string, web: EndpointState | undefined): string | undefined {
  if (!web) return `it has no service ${HTTP}`;
  if (id === site) return undefined;
  return `its ID at the central site (${id}) is not its own (${site}), and distributed setup needs the same`;
}

function checked(text: string, allowed: RegExp, expected: string, { tenant, site }: SiteNames): string {
  if (allowed.test(text)) return text;
  throw new FarsiteError(
    "E_SITE_ID",
    `${tenant}/${site} cannot be called ${JSON.stringify(text)} at the central site`,
    `Checkmk takes ${expected}.`,
  );
}

function refuseEqualIds(connections: readonly Connection[]): void {
  const equal = [...Map.groupBy(connections, ({ id }) => id)].filter(([, sites]) => sites.length > 1);
  if (equal.length === 0) return;
  const list = equal.map(([id, sites]) => `${id} (${sites.map(pathOf).join(", ")})`).join("; ");
  throw new FarsiteError(
    "E_SITE_ID",
    `several sites would have the same ID at the central site: ${list}`,
    "A central site knows each ID once, and distributed setup needs the ID that the remote site has itself.\n" +
      "Connect one tenant to each central site (--tenant), give one of the sites another ID (omd mv), or,\n" +
      "for monitoring without distributed setup, use other IDs here: --site-id '{tenant}_{site}'.",
  );
}

/** `TENANT/SITE`. */
export function pathOf({ tenant, site }: SiteNames): string {
  return `${tenant}/${site}`;
}

/** A socket as Livestatus clients write it. */
export function socketText(socket: LivestatusSocket): string {
  return socket.type === "unix" ? `unix:${socket.path}` : `tcp:${socket.host}:${socket.port}`;
}
