/** What hub.toml may say of notifications. */
import { z } from "zod";
import { serviceName, tenantName } from "../../../common/names.ts";
import { FILE_MARK } from "../sink/index.ts";

const absolute = z.string().startsWith("/", "an absolute path");
const tenants = z.array(tenantName).min(1).optional();
const parallel = z.int().min(1).max(256).default(4);

const sink = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      kind: z.literal("spool"),
      tenants,
      /** The central site's var/check_mk/notify/spool. */
      folder: absolute,
    }),
    z.strictObject({
      kind: z.literal("command"),
      tenants,
      /** Program and arguments. */
      command: z
        .array(z.string())
        .min(1)
        .refine(
          (words) => words.slice(1).some((word) => word.includes(FILE_MARK)),
          `an argument with ${FILE_MARK} in it, which stands for the notification's file`,
        ),
      /** Where that file is written. */
      directory: absolute.optional(),
      /** Seconds for one run. */
      timeout_seconds: z.number().min(0.1).max(3600).default(60),
      /** Runs at a time. */
      parallel,
    }),
    z
      .strictObject({
        kind: z.literal("webhook"),
        tenants,
        url: z.url({ protocol: /^https?$/ }),
        /** A header whose value is in secret_file. */
        header: z
          .string()
          .regex(/^[A-Za-z][A-Za-z0-9-]*$/, "a header's name")
          .optional(),
        secret_file: absolute.optional(),
        /** Authorities (PEM) that vouch for its certificate, besides the public ones. */
        ca_file: absolute.optional(),
        /** Seconds for one request. */
        timeout_seconds: z.number().min(0.1).max(300).default(10),
        /** Requests at a time. */
        parallel,
      })
      .refine(
        ({ header, secret_file }) => (header === undefined) === (secret_file === undefined),
        "both header and secret_file, or neither",
      )
      .refine(
        ({ url, ca_file }) => ca_file === undefined || url.startsWith("https:"),
        "a URL with https:, where there is a ca_file",
      ),
  ],
  { error: '"spool", "command" or "webhook"' },
);
export type SinkConfig = z.output<typeof sink>;

export const notificationsConfig = z.strictObject({
  /** What the host names of a tenant's notifications must begin with. */
  host_prefix: z.record(tenantName, z.string().min(1).max(64)).default({}),
  /** Where notifications go, by a name of the operator's. */
  sinks: z.record(serviceName, sink).default({}),
});
export type NotificationsConfig = z.output<typeof notificationsConfig>;
