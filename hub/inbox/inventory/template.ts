/** Paths of the configuration in which `{tenant}` and `{site}` stand for a sender. */
import { dirname } from "node:path";
import type { Sender } from "../letter/index.ts";

const TENANT = "{tenant}";
const SITE = "{site}";

export function isTemplate(text: string): boolean {
  return !/[{}]/.test(text.replaceAll(TENANT, "").replaceAll(SITE, ""));
}

/** Whether each tenant has a path of its own by it. */
export function isApart(template: string): boolean {
  return template.includes(TENANT);
}

/** Names of tenants and sites have nothing in them that means something in a path. */
export function fill(template: string, { tenant, site }: Sender): string {
  return template.replaceAll(TENANT, tenant).replaceAll(SITE, site);
}

/** The folder that must be there: all of a path, or what is in front of the first name with braces in it. */
export function baseOf(template: string): string {
  const at = template.indexOf("{");
  return at === -1 ? template : dirname(`${template.slice(0, at)}x`);
}
