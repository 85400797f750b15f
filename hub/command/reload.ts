/** `farsite-hub reload` */

import type { Command } from "commander";
import { type Places, printReload, type ReloadOptions, withPlaces } from "../../common/command/index.ts";
import type { ReloadReport } from "../../common/config/index.ts";
import { askHub } from "./client.ts";

export function addReload(program: Command): void {
  withPlaces(program.command("reload"), "farsite-hub")
    .description("let the running hub take up the changed hub.toml and renewed certificates; streams go on")
    .option("--check", "only say what it would do; nothing is changed")
    .option("--json", "print JSON")
    .action(async (options: Places & ReloadOptions) => {
      const report = await askHub<ReloadReport>(options, options.check ? "GET" : "POST", "/reload");
      printReload(report, options);
    });
}
