/** `[metrics]` of hub.toml. */

import { isIP } from "node:net";
import { z } from "zod";
import { portNumber } from "../../common/names.ts";

export const metricsConfig = z.strictObject({
  /** What is told of tenants and sites at the web interface; never at the listener below. */
  labels: z.enum(["none", "tenant", "site"]).default("none"),
  /** Of a listener with plain HTTP and without login; without a port there is none. */
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, "an IP address, such as 127.0.0.1")
    .default("127.0.0.1"),
  port: portNumber.optional(),
});
