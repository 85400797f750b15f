/** The agent's file and folders: there, readable by the agent's user and by nobody else, with room on the disk. */
import { readdirSync, type Stats, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../common/errors.ts";
import type { Account } from "../omd/index.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** Bytes free below which an outbox soon cannot take what the site forwards. */
const LITTLE_SPACE = 64 << 20;

/** Permission bits (inode(7)). */
const READ = 0o4;
const ANY_OF_OTHERS = 0o077;

type User = Pick<Account, "name" | "exists" | "uid" | "groups">;

/** Whether the agent's user may read agent.toml. */
export function configFinding(path: string, user: User): Finding {
  const stat = statOf(path);
  if (typeof stat === "string") {
    const more = {
      do: "farsite-agent enroll writes one; docs/agent.toml has every key.",
      owner: "host",
    } as const;
    return warning("configuration", `${path}: ${stat}; what counts are the defaults`, more);
  }
  if (user.exists && !mayRead(stat, user)) {
    return wrong("configuration", `${path} cannot be read by the user ${user.name}`, `chmod a+r ${path}`);
  }
  return ok("configuration", `${path} is as it should be`);
}

/** Whose the state directory is, who else may enter it, and how much room it has. */
export function stateFinding(directory: string, user: User): Finding {
  const stat = statOf(directory);
  if (typeof stat === "string") {
    return wrong("state", `${directory}: ${stat}`, "Enrol this agent, or name its --state-dir.");
  }
  if (user.exists && user.uid !== stat.uid) {
    const advice = `chown -R ${user.name} ${directory}, and enrol as that user.`;
    return wrong(
      "state",
      `${directory} does not belong to the user ${user.name}, as whom the agent runs`,
      advice,
    );
  }
  if ((stat.mode & ANY_OF_OTHERS) !== 0) {
    return warning("state", `${directory} can be entered by others`, {
      do: `chmod 700 ${directory}`,
      owner: "host",
    });
  }
  const free = freeBytes(directory);
  if (free !== undefined && free < LITTLE_SPACE) {
    return warning("state", `${directory} has ${free >> 20} MiB left on its disk`, {
      owner: "host",
      figures: { free },
    });
  }
  return ok("state", `${directory} belongs to the agent alone`, free === undefined ? undefined : { free });
}

const ITEM = /(?:^|\/)\d{12}$/;

/** Items that wait in an enrolment's folder, as its disk has them: for when no agent runs that could say. */
export function itemsOnDisk(folder: string): number {
  try {
    const names = readdirSync(join(folder, "outbox"), { recursive: true, encoding: "utf8" });
    return names.filter((name) => ITEM.test(name)).length;
  } catch {
    return 0;
  }
}

function wrong(step: "configuration" | "state", says: string, advice: string): Finding {
  const code = step === "configuration" ? "E_CONFIG" : "E_STATE";
  return { step, state: "problem", says, code, do: advice, owner: "host" };
}

function mayRead({ mode, uid, gid }: Stats, user: User): boolean {
  if (user.uid === 0) return true;
  if (user.uid === uid) return (mode & (READ << 6)) !== 0;
  return (mode & (user.groups.has(gid) ? READ << 3 : READ)) !== 0;
}

function statOf(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is none" : reasonOf(error);
  }
}

function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
