/** What an agent tells the hub about a monitoring core beside it: the control message `core`. */
import { z } from "zod";
import { serviceName } from "./names.ts";
import { printable } from "./text.ts";

/** The service under which a site's core is known. */
export const LIVESTATUS = "livestatus";

/** Longest reason in a report, in UTF-16 units. */
export const MAX_REASON = 200;
/** Longest name of a core's release, in UTF-16 units. */
export const MAX_RELEASE = 64;

const printableText = (most: number) =>
  z
    .string()
    .max(most)
    .transform((text) => printable(text, most));

const milliseconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

/** What a core that answers says of itself. */
export const coreInfo = z.object({
  /** When its configuration was loaded, s since the Unix epoch. With `pid`, what a restart or reload changes. */
  started: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
  pid: z.int().min(0).optional(),
  /** Releases of the core and of its Livestatus; empty when it does not say. */
  program: printableText(MAX_RELEASE),
  livestatus: printableText(MAX_RELEASE),
  hosts: z.int().min(0).optional(),
  services: z.int().min(0).optional(),
});
export type CoreInfo = z.output<typeof coreInfo>;

/** Why a core is dead. */
export const CORE_CAUSES = [
  /** Nobody listens, or who does closes without an answer. */
  "stopped",
  /** It takes connections, or lets them queue, and never answers. */
  "hung",
  /** Its host cannot be reached. */
  "unreachable",
  /** The agent may not open its socket. */
  "denied",
  /** What answers does not speak Livestatus. */
  "invalid",
] as const;
export type CoreCause = (typeof CORE_CAUSES)[number];

const report = {
  kind: z.literal("core"),
  service: serviceName,
  /** Since when it is so, by the agent's clock, ms since the Unix epoch. */
  since: milliseconds,
};

/** CONTROL, agent to hub: how a core is. Sent at the start of a session, and when it changes. */
export const coreControl = z.discriminatedUnion("state", [
  z.object({ ...report, state: z.literal("online"), core: coreInfo }),
  z.object({
    ...report,
    state: z.literal("dead"),
    cause: z.enum(CORE_CAUSES),
    reason: printableText(MAX_REASON),
  }),
]);
export type CoreReport = z.output<typeof coreControl>;

/** What changes whenever a core was restarted or has loaded its configuration anew, and only then. */
export function generationOf(core: CoreInfo): string {
  return `${core.started}/${core.pid ?? "-"}`;
}
