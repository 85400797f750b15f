/** The agent's user becomes a member of the groups that open a site's sockets. */
import { spawnSync } from "node:child_process";
import type { Account, Found } from "../omd/index.ts";

/** Groups that cores without OMD give their sockets to, by distribution. */
const OF_CORES: ReadonlySet<string> = new Set([
  "icinga",
  "icingacmd",
  "nagcmd",
  "nagios",
  "naemon",
  "www-data",
  "apache",
  "wwwrun",
]);
/** ms. */
const PATIENCE = 10_000;

/**
 * The groups that the agent's user lacks, if these are groups for that: whoever owns a site's folder may put a link
 * into it that leads to another program's socket, and root must not open that by itself.
 */
export function groupsToJoin({ kind, name, rights }: Found, { exists }: Pick<Account, "exists">): string[] {
  if (!exists || rights?.state !== "closed") return [];
  const isFor = kind === "checkmk" || kind === "omd" ? (group: string) => group === name : isOfCores;
  return rights.groups.every(isFor) ? rights.groups : [];
}

const isOfCores = (group: string) => OF_CORES.has(group);

/** Whether it came about. Only root can. */
export function joinGroups({ name }: Pick<Account, "name">, groups: readonly string[]): boolean {
  return spawnSync("usermod", ["-aG", groups.join(","), "--", name], { timeout: PATIENCE }).status === 0;
}
