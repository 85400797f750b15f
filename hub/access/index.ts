export { Access } from "./access.ts";
export type { Accounts, MadeToken } from "./accounts.ts";
export { OidcProvider } from "./oidc.ts";
export { type OidcConfig, oidcConfig } from "./oidc-config.ts";
export { Passwords } from "./password.ts";
export {
  actorOf,
  demand,
  has,
  isTenantRole,
  type Principal,
  RIGHTS,
  type Right,
  ROLES,
  type Role,
} from "./principal.ts";
export { Reach, type ReachParts, type SeenDetails, type SeenSite, type SitePast } from "./reach.ts";
export { derived, same } from "./secret.ts";
export { TooOften } from "./too-often.ts";
