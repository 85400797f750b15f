/** What hub.toml may say of inventories. */
import { z } from "zod";
import { serviceName, tenantName } from "../../../common/names.ts";
import { LARGEST_FILE_MIB } from "../../../common/outbox/index.ts";
import { hostPrefixes } from "../letter/index.ts";
import { isTemplate } from "./template.ts";

const folder = z
  .string()
  .startsWith("/", { error: "an absolute path", abort: true })
  .refine(isTemplate, "a path in which nothing but {tenant} and {site} stands in braces");

const sink = z.strictObject({
  tenants: z.array(tenantName).min(1).optional(),
  /** The central site's var/check_mk/inventory; {tenant} and {site} stand for whose files they are. */
  folder,
  /** Its var/check_mk/inventory_archive; without it what agents send of theirs is not kept. */
  archive: folder.optional(),
});
export type InventorySinkConfig = z.output<typeof sink>;

const sinks = z.record(serviceName, sink).superRefine((given, { addIssue }) => {
  const taken = new Map<string, string>();
  for (const [name, { folder: inventory, archive }] of Object.entries(given)) {
    for (const [key, input] of Object.entries({ folder: inventory, archive })) {
      if (input === undefined) continue;
      const other = taken.get(input);
      const message = `a folder of its own, not that of ${other}`;
      if (other === undefined) taken.set(input, `${name}.${key}`);
      else addIssue({ code: "custom", path: [name, key], input, message });
    }
  }
});

export const inventoryConfig = z.strictObject({
  /** What the host names of a tenant's files must begin with, or of one site's. */
  host_prefix: hostPrefixes.default({}),
  /** Files of one site, and MiB of them; what is more is refused. */
  files: z.int().min(1).max(10_000_000).default(100_000),
  mib: z.number().min(0.001).max(1_048_576).default(4096),
  /** MiB of one file. */
  file_mib: z.number().min(0.001).max(LARGEST_FILE_MIB).default(8),
  /** Where files go, by a name of the operator's. */
  sinks: sinks.default({}),
});
export type InventoryConfig = z.output<typeof inventoryConfig>;
