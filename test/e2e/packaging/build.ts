/** Packages as `npm run package` builds them, not compressed. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const LIMIT_MS = 120_000;

/** Of this machine, as Debian calls it. */
export const ARCH = process.arch === "arm64" ? "arm64" : "amd64";

/** Builds into `out`; `later` seconds after the last commit, which makes a newer version. */
export function buildPackages(out: string, words: readonly string[], later = 0): string[] {
  const time = spawnSync("git", ["-C", ROOT, "log", "-1", "--format=%ct"], { encoding: "utf8" }).stdout;
  const done = spawnSync(
    process.execPath,
    [join(ROOT, "packaging/main.ts"), "--fast", "--arch", ARCH, "--out", out, ...words],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(Number(time) + later) },
      encoding: "utf8",
      timeout: LIMIT_MS,
    },
  );
  if (done.status !== 0) throw new Error(done.stderr || done.error?.message);
  return readdirSync(out).map((name) => join(out, name));
}
