/** Whom the agent runs as on this host, and what that user may open. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";

/** The unit and the user of the installation as documented. */
const UNIT = "farsite-agent.service";
const USUAL_USER = "farsite-agent";
/** ms for a program that is asked. */
const PATIENCE = 5_000;

export interface Account {
  /** The user's name. */
  name: string;
  /** Whether there is such a user on this host. */
  exists: boolean;
  /** IDs of the groups that the user has. */
  groups: ReadonlySet<number>;
  uid: number | undefined;
  /** Whether the user may connect to the Unix socket at `path`; undefined when that cannot be told. */
  mayOpen(path: string): boolean | undefined;
  /** A group's name, or its ID where it has none. */
  groupName(id: number): string;
  /** The ID of the group with that name, if there is one. */
  groupId(name: string): number | undefined;
}

/**
 * The agent's user, asked for by root; else the user who asks.
 * @param stateDir where an agent keeps its key: whose that is runs it, where nothing is installed
 */
export function agentAccount(stateDir?: string): Account {
  return process.getuid?.() === 0
    ? accountFor(stateDir, accountOf(userOfUnit() ?? USUAL_USER))
    : ownAccount();
}

/** That of the installation, or, if there is no such user, the owner of the state directory. */
export function accountFor(stateDir: string | undefined, installed: Account): Account {
  if (installed.exists || stateDir === undefined) return installed;
  const owner = statSync(stateDir, { throwIfNoEntry: false })?.uid;
  const name = owner === undefined ? undefined : ask(["getent", "passwd", String(owner)])?.split(":")[0];
  return name ? accountOf(name) : installed;
}

/** The user that the agent's unit names, drop-ins counted; undefined without the unit, or without systemd. */
function userOfUnit(): string | undefined {
  const said = ask(["systemctl", "show", "--property=User", "--value", UNIT])?.trim();
  return said === undefined || said === "" ? undefined : said;
}

function ownAccount(): Account {
  const account = accountOf(ask(["id", "-un"])?.trim() || String(process.getuid?.()));
  return { ...account, exists: true, mayOpen: mayOpenMyself };
}

/** The user of that name, if there is one. Only root can tell what others may open. */
export function accountOf(name: string): Account {
  const numbers = (what: string) => (ask(["id", what, "--", name]) ?? "").match(/\d+/g)?.map(Number) ?? [];
  const [[uid], [gid], groups] = [numbers("-u"), numbers("-g"), new Set(numbers("-G"))];
  const exists = uid !== undefined && gid !== undefined;
  return {
    name,
    exists,
    groups,
    uid,
    mayOpen: (path) => (!exists ? undefined : uid === 0 ? true : mayOpenAs(uid, gid, path)),
    groupName: (id) => ask(["getent", "group", String(id)])?.split(":")[0] || String(id),
    groupId: (group) => {
      const id = ask(["getent", "group", group])?.split(":")[2];
      return id === undefined ? undefined : Number(id);
    },
  };
}

function mayOpenMyself(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** As the kernel sees that user with all groups that it has in the group file: not only by owner and mode. */
function mayOpenAs(uid: number, gid: number, path: string): boolean | undefined {
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--init-groups"];
  const { status } = spawnSync(become[0] as string, [...become.slice(1), "test", "-w", path], {
    timeout: PATIENCE,
  });
  // test(1): 1 when it is not so; others say that it could not be asked
  return status === 0 ? true : status === 1 ? false : undefined;
}

/** What a program prints; undefined when it is not there, or fails. */
function ask([program = "", ...args]: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", timeout: PATIENCE });
  return status === 0 ? stdout : undefined;
}
