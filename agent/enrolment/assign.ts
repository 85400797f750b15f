/** Which part of agent.toml speaks of which enrolment. */
import { FarsiteError } from "../../common/errors.ts";
import { type AgentConfig, NO_SITE_CONFIG, type SiteConfig, topLevelKeys } from "../config.ts";
import type { Enrolment } from "./enrolments.ts";

/** An enrolment, and what agent.toml says of its site. */
export interface Assigned extends Enrolment {
  config: SiteConfig;
}

/**
 * What the top level says is the first enrolment's alone, so that a further one takes nothing from it and gets
 * nothing of it. Throws E_CONFIG where it cannot be told which one the first is.
 */
export function assign(config: AgentConfig, enrolments: readonly Enrolment[]): Assigned[] {
  if (Object.keys(config.sites).length > 0) {
    return enrolments.map((each) => ({ ...each, config: config.sites[each.name] ?? NO_SITE_CONFIG }));
  }
  const keys = topLevelKeys(config);
  if (keys.length > 0 && enrolments.length > 1 && !enrolments.some(({ root }) => root)) {
    const names = enrolments.map(({ name }) => name).join(", ");
    throw new FarsiteError(
      "E_CONFIG",
      `agent.toml speaks of one site at its top level, but this agent is enrolled for several: ${names}`,
      keys.map((key) => `${key}: move it to [sites.NAME.${key}]`).join("\n"),
    );
  }
  return enrolments.map((each, index) => ({ ...each, config: index === 0 ? config : NO_SITE_CONFIG }));
}

/** Names below [sites] in agent.toml for which there is no enrolment. */
export function unassigned(config: AgentConfig, enrolments: readonly Enrolment[]): string[] {
  return Object.keys(config.sites).filter((name) => !enrolments.some((each) => each.name === name));
}
