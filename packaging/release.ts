/** What is being packaged: version, commit and time, all of the checkout's last commit. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

export const ROOT = join(import.meta.dirname, "..");

export interface Release {
  /** As dpkg and rpm order it: `~` sorts before the release it leads to. */
  version: string;
  /** Short, and `+` when the checkout has changes. */
  commit: string;
  /** Seconds since the epoch: every time stamp in a package (SOURCE_DATE_EPOCH). */
  epoch: number;
  /** `Name <mail>`. */
  maintainer: string;
}

function git(...words: string[]): string {
  const done = spawnSync("git", ["-C", ROOT, ...words], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`git ${words.join(" ")}: ${done.stderr.trim()}`);
  return done.stdout.trim();
}

/** The release that the checkout is, or what leads to it; DEBFULLNAME and DEBEMAIL name who packages it. */
export function releaseOf(env: NodeJS.ProcessEnv): Release {
  const commit = git("rev-parse", "--short=10", "HEAD");
  const epoch = Number(env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct"));
  const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
  const released = !changed && git("tag", "--points-at", "HEAD").split("\n").includes(`v${manifest.version}`);
  // digits of the time first: of two builds the later one is the newer one
  const stamp = new Date(epoch * 1000).toISOString().replace(/[-:T]|\..*/g, "");
  const { DEBFULLNAME: name = git("log", "-1", "--format=%an"), DEBEMAIL: mail } = env;
  return {
    version: released ? manifest.version : `${manifest.version}~git${stamp}.${commit}`,
    commit: changed ? `${commit}+` : commit,
    epoch,
    maintainer: `${name} <${mail ?? git("log", "-1", "--format=%ae")}>`,
  };
}
