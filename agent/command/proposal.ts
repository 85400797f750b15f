/** Which of the sites that were found is which enrolment's, and what of it is to go into agent.toml. */
import { stringify } from "smol-toml";
import { addKeys, moveTables, parseConfig } from "../../common/config/index.ts";
import { type AgentConfig, agentConfig, type SiteConfig, topLevelKeys } from "../config.ts";
import type { Enrolment } from "../enrolment/index.ts";
import { placeOf } from "../listen/index.ts";
import type { Found } from "../omd/index.ts";

/** One table of agent.toml with services. */
export interface Proposal {
  /** `["services"]`, or `["sites", NAME, "services"]`. */
  table: string[];
  /** The site whose services they are. */
  site: string;
  services: Record<string, string>;
}

/**
 * Proposes services for every enrolled site that was found; for every one found, as long as none is enrolled. A core
 * without a site ID is that of the only enrolment.
 */
export function proposalsFor(
  all: readonly Found[],
  enrolments: readonly Enrolment[],
  config: AgentConfig,
): Proposal[] {
  const found = all.filter(({ services }) => Object.keys(services).length > 0);
  const tables: SiteConfig[] = [config, ...Object.values(config.sites)];
  const own = new Set(
    tables.flatMap(({ listen }) => Object.values(listen).map(({ address }) => placeOf(address))),
  );
  const ofMany =
    Object.keys(config.sites).length > 0 ||
    enrolments.length > 1 ||
    (enrolments.length === 0 && found.length > 1);
  const propose = (name: string, site: Found): Proposal => ({
    table: ofMany ? ["sites", name, "services"] : ["services"],
    site: site.name,
    services: allowed(site.services, ofMany ? config.sites[name] : config, own),
  });
  if (enrolments.length === 0) return found.map((site) => propose(site.name, site));
  return enrolments.flatMap(({ name, enrolled }) => {
    const [only] = found;
    const mine = found.find((site) => site.name === enrolled.site);
    const site = mine ?? (enrolments.length === 1 && found.length === 1 ? only : undefined);
    return site ? [propose(name, site)] : [];
  });
}

/**
 * Where commands are limited, the Event Console's own socket, which takes any, is not offered beside Livestatus; and
 * never where this agent itself listens.
 * @param own the places where it does
 */
function allowed(
  services: Record<string, string>,
  config: SiteConfig | undefined,
  own: ReadonlySet<string>,
): Record<string, string> {
  const limited = config !== undefined && config.livestatus.commands !== "all";
  const refused = (service: string, target: string) =>
    own.has(target) || (limited && service === "ec" && target.startsWith("unix:"));
  return Object.fromEntries(
    Object.entries(services).filter(([service, target]) => !refused(service, target)),
  );
}

/** The proposals as text for agent.toml. */
export function snippetOf(proposals: readonly Proposal[]): string {
  return proposals.map(({ table, services }) => `[${table.join(".")}]\n${stringify(services)}`).join("\n");
}

export interface Edited {
  text: string;
  /** What was added: `TABLE.SERVICE = TARGET`. */
  added: string[];
  /** What is there with another target, and was left as it is. */
  kept: { key: string; present: string; found: string }[];
}

/**
 * Adds to the text of agent.toml what it lacks. Where several sites need tables of their own, what the top level says
 * goes to the first enrolment's. Throws E_CONFIG where the text cannot be changed by a program.
 */
export function addProposals(
  file: string,
  text: string,
  proposals: readonly Proposal[],
  enrolments: readonly Enrolment[],
): Edited {
  const edited: Edited = { text, added: [], kept: [] };
  const config = parseConfig(file, text, agentConfig);
  const first = enrolments.find(({ root }) => root);
  const top = topLevelKeys(config);
  if (first && top.length > 0 && proposals.some(({ table }) => table.length > 1)) {
    edited.text = moveTables(text, top, ["sites", first.name]);
    edited.added.push(...top.map((key) => `[${key}] is [sites.${first.name}.${key}] now`));
  }
  for (const { table, services } of proposals) {
    const now = parseConfig(file, edited.text, agentConfig);
    const [, name] = table;
    const present = (name === undefined ? now : now.sites[name])?.services ?? {};
    const missing: Record<string, string> = {};
    for (const [service, target] of Object.entries(services)) {
      const key = `${table.join(".")}.${service}`;
      const there = present[service]?.text;
      if (there === undefined) {
        missing[service] = target;
        edited.added.push(`${key} = "${target}"`);
      } else if (there !== target) {
        edited.kept.push({ key, present: there, found: target });
      }
    }
    edited.text = addKeys(edited.text, table, missing);
  }
  parseConfig(file, edited.text, agentConfig);
  return edited;
}
