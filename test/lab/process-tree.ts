/** A process and all that descends from it, by /proc; for ending programs that fork. */
import { readdirSync, readFileSync } from "node:fs";

export interface Member {
  pid: number;
  /** Start time in clock ticks since boot: with it a number given to a new process is not mistaken. */
  started: number;
}

interface Stat extends Member {
  parent: number;
  zombie: boolean;
}

/** Fields as in proc_pid_stat(5); the name in brackets may itself hold brackets and blanks. */
function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined; // gone
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid, zombie: fields[0] === "Z", parent: Number(fields[1]), started: Number(fields[19]) };
}

/** `pid` and its living descendants, parents before children; empty when it has ended. */
export function treeOf(pid: number): Member[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== undefined && !stat.zombie) as Stat[];
  const tree: Member[] = all.filter((stat) => stat.pid === pid);
  for (const member of tree) tree.push(...all.filter((stat) => stat.parent === member.pid));
  return tree;
}

/** Whether the very process is still there and not merely waiting to be reaped. */
export function isAlive(member: Member): boolean {
  const stat = statOf(member.pid);
  return stat !== undefined && !stat.zombie && stat.started === member.started;
}

/** SIGKILL to those of `members` that are still there. */
export function killAll(members: readonly Member[]): void {
  for (const member of members) {
    if (!isAlive(member)) continue;
    try {
      process.kill(member.pid, "SIGKILL");
    } catch {
      // ended in between
    }
  }
}
