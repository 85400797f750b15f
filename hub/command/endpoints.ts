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
import type { HubStatus } from "../hub.ts";
import { askHub } from "./client.ts";
import { printSites } from "./site.ts";

export function addEndpoints(program: Command): void {
  withPlaces(program.command("endpoints"), "farsite-hub")
    .description("list the local addresses and sockets of every site's services")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const [views, sites] = await Promise.all([
        askHub<ViewState[]>(options, "GET", "/views"),
        askHub<EndpointState[]>(options, "GET", "/endpoints"),
      ]);
      const endpoints = [...sites, ...views];
      if (options.json) return printJson(endpoints);
      printTable(
        ["SITE", "SERVICE", "ADDRESS", "STATE", "CLIENTS", "SOCKET"],
        endpoints.map((endpoint) => [
          `${endpoint.tenant}/${endpoint.site}`,
          endpoint.service,
          endpoint.port === undefined ? "-" : `${endpoint.address}:${endpoint.port}`,
          endpoint.reason ?? endpoint.state,
          String(endpoint.clients),
          endpoint.socket,
        ]),
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
