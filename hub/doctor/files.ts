/** The hub's folders: there, its own, writable, with room; and the registry in them. */
import { accessSync, constants, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../common/errors.ts";
import { failed } from "../../common/finding.ts";
import { checkRegistry, type RegistryCheck } from "../registry/index.ts";
import { type Finding, ok, skipped, warning, wrong } from "./finding.ts";

/** Permission bits (inode(7)) that nobody but the hub needs. */
const ANY_OF_OTHERS = 0o077;
/** Bytes free from which on the registry and inboxes soon cannot be written, and are about to. */
const LITTLE_SPACE = 256 << 20;
const NO_SPACE = 16 << 20;

/** Whose the state directory and what is in it are, and who else gets in. */
export function stateFinding(directory: string): Finding {
  try {
    const { uid, mode } = statSync(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
    // who once ran a command as root leaves files behind that the hub's user cannot open
    const others = readdirSync(directory).filter((name) => statSync(join(directory, name)).uid !== uid);
    if (others.length > 0) {
      const says = `${directory}: ${others.join(", ")} belong to another user than the directory`;
      return wrong("files", "E_STATE", says, `chown -R --reference=${directory} ${directory}`);
    }
    if ((mode & ANY_OF_OTHERS) !== 0) {
      return warning("files", `${directory} can be entered by others`, { do: `chmod 700 ${directory}` });
    }
    return ok("files", `${directory} can be written, by the hub alone`);
  } catch (error) {
    if (isMissing(error)) return warning("files", `there is no ${directory}`, { do: NOT_STARTED });
    return wrong("files", "E_STATE", `${directory}: ${reasonOf(error)}`, OTHER_USER);
  }
}

/** Whether sockets can be made in the run directory; systemd removes it when the hub stops. */
export function runFinding(directory: string): Finding {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return ok("files", `${directory} can be written`);
  } catch (error) {
    if (isMissing(error)) return skipped("files", `there is no ${directory}; it is made at the start`);
    return wrong("files", "E_STATE", `${directory}: ${reasonOf(error)}`, OTHER_USER);
  }
}

const OTHER_USER = "Run this as root or as the hub's user; the folder must be the hub's.";
const NOT_STARTED = "It is made at the first start. Else name it with --state-dir.";

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

/** How much room a folder has. */
export function diskFinding(directory: string): Finding {
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(directory);
    free = bavail * bsize;
  } catch (error) {
    return skipped("disk", `${directory}: ${reasonOf(error)}`);
  }
  return spaceFinding(directory, free);
}

export function spaceFinding(directory: string, free: number): Finding {
  const says = `${directory} has ${Math.floor(free / (1 << 20))} MiB left`;
  if (free < NO_SPACE) return { ...wrong("disk", "E_STATE", says, "Make room."), figures: { free } };
  if (free < LITTLE_SPACE) return warning("disk", says, { do: "Make room.", figures: { free } });
  return ok("disk", says, { figures: { free } });
}

/** ms by which the newest record may be ahead: another second is no fault. */
const AHEAD = 60_000;

export function registryFindings(path: string, now: number, check = checkRegistry): Finding[] {
  let found: RegistryCheck;
  try {
    found = check(path);
  } catch (error) {
    return [failed("registry", error)];
  }
  return [integrityOf(path, found), clockOf(found, now)];
}

function integrityOf(path: string, { damage, version, known, sites }: RegistryCheck): Finding {
  if (damage.length > 0) {
    const advice = "Stop the hub, keep a copy of the file, and restore a backup; docs/operator.md says how.";
    return wrong("registry", "E_STATE", `${path} is damaged: ${damage.join("; ")}`, advice);
  }
  if (version > known) {
    return wrong("registry", "E_STATE", `${path} is of version ${version}, this release knows ${known}`);
  }
  return ok("registry", `${path} is whole, with ${sites} sites`, { figures: { sites, version } });
}

function clockOf({ newest }: RegistryCheck, now: number): Finding {
  const time = new Date(now).toISOString();
  if (newest === undefined || newest <= now + AHEAD)
    return ok("clock", `${time}, after all that was recorded`);
  const says = `this host's clock says ${time}, but something was recorded at ${new Date(newest).toISOString()}`;
  return wrong("clock", "E_CLOCK", says, "Set it: timedatectl set-ntp true");
}
