/** What the commands about connections have in common: their options, and the question to the hub. */

import type { Command } from "commander";
import { type Places, withPlaces } from "../../common/command/index.ts";
import { DEFAULT_SITE_ID, type Plan, planConnections, type Wishes } from "../checkmk/index.ts";
import type { EndpointState } from "../endpoint/index.ts";
import type { SiteView } from "../hub.ts";
import { askHub } from "./client.ts";

/** What all commands that print or make connections take. */
export interface ConnectionOptions extends Places {
  tenant?: string;
  siteId: string;
  alias?: string;
  unix?: boolean;
  replicate?: boolean;
  urlPrefix?: string;
  customer?: string;
  statusSite?: string;
  statusHost: string;
}

export const TEMPLATE_HELP = `
TEMPLATE is a text in which {tenant} and {site} stand for the names of the site.`;

export const DEFAULT_STATUS_HOST = "{tenant}-{site}";

/** Adds the options that say how connections are to be. */
export function withConnections(command: Command): Command {
  return withPlaces(command, "farsite-hub")
    .option("--tenant <tenant>", "the sites of one tenant; default all")
    .option("--site-id <template>", "the sites' IDs at the central site", DEFAULT_SITE_ID)
    .option("--alias <template>", "what users of the central site read; default {tenant}/{site}")
    .option("--unix", "connect to the hub's Unix sockets instead of TCP")
    .option("--replicate", "distributed setup: the central site configures the sites")
    .option("--url-prefix <template>", "where the users' browsers find a site, such as /{site}/")
    .option("--customer <template>", "ID of the customer, in Checkmk's managed edition")
    .option("--status-site <id>", "site that monitors a status host for each site")
    .option("--status-host <template>", "name of the status host", DEFAULT_STATUS_HOST)
    .addHelpText("after", TEMPLATE_HELP);
}

export function wishesOf(options: ConnectionOptions): Wishes {
  const { siteId, alias, unix, replicate, urlPrefix, customer, statusSite, statusHost } = options;
  return {
    siteId,
    alias,
    unix,
    replicate,
    urlPrefix,
    customer,
    ...(statusSite !== undefined && { statusHost: { site: statusSite, host: statusHost } }),
  };
}

/** The connections to what the running hub has. */
export async function planFor(options: ConnectionOptions): Promise<Plan> {
  const { tenant } = options;
  const query = tenant === undefined ? "" : `?tenant=${encodeURIComponent(tenant)}`;
  const [sites, endpoints] = await Promise.all([
    askHub<SiteView[]>(options, "GET", `/sites${query}`),
    askHub<EndpointState[]>(options, "GET", "/endpoints"),
  ]);
  return planConnections(sites, endpoints, wishesOf(options));
}
