/** What tenants, sites and services may be called. Names become file names, so they are kept plain. */
import { z } from "zod";

/** A customer: lower case letters, digits and hyphens. */
export const tenantName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/, "1 to 24 of a-z, 0-9 and inner hyphens");

/** A Checkmk site ID, exactly as `omd sites` shows it. */
export const siteName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_-]{0,31}$/,
    "a site ID: a letter or _, then up to 31 of A-Z, a-z, 0-9, _ and -",
  );

/** A local user of the web interface, or a token's name; a colon stands in no such name. */
export const userName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/,
    "1 to 64 of A-Z, a-z, 0-9 and inner . _ @ -, for example alice or alice@example.com",
  );

/** Of whom a rule is: `TENANT`, for all its sites, or `TENANT/SITE`. */
export const ownerName = z.string().refine((text) => {
  const [tenant, site, ...more] = text.split("/");
  const known = tenantName.safeParse(tenant).success && more.length === 0;
  return known && (site === undefined || siteName.safeParse(site).success);
}, 'a tenant, or "TENANT/SITE"');

/** A service, by which the hub asks an agent for a local target. */
export const serviceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "a service name: a-z first, then up to 31 of a-z, 0-9 and -");

/** The line on which agents' outboxes reach the hub; no other line may have its name. */
export const OUTBOX = "outbox";

/** A line from a site to the central side. */
export const lineName = serviceName.refine((name) => name !== OUTBOX, `another name: ${OUTBOX} is reserved`);

export const portNumber = z.int().min(1).max(65_535);
