/** `farsite-hub endpoints` and `farsite-hub status` */

import type { Command } from "commander";
import {
  ago,
  type Places,
  printJson,
  printLine,
  printTable,
  withPlaces,
} from "../../common/command/index.ts";
import type { EndpointState, ViewState } from "../endpoint/index.ts";
import type { HubStatus, SiteView } from "../hub.ts";
import type { ViewerState } from "../viewer/index.ts";
import { askHub } from "./client.ts";
import { printSites } from "./site.ts";

export function addEndpoints(program: Command): void {
  withPlaces(program.command("endpoints"), "farsite-hub")
    .description("list the local addresses and sockets of every site's services, and those for viewer sites")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const [views, viewers, sites] = await Promise.all([
        askHub<ViewState[]>(options, "GET", "/views"),
        askHub<ViewerState[]>(options, "GET", "/viewers"),
        askHub<EndpointState[]>(options, "GET", "/endpoints"),
      ]);
      if (options.json) return printJson([...sites, ...views, ...viewers]);
      const offered = offersOf(await askHub<SiteView[]>(options, "GET", "/sites"));
      const row = (endpoint: Listed, address: string, way: string) => [
        `${endpoint.tenant}/${endpoint.site}`,
        endpoint.service,
        address,
        endpoint.reason ?? (offered(endpoint) ? endpoint.state : "not offered"),
        String(endpoint.clients),
        way,
      ];
      printTable(
        ["SITE", "SERVICE", "ADDRESS", "STATE", "CLIENTS", "SOCKET"],
        [
          ...sites.map((each) => row(each, addressOf(each), each.socket)),
          ...views.map((each) => row(each, "-", each.socket)),
          ...viewers.map((each) => row(each, addressOf(each), wayOf(each))),
        ],
      );
    });

  withPlaces(program.command("status"), "farsite-hub")
    .description("show the hub and the state of every site")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const status = await askHub<HubStatus>(options, "GET", "/status");
      if (options.json) return printJson(status);
      const { hub, sites } = status;
      printLine(`farsite-hub ${hub.version} at ${hub.url}, up ${ago(hub.since, Date.now())}`);
      printLine(`${hub.connected} of ${hub.sites} sites connected, ${hub.online} online\n`);
      printSites(sites);
    });
}

type Listed = Omit<ViewState, "socket">;

/** Whether the agent of an endpoint's site has its service; true also while nobody can say. */
function offersOf(sites: readonly SiteView[]): (endpoint: Listed) => boolean {
  const told = sites.filter(
    ({ state, offers, pushOnly }) => state === "connected" && (offers.length > 0 || pushOnly),
  );
  const offers = new Map(told.map((site) => [`${site.tenant}/${site.site}`, site.offers]));
  return ({ tenant, site, service }) => offers.get(`${tenant}/${site}`)?.includes(service) ?? true;
}

function addressOf({ address, port }: Pick<EndpointState, "address" | "port">): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** How viewers get in, in the place of a socket. */
function wayOf({ tls, clientCertificates }: ViewerState): string {
  if (tls === "off") return "for viewers, plain";
  return clientCertificates ? "for viewers, TLS with client certificates" : "for viewers, TLS";
}
