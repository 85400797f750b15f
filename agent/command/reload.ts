/** `farsite-agent reload` */

import { join } from "node:path";
import type { Command } from "commander";
import { type Places, printReload, type ReloadOptions, withPlaces } from "../../common/command/index.ts";
import { askReload, STATUS_SOCKET } from "../status.ts";

export function addReload(program: Command): void {
  withPlaces(program.command("reload"), "farsite-agent")
    .description("let the running agent take up the changed agent.toml, and new enrolments; streams go on")
    .option("--check", "only say what it would do; nothing is changed")
    .option("--json", "print JSON")
    .action(async (options: Places & ReloadOptions) => {
      const report = await askReload(join(options.runDir, STATUS_SOCKET), options.check ?? false);
      printReload(report, options);
    });
}
