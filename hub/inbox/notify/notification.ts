/**
 * Notifications as they come from a customer's site: hostile until shown otherwise. Checkmk's macros end in file
 * names, Livestatus commands and environments of the central site, so what names something is refused when it could
 * mean something there, and what describes something is made harmless.
 */
import { z } from "zod";
import { pythonString } from "../../../common/python/index.ts";
import type { Letter, Sender } from "../letter/index.ts";

/** Bytes of a notification. */
export const MAX_NOTIFICATION = 2 << 20;
/** Macros of one; Checkmk has about 100. */
const MOST_MACROS = 2_000;
const MAX_NAME = 256;

/** A macro's name: no control character, nothing that ends a name in an environment or in a file. */
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}=]+$/u;
/** What names things: hosts, services, people, kinds. */
const NAMES: ReadonlySet<string> = new Set([
  "CONTACTNAME",
  "CONTACTS",
  "HOSTNAME",
  "NOTIFICATIONTYPE",
  "OMD_SITE",
  "SERVICEDESC",
  "WHAT",
]);
/** A way out of a folder, where a name becomes part of a path; "Filesystem /var" is none. */
const WAY_OUT = /^\.{1,2}$|(^|\/)\.\.(\/|$)/;
/** Texts of many lines. */
const LONG = /^LONG(HOST|SERVICE)OUTPUT$/;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
const CONTROLS_BUT_LINES = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}]/gu;

const notification = z.object({ context: z.record(z.string(), z.string()) });

/** Which host names a tenant's notifications may have. */
export type HostPrefix = (tenant: string) => string | undefined;

/** A notification's macros, in order, fit for the central site. Throws an Error with a reason for people. */
export function readNotification(
  { tenant, site, body }: Sender & Pick<Letter, "body">,
  hostPrefix: HostPrefix,
): Map<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Error("a notification is not JSON");
  }
  // a record of zod leaves __proto__ out, which would be a macro lost
  const context = notification.safeParse(parsed).success
    ? (parsed as { context: object }).context
    : undefined;
  const macros = Object.entries(context ?? {}) as [string, string][];
  if (!context || macros.length > MOST_MACROS) throw new Error("a notification is not as agreed");
  const fit = new Map<string, string>();
  for (const [name, value] of macros) {
    if (typeof value !== "string") throw new Error("a notification is not as agreed");
    if (name.length > MAX_NAME || !NAME.test(name)) throw new Error("a macro's name has other characters");
    fit.set(name, fitValue(name, value));
  }
  const host = fit.get("HOSTNAME");
  if (!host) throw new Error("a notification names no host");
  const prefix = hostPrefix(tenant);
  if (prefix !== undefined && !host.startsWith(prefix)) {
    throw new Error(`its host does not begin with ${prefix}`);
  }
  // where it came from is not for the sender to say
  fit.set("OMD_SITE", site);
  return fit;
}

function fitValue(name: string, value: string): string {
  if (NAMES.has(name)) {
    if (value.search(CONTROLS) !== -1) throw new Error(`${name} has control characters in it`);
    if (WAY_OUT.test(value)) throw new Error(`${name} leads out of a folder`);
    return value;
  }
  if (LONG.test(name)) return value.replace(CONTROLS_BUT_LINES, " ");
  // a line break as the cores themselves write it; the rest means nothing in a text
  return value.replaceAll("\n", "\\n").replace(CONTROLS, " ");
}

/** The spool file of a notification that was received from a remote site: a Python literal. */
export function spoolFile(context: ReadonlyMap<string, string>): Buffer {
  const macros = [...context].map(([name, value]) => `${pythonString(name)}: ${pythonString(value)}`);
  return Buffer.from(`{"context": {${macros.join(",\n             ")}}}\n`, "ascii");
}
