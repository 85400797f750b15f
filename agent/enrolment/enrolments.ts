/**
 * The enrolments of this agent, one for each site that it serves. The first one lies in the state directory
 * itself, further ones in folders of their own below `sites/`.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { type Enrolled, enrolmentName, readEnrolled } from "../state.ts";

export interface Enrolment {
  /** The table of agent.toml, below [sites], that is this one's. */
  name: string;
  folder: string;
  /** Whether it lies in the state directory itself. */
  root: boolean;
  enrolled: Enrolled;
}

export interface Enrolments {
  /** The one in the state directory itself first, if there is one; then by name. */
  enrolments: Enrolment[];
  /** Why others cannot be read. */
  damaged: FarsiteError[];
}

/** A place where an enrolment is or may be; the state directory itself has no name of its own. */
export interface Folder {
  name: string | undefined;
  folder: string;
}

const SITES = "sites";

/**
 * Reads all enrolments; one that is damaged does not stop the others. Throws E_NOT_ENROLLED, E_KEY_FILE or
 * E_STATE when none can be read.
 */
export function readEnrolments(stateDir: string): Enrolments {
  const found = findEnrolments(stateDir);
  if (found.enrolments.length > 0) return found;
  const [first] = found.damaged;
  if (first) throw first;
  return { enrolments: [{ ...enrolmentOf(readEnrolled(stateDir), stateDir), root: true }], damaged: [] };
}

/** As `readEnrolments`, but there may be none. */
export function findEnrolments(stateDir: string): Enrolments {
  const found: Enrolments = { enrolments: [], damaged: [] };
  const noteFailure = (error: unknown) => {
    if (!(error instanceof FarsiteError)) throw error;
    if (error.code !== "E_NOT_ENROLLED") found.damaged.push(error);
  };
  const read = ({ name, folder }: Folder) => {
    try {
      const enrolment = enrolmentOf(readEnrolled(folder), folder, name);
      found.enrolments.push({ ...enrolment, root: name === undefined });
    } catch (error) {
      noteFailure(error);
    }
  };
  read({ name: undefined, folder: stateDir });
  try {
    furtherIn(stateDir).forEach(read);
  } catch (error) {
    noteFailure(error);
  }
  return found;
}

function enrolmentOf(enrolled: Enrolled, folder: string, name = enrolled.site): Omit<Enrolment, "root"> {
  return { name, folder, enrolled };
}

/** Every folder that may hold an enrolment. Throws E_STATE. */
export function foldersIn(stateDir: string): Folder[] {
  return [{ name: undefined, folder: stateDir }, ...furtherIn(stateDir)];
}

function furtherIn(stateDir: string): Folder[] {
  return namesIn(join(stateDir, SITES)).map((name) => ({ name, folder: folderOf(stateDir, name) }));
}

/** Where an enrolment of that name lies, if not in the state directory itself. */
export function folderOf(stateDir: string, name: string): string {
  return join(stateDir, SITES, name);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && enrolmentName.safeParse(entry.name).success)
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new FarsiteError("E_STATE", `${folder} cannot be read: ${reasonOf(error)}`);
  }
}
