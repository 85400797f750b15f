/** Roles and rights as people read them. */
import type { Right, Role } from "../../../access/index.ts";

export const ROLE_TITLES: Readonly<Record<Role, string>> = {
  administrator: "Administrator: everything",
  operator: "Operator: all tenants, no changes of sites and users",
  "tenant-operator": "Tenant operator: sees and commands own tenants",
  "tenant-viewer": "Tenant viewer: sees own tenants",
};

export const RIGHT_TITLES: Readonly<Record<Right, string>> = {
  see: "see: sites, their states and problems",
  command: "command: acknowledge, downtime, check now",
  registry: "registry: add, change and remove tenants and sites",
  users: "users: users and their tokens",
  audit: "audit: who did what",
  hub: "hub: what is about the hub itself, such as metrics",
};
