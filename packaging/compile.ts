/** A program as one file: Bun with the program's bundle in it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { bundledFiles } from "../hub/web/assets/index.ts";
import type { Product } from "./product.ts";
import { type Release, ROOT } from "./release.ts";
import { type Architecture, run, runtimeFor } from "./runtime.ts";

const bundle = z.object({ inputs: z.record(z.string(), z.unknown()) });

/**
 * Compiles a program to `path`, whose last part must be the program's name: Bun writes it into the file.
 * @returns the npm packages whose code is in it
 */
export function compile(
  { side }: Product,
  architecture: Architecture,
  { commit }: Release,
  path: string,
): string[] {
  const folder = mkdtempSync(join(tmpdir(), "farsite-compile-"));
  try {
    const metafile = join(folder, "bundle.json");
    run(process.execPath, [
      "build",
      "--compile",
      `--target=bun-linux-${architecture.node}`,
      `--compile-executable-path=${runtimeFor(architecture)}`,
      // nothing of the folder it is started in may change what it does
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      "--minify",
      // names of classes and functions are in fault reports
      "--keep-names",
      "--define",
      `FARSITE_COMMIT=${JSON.stringify(commit)}`,
      `--metafile=${metafile}`,
      `${side}/main.ts`,
      "--outfile",
      path,
    ]);
    const inputs = Object.keys(bundle.parse(JSON.parse(readFileSync(metafile, "utf8"))).inputs);
    return packagesOf(side === "hub" ? [...inputs, ...forBrowsers()] : inputs);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What browsers get is in the program as text. */
function forBrowsers(): string[] {
  return bundledFiles().map((file) => join("hub/web", file));
}

/** The npm packages that files belong to, as folders below the project. */
export function packagesOf(files: readonly string[]): string[] {
  const folders = files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders.map((folder) => folder.replace(`${ROOT}/`, "")))].sort();
}
