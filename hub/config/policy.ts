/** Which policy holds for a site: what hub.toml says of it, else of its tenant, else of all sites. */

import { z } from "zod";
import { type PolicyConfig, policyKeys } from "../../common/livestatus/index.ts";
import type { HubConfig } from "./config.ts";

/** A site by its names. */
interface Named {
  tenant: string;
  name: string;
}

export type Rules = Pick<HubConfig, "livestatus" | "policy">;

const ofAll = z.object(policyKeys);

/** What holds for a site, key by key: of two rules that name a key, that of the site replaces its tenant's. */
export function policyFor({ livestatus, policy }: Rules, { tenant, name }: Named): PolicyConfig {
  const rules = new Map(Object.entries(policy));
  return ofAll.parse({ ...livestatus, ...rules.get(tenant), ...rules.get(`${tenant}/${name}`) });
}

/** Names in hub.toml of tenants and sites that do not exist. */
export function rulesForNobody(
  { policy }: Pick<HubConfig, "policy">,
  tenants: readonly { name: string }[],
  sites: readonly Named[],
): string[] {
  const known = new Set([
    ...tenants.map(({ name }) => name),
    ...sites.map(({ tenant, name }) => `${tenant}/${name}`),
  ]);
  return Object.keys(policy).filter((owner) => !known.has(owner));
}
