/** `farsite-hub tenant ...` */

import type { Command } from "commander";
import { type Places, printJson, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { tenantName } from "../../common/names.ts";
import { askHub } from "./client.ts";

export function addTenant(program: Command): void {
  const tenant = program.command("tenant").description("customers: add, list, remove");

  withPlaces(tenant.command("add <tenant>").description("add a tenant"), "farsite-hub").action(
    async (name: string, places: Places) => {
      await askHub(places, "POST", "/tenants", { name });
    },
  );

  withPlaces(tenant.command("list").description("list the tenants"), "farsite-hub")
    .option("--json", "print JSON")
    .action(async (options: Places & { json?: boolean }) => {
      const tenants = await askHub<{ name: string; sites: number }[]>(options, "GET", "/tenants");
      if (options.json) return printJson(tenants.map(({ name, sites }) => ({ tenant: name, sites })));
      if (tenants.length === 0) return printLine("No tenants yet: farsite-hub tenant add NAME");
      printTable(
        ["TENANT", "SITES"],
        tenants.map(({ name, sites }) => [name, String(sites)]),
      );
    });

  withPlaces(
    tenant.command("remove <tenant>").description("remove a tenant without sites"),
    "farsite-hub",
  ).action(async (name: string, places: Places) => {
    const valid = tenantName.safeParse(name);
    // what is no name would be another path: .. the folder above
    if (!valid.success)
      throw new FarsiteError("E_NAME", `not a tenant name: ${name}`, valid.error.issues[0]?.message);
    await askHub(places, "DELETE", `/tenants/${name}`);
  });
}
