/**
 * Builds what browsers load. A macro (https://bun.com/docs/bundler/macros): with `bun build --compile` it runs while
 * the program is compiled, and its result is in the program; from the sources, when the module that calls it is
 * loaded. The bundler cannot be called from within itself, so it runs as a process of its own.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";

/** What the bundler makes: each becomes one file, with all that it imports. From the folder above this one. */
const ENTRIES = ["client/app.ts", "client/plots.ts", "pages/style/app.css", "pages/style/plots.css"];
/** What goes out as it is, from the folder `files`. */
const FILES = ["icon.svg"];
/** Characters of a SHA-256 in base64url that are in a name: 96 bits. */
const HASH_LENGTH = 16;

export interface BuiltAsset {
  /** How pages ask for it: `app.js`. */
  source: string;
  /** With a hash of its contents: `app-jCqf9e0NvPZrF2xD.js`. */
  name: string;
  text: string;
}

/** Throws when the bundler finds a fault in the sources, with its words. */
export function bundle(): BuiltAsset[] {
  return inFolder((folder) => {
    build(folder, []);
    return [
      ...ENTRIES.map((entry) => asset(folder, basename(entry).replace(/\.ts$/, ".js"))),
      ...FILES.map((file) => asset(join(import.meta.dirname, "files"), file)),
    ];
  });
}

/** The files that are in it, those of packages too; relative to where this is. For the packages' copyright. */
export function bundledFiles(): string[] {
  return inFolder((folder) => {
    const metafile = join(folder, "bundle.json");
    build(folder, [`--metafile=${metafile}`]);
    return Object.keys((JSON.parse(readFileSync(metafile, "utf8")) as { inputs: object }).inputs);
  });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "farsite-assets-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function build(folder: string, more: readonly string[]): void {
  const args = ["build", ...ENTRIES, "--minify", "--target=browser", "--entry-naming=[name].[ext]", ...more];
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...args, `--outdir=${folder}`], {
    cwd: join(import.meta.dirname, ".."),
    stdout: "ignore",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`the assets could not be built: ${stderr.toString()}`);
}

function asset(folder: string, source: string): BuiltAsset {
  const text = readFileSync(join(folder, source), "utf8");
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, HASH_LENGTH);
  const ending = extname(source);
  return { source, name: `${basename(source, ending)}-${hash}${ending}`, text };
}
