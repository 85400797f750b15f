/** An older build of this project, from its own history: what hubs and agents in the field may still run. */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The last commit of 0.1. */
const OLDER = "f032e13190764a22b54e3f447efa124d23355ed2";
/** The release that it says it is. */
export const OLDER_VERSION = "0.1.0";

/** Its checkout, made in `folder`; undefined where this clone does not have it, as when it is a shallow one. */
export function olderBuild(folder: string): string | undefined {
  const archive = spawnSync(
    "git",
    ["-C", ROOT, "archive", "--format=tar", OLDER, "agent", "hub", "common", "package.json"],
    {
      maxBuffer: 64 << 20,
    },
  );
  if (archive.status !== 0) return undefined;
  const source = join(folder, "older");
  mkdirSync(source);
  const unpacked = spawnSync("tar", ["-x", "-C", source], { input: archive.stdout });
  if (unpacked.status !== 0) throw new Error(unpacked.stderr.toString());
  symlinkSync(join(ROOT, "node_modules"), join(source, "node_modules"));
  return source;
}
