/** `farsite-hub checkmk ...`: what a central Checkmk site, NagVis and Thruk must be told of the sites. */

import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { writeFileAtomic } from "../../common/files.ts";
import { HEADER, NEWEST, nagvisBackends, sitesMk, spoolerMk, thrukPeers } from "../checkmk/index.ts";
import { addApply } from "./checkmk-apply.ts";
import {
  type ConnectionOptions,
  DEFAULT_STATUS_HOST,
  planFor,
  TEMPLATE_HELP,
  withConnections,
} from "./checkmk-connections.ts";
import { addLocal } from "./checkmk-local.ts";
import { addStatusHosts } from "./checkmk-status.ts";

interface PrintOptions extends ConnectionOptions {
  output?: string;
  checkmkVersion: string;
  notify?: boolean;
}

/** An addon has no notion of a site's own ID, so that it can be one that is never there twice. */
const ADDON_ID = "{tenant}_{site}";

export function addCheckmk(program: Command): void {
  const checkmk = program
    .command("checkmk")
    .description("connect a central Checkmk site, NagVis or Thruk to the sites");

  withConnections(checkmk.command("sites.mk"))
    .description("print site connections as Checkmk's etc/check_mk/multisite.d/sites.mk has them")
    .option("--checkmk-version <release>", "release of the central site", NEWEST)
    .option("--notify", "print the connections of the notification spooler instead")
    .option("--output <file>", "write a file instead of standard output")
    .action(async (options: PrintOptions) => {
      const plan = await planFor(options);
      const { checkmkVersion: version, replicate = false } = options;
      write(options.notify ? spoolerMk(plan) : sitesMk(plan, { version, replicate }), options.output);
    });

  addApply(checkmk);

  const addons = [
    ["nagvis", "print backends for NagVis's nagvis.ini.php", nagvisBackends],
    ["thruk", "print peers for a file in Thruk's thruk_local.d", thrukPeers],
  ] as const;
  for (const [name, description, print] of addons) {
    withPlaces(checkmk.command(name), "farsite-hub")
      .description(description)
      .option("--tenant <tenant>", "the sites of one tenant; default all")
      .option("--site-id <template>", "ID of a backend", ADDON_ID)
      .option("--unix", "connect to Unix sockets instead of TCP")
      .option("--status-site <id>", "backend or site that monitors a status host for each site")
      .option("--status-host <template>", "name of the status host", DEFAULT_STATUS_HOST)
      .option("--output <file>", "write a file instead of standard output")
      .addHelpText("after", TEMPLATE_HELP)
      .action(async (options: PrintOptions) => write(print(await planFor(options)), options.output));
  }

  addStatusHosts(checkmk);
  addLocal(checkmk);
}

/** @throws E_EXISTS the file is somebody else's: Checkmk keeps more than connections to here in its own */
function write(text: string, path: string | undefined): void {
  if (path === undefined) return printLine(text.trimEnd());
  const theirs = existsSync(path) && !isOurs(readFileSync(path, "utf8"));
  if (theirs) {
    throw new FarsiteError(
      "E_EXISTS",
      `${path} is there already, and not from here`,
      "What is in it would be lost. Print to standard output, and add that to the file (>>).",
    );
  }
  writeFileAtomic(path, text, 0o640);
}

/** Every file that is printed here begins the same, behind the sign of a comment. */
function isOurs(text: string): boolean {
  return text.slice(1).startsWith(HEADER.slice(1));
}
