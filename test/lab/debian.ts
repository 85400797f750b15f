/** Debian packages a lab needs: found, or installed with a word about it, or reported as missing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../common/errors.ts";
import { Cleanup } from "./cleanup.ts";
import { attempt, command } from "./command.ts";
import { launch } from "./process.ts";

const POLICY = "/usr/sbin/policy-rc.d";
/** invoke-rc.d(8) asks this script before it starts a daemon; 101 means "forbidden by policy". */
const DENY_STARTS =
  "#!/bin/sh\n# Farsite lab: no daemon starts while its packages are installed.\nexit 101\n";
const LOCK = "/run/lock/farsite-lab-packages";
const LOCK_LIMIT_S = 900;
const APT = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=1"];

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Those of `packages` that are not installed; all of them where there is no dpkg. */
export function missingPackages(packages: readonly string[]): string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's
  const format = "${Package} ${db:Status-Status}\n";
  const listing = attempt(["dpkg-query", "-W", "-f", format, ...packages]);
  const installed = new Set(
    listing.stdout.split("\n").flatMap((line) => (line.endsWith(" installed") ? line.split(" ", 1) : [])),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * Installs those of `packages` that are missing, if this is root, without starting any daemon. Several
 * processes may call it at once. Never throws: what could not be installed is returned, so that the caller
 * can leave out what needs it and say so.
 * @param options `why`: what the packages are for; `progress`: takes one line at a time, standard error by
 *   default
 */
export async function ensurePackages(
  packages: readonly string[],
  options: { why: string; progress?: (line: string) => void },
): Promise<string[]> {
  const { why, progress = (line) => void process.stderr.write(`lab: ${line}\n`) } = options;
  const missing = missingPackages(packages);
  if (missing.length === 0) return [];
  if (!isRoot()) {
    progress(`${why} needs ${missing.join(", ")}: not installed, and only root could install them`);
    return missing;
  }
  const cleanup = new Cleanup();
  try {
    await lock(cleanup);
    const wanted = missingPackages(packages); // another process may have installed them meanwhile
    if (wanted.length > 0) await install(wanted, why, progress, cleanup);
  } catch (thrown) {
    progress(`installing for ${why} failed: ${reasonOf(thrown)}`);
  } finally {
    await cleanup.run().catch((thrown: unknown) => progress(reasonOf(thrown)));
  }
  return missingPackages(packages);
}

async function install(
  packages: readonly string[],
  why: string,
  progress: (line: string) => void,
  cleanup: Cleanup,
): Promise<void> {
  progress(`installing ${packages.join(", ")}: ${why} needs them`);
  denyStarts(cleanup);
  await apt(["update"], progress, cleanup);
  await apt(["install", "-y", "--no-install-recommends", ...packages], progress, cleanup);
}

/**
 * Takes a package apart in `folder`, which is made, without installing it: for what would bring a web server with
 * it. Needs no root. Never throws; says whether it is there.
 */
export async function unpackPackage(
  name: string,
  folder: string,
  options: { why: string; cleanup: Cleanup; progress?: (line: string) => void },
): Promise<boolean> {
  const { why, cleanup, progress = (line) => void process.stderr.write(`lab: ${line}\n`) } = options;
  mkdirSync(folder);
  const download = () => apt(["download", name], progress, cleanup, folder);
  try {
    await download().catch(async (thrown: unknown) => {
      if (!isRoot()) throw thrown;
      // the lists of this machine are older than the package, or were never fetched
      await apt(["update"], progress, cleanup);
      await download();
    });
    const file = readdirSync(folder).find((each) => each.startsWith(`${name}_`)) ?? "";
    command(["dpkg-deb", "-x", join(folder, file), folder]);
    return true;
  } catch (thrown) {
    progress(`${why} needs ${name}: ${reasonOf(thrown)}`);
    return false;
  }
}

/** Does nothing when the administrator has a policy already. One left by a killed run is ours to remove. */
function denyStarts(cleanup: Cleanup): void {
  if (existsSync(POLICY) && readFileSync(POLICY, "utf8") !== DENY_STARTS) return;
  cleanup.add(`remove ${POLICY}`, () => rmSync(POLICY, { force: true }));
  writeFileSync(POLICY, DENY_STARTS, { mode: 0o755 });
}

async function apt(
  words: readonly string[],
  progress: (line: string) => void,
  cleanup: Cleanup,
  cwd = "/",
): Promise<void> {
  const child = await launch([...APT, ...words], {
    label: `apt-get ${words[0]}`,
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    onParentDeath: "nothing", // a half-configured package is worse than a late end
    onLine: (line) => {
      if (/^(Get:|Setting up |E: |Err:|W: Failed)/.test(line)) progress(line.trim());
    },
    cleanup,
  });
  const exit = await child.exited;
  if (exit.code !== 0) {
    throw new Error(`${child.label} failed: ${child.output.trimEnd().split("\n").slice(-3).join(" / ")}`);
  }
}

/** Held by a child process, so that the kernel frees it however this process ends. */
async function lock(cleanup: Cleanup): Promise<void> {
  const hold = ["sh", "-c", "echo held; exec sleep infinity"];
  await launch(["flock", "--no-fork", "--timeout", String(LOCK_LIMIT_S), LOCK, ...hold], {
    label: "the lock on package installation",
    ready: (child) => child.output.includes("held"),
    readyWithinMs: LOCK_LIMIT_S * 1_000,
    cleanup,
  });
}
