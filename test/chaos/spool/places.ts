/** The folders of both sites that a run is about. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Makes them: where the remote site writes, where it finds what was corrupted, and where the central site reads. */
export function spoolFolders(folder: string): { spool: string; corrupted: string; landing: string } {
  const [spool, landing] = [join(folder, "remote/spool"), join(folder, "central/spool")];
  for (const path of [spool, landing]) mkdirSync(path, { recursive: true });
  return { spool, corrupted: join(folder, "remote/corrupted"), landing };
}

/** What is in a folder; nothing when it is not there. */
export function namesIn(path: string, recursive = false): string[] {
  try {
    return readdirSync(path, { recursive }).map(String);
  } catch {
    return [];
  }
}
