/** The Bun executables that programs are compiled into: one for each processor. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import lock from "../package-lock.json" with { type: "json" };
import { ROOT } from "./release.ts";

/** A processor, as Debian, rpm and Bun call it. */
export interface Architecture {
  deb: "amd64" | "arm64";
  rpm: "x86_64" | "aarch64";
  /** As in @oven/bun-linux-*, and as process.arch. */
  bun: "x64" | "aarch64";
  node: "x64" | "arm64";
}

export const ARCHITECTURES: readonly Architecture[] = [
  // also for processors without AVX: since Bun 1.4 bun-linux-x64-baseline is byte for byte the same program
  { deb: "amd64", rpm: "x86_64", bun: "x64", node: "x64" },
  { deb: "arm64", rpm: "aarch64", bun: "aarch64", node: "arm64" },
];

/** Where executables of other processors are kept between builds. */
const CACHE = join(ROOT, "dist", "runtime");

/** Bun's executable for a processor: the one that runs this, or that of the npm package in package-lock.json. */
export function runtimeFor({ bun, node }: Architecture): string {
  if (process.arch === node) return process.execPath;
  const { version, integrity } = lock.packages[`node_modules/@oven/bun-linux-${bun}`];
  const path = join(CACHE, `bun-linux-${bun}-${version}`);
  if (!existsSync(path)) fetchRuntime(`@oven/bun-linux-${bun}@${version}`, integrity, path);
  return path;
}

function fetchRuntime(spec: string, integrity: string, path: string): void {
  const folder = `${path}.part`;
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--silent", "--pack-destination", folder, spec]);
  const archive = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (found !== integrity) throw new Error(`${spec} is ${found}, package-lock.json has ${integrity}`);
  run("tar", ["-xzf", archive, "-C", folder, "package/bin/bun"]);
  renameSync(join(folder, "package", "bin", "bun"), path);
  run("rm", ["-r", folder]);
}

/** Runs a program to its end, in the project's folder; throws with what it complained of. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const done = spawnSync(program, args, { cwd: ROOT, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return;
  const complaint = done.error?.message ?? (done.stderr.trim() || done.stdout.trim());
  throw new Error(`${program} ${args[0] ?? ""}: ${complaint}`);
}
