/** What the agent's user lacks to open a Unix socket. */
import { realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Account } from "./account.ts";

export type Rights =
  | { state: "open" }
  /** `groups`: those whose members may open it, of which the user is no member. */
  | { state: "closed"; groups: string[] }
  /** Neither group nor others may: `at` is where that is so. */
  | { state: "shut"; at: string }
  | { state: "unknown" };

/** Permission bits (inode(7)) of others; those of the group are three to the left. */
const ENTER = 0o001;
const WRITE = 0o002;
const toGroup = (bit: number) => bit << 3;
const toOwner = (bit: number) => bit << 6;

/** What a step on the way to a socket asks for: to enter each folder, and to write to the socket. */
export interface Step {
  path: string;
  bit: number;
  stat: Pick<Stats, "mode" | "uid" | "gid">;
}

/** @param group the group that usually opens it, for when there is no socket to look at */
export function rightsTo(socket: string, account: Account, group?: string): Rights {
  const steps = stepsTo(socket);
  const there = steps.at(-1)?.path === realpath(socket);
  const may = there ? account.mayOpen(socket) : undefined;
  if (may) return { state: "open" };
  const missing = judge(steps, account);
  if ("at" in missing) return { state: "shut", at: missing.at };
  const ids = new Set(missing.groups);
  const usual = there || group === undefined ? undefined : account.groupId(group);
  if (usual !== undefined && !account.groups.has(usual)) ids.add(usual);
  if (ids.size > 0) return { state: "closed", groups: [...ids].map((id) => account.groupName(id)) };
  // by owner and mode it is open; where the kernel says no nevertheless, something else forbids it
  return may === false ? { state: "shut", at: socket } : { state: "unknown" };
}

/** How the agent's user comes to the rights it lacks, if any: only root can give them, and the agent must start anew. */
export function rightsAdvice(
  socket: string,
  rights: Rights,
  { name: user, exists }: Pick<Account, "name" | "exists">,
): string | undefined {
  switch (rights.state) {
    case "closed": {
      const join = `usermod -aG ${rights.groups.join(",")} ${user} && systemctl restart farsite-agent`;
      if (exists) return `the user ${user} may not open ${socket}; as root: ${join}`;
      return `there is no user ${user} yet; make it, then, as root: ${join}`;
    }
    case "shut":
      return `${rights.at} is closed to the user ${user}, and no group opens it; namei -l ${socket}`;
    case "open":
    case "unknown":
      return undefined;
  }
}

/** Where a user is stopped whom neither owner nor group nor mode lets pass; or the groups that would. */
export function judge(
  steps: readonly Step[],
  { uid, groups }: Pick<Account, "uid" | "groups">,
): { groups: number[] } | { at: string } {
  const missing = new Set<number>();
  for (const { path, bit, stat } of steps) {
    const owner = stat.uid === uid;
    const member = groups.has(stat.gid);
    const asks = owner ? toOwner(bit) : member ? toGroup(bit) : bit;
    if ((stat.mode & asks) !== 0) continue;
    // nobody should become a member of root's group for this
    const opened = stat.gid !== 0 && (stat.mode & toGroup(bit)) !== 0;
    if (owner || member || !opened) return { at: path };
    missing.add(stat.gid);
  }
  return { groups: [...missing] };
}

/** As far as the way to `socket` can be seen from here. */
function stepsTo(socket: string): Step[] {
  const place = realpath(socket);
  const steps: Step[] = [];
  for (const path of waysTo(place)) {
    const stat = statOf(path);
    if (!stat) break;
    steps.push({ path, bit: stat.isDirectory() ? ENTER : WRITE, stat });
  }
  return steps;
}

/** `/`, every folder below it on the way, and the place itself. */
function waysTo(place: string): string[] {
  const above = dirname(place);
  return above === place ? [place] : [...waysTo(above), place];
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
