export { Access, type AccessOptions } from "./access.ts";
export {
  actorOf,
  has,
  isTenantRole,
  type Principal,
  RIGHTS,
  type Right,
  ROLES,
  type Role,
} from "./principal.ts";
export { Reach, type SeenDetails, type SeenSite } from "./reach.ts";
export { derived, same } from "./secret.ts";
