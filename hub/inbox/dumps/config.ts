/** What hub.toml may say of status dumps. */
import { z } from "zod";
import { type Address, parseAddress } from "../../../common/address.ts";
import { serviceName, tenantName } from "../../../common/names.ts";
import { hostPrefixes } from "../letter/index.ts";

const isStream = (address: Address | undefined): boolean => address !== undefined && address.kind !== "udp";
const absolute = z.string().startsWith("/", "an absolute path");
const tenants = z.array(tenantName).min(1).optional();

const sink = z.discriminatedUnion(
  "kind",
  [
    z
      .strictObject({
        kind: z.literal("check-results"),
        tenants,
        /** The central core's check_result_path. */
        folder: absolute,
        /** A cfg_dir of that core, for hosts and services; and what makes the core load what has changed there. */
        objects: absolute.optional(),
        reload: z.array(z.string()).min(1).optional(),
        /** Seconds between two loads, and for one. */
        reload_seconds: z.number().min(1).max(86_400).default(60),
      })
      .refine(
        ({ objects, reload }) => (objects === undefined) === (reload === undefined),
        "both objects and reload, or neither",
      ),
    z.strictObject({
      /** Results of checks for any core, or the states of Checkmk's shadow hosts, as `cmcdump` says them. */
      kind: z.enum(["livestatus", "shadow-states"]),
      tenants,
      /** The central core's Livestatus, without TLS. */
      livestatus: z
        .string()
        .refine((text) => isStream(parseAddress(text)), '"unix:/path" or "tcp:HOST:PORT"')
        .transform((text) => parseAddress(text) as Address),
      /** Seconds until it has taken a dump. */
      timeout_seconds: z.number().min(0.1).max(600).default(30),
    }),
  ],
  { error: '"check-results", "livestatus" or "shadow-states"' },
);
export type DumpSinkConfig = z.output<typeof sink>;

export const dumpsConfig = z.strictObject({
  /** What the hub puts before the host names of a tenant's sites, or of one site; of others it takes no dumps. */
  host_prefix: hostPrefixes.default({}),
  /** Seconds without a dump after which a site's hosts and services are marked as stale. */
  stale_seconds: z.number().min(5).max(604_800).default(300),
  /** Where states go, by a name of the operator's. */
  sinks: z.record(serviceName, sink).default({}),
});
export type DumpsConfig = z.output<typeof dumpsConfig>;
