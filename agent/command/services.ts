/** `farsite-agent services` */

import type { Command } from "commander";
import { type Places, printJson, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import { loadConfig } from "../../common/config/index.ts";
import { agentConfig } from "../config.ts";
import { probeTarget } from "../service/index.ts";

export function addServices(program: Command): void {
  withPlaces(program.command("services"), "farsite-agent")
    .description("list what the hub may reach here, and whether each target answers now")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const config = loadConfig(options.config, agentConfig);
      const named = Object.entries(config.sites);
      const tables = named.length > 0 ? named : [[undefined, config] as const];
      const rows = await Promise.all(
        tables.flatMap(([site, { services }]) =>
          Object.entries(services).map(async ([service, target]) => {
            const reason = await probeTarget(target.address);
            const found = { service, target: target.text, reachable: reason === undefined };
            return { ...(site !== undefined && { site }), ...found, ...(reason && { reason }) };
          }),
        ),
      );
      if (options.json) return printJson(rows);
      if (rows.length === 0) return printLine(`No services in ${options.config}.`);
      const several = named.length > 0;
      printTable(
        [...(several ? ["SITE"] : []), "SERVICE", "TARGET", "NOW"],
        rows.map((row) => [
          ...(several ? [row.site ?? ""] : []),
          row.service,
          row.target,
          row.reason ?? "reachable",
        ]),
      );
    });
}
