/** What hub.toml says of logging in through an OpenID provider: `[web.oidc]`. */

import { z } from "zod";
import { tenantName } from "../../common/names.ts";
import { isTenantRole, ROLES } from "./principal.ts";

const group = z
  .strictObject({ role: z.enum(ROLES), tenants: z.array(tenantName).max(1000).default([]) })
  .superRefine(({ role, tenants }, context) => {
    if (isTenantRole(role) === tenants.length > 0) return;
    const message = isTenantRole(role)
      ? `the tenants that ${role} is for`
      : `none: ${role} is for all tenants`;
    context.addIssue({ code: "custom", path: ["tenants"], input: tenants, message });
  });

export const oidcConfig = z.strictObject({
  /** As the provider names itself; its configuration is below it (OpenID Connect Discovery 1.0, 4). */
  issuer: z
    .string()
    .regex(/^https:\/\/[^?#@\s]+$/, { error: "https://HOST/PATH, as the provider gives it", abort: true })
    .refine((url) => URL.canParse(url), "a valid URL"),
  client_id: z.string().min(1).max(1024),
  client_secret_file: z.string().min(1),
  /** PEM of the authority that vouches for the provider's certificate, where the system does not know it. */
  ca_file: z.string().optional(),
  /** What the button says. */
  label: z.string().min(1).max(64).default("Log in with single sign-on"),
  /** What is asked for besides openid. */
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "a scope"))
    .max(20)
    .default(["profile"]),
  /** The claim with a person's name, and the one with the groups. */
  name_claim: z.string().min(1).default("preferred_username"),
  groups_claim: z.string().min(1).default("groups"),
  /** What members of a group may do, by the group's name. */
  groups: z.record(z.string(), group).default({}),
  /** Hours after which such a session ends: what changes at the provider counts from then on. */
  session_hours: z.number().min(0.1).max(168).default(8),
  /** Seconds for an answer of the provider. */
  timeout_seconds: z.number().min(0.1).max(60).default(10),
});
export type OidcConfig = z.output<typeof oidcConfig>;
export type GroupRole = z.output<typeof group>;
