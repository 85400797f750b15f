/** A .deb, built by dpkg-deb (Debian Policy, deb(5)). */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Product } from "./product.ts";
import type { Release } from "./release.ts";
import { type Architecture, run } from "./runtime.ts";
import { filesBelow, settle } from "./tree.ts";

const SCRIPTS = ["preinst", "postinst", "prerm", "postrm"];

/** Packs a tree that layTree made, and gives the package's path. `folder` is for what lies beside it meanwhile. */
export function buildDeb(
  product: Product,
  architecture: Architecture,
  release: Release,
  { root, folder, out, fast }: { root: string; folder: string; out: string; fast: boolean },
): string {
  const { name, side, conffiles, initialConfig } = product;
  const tree = join(folder, "deb");
  cpSync(root, tree, { recursive: true });
  const overrides = readFileSync(join(import.meta.dirname, "debian", "lintian-overrides"), "utf8");
  mkdirSync(join(tree, "usr/share/lintian/overrides"), { recursive: true });
  writeFileSync(join(tree, "usr/share/lintian/overrides", name), overrides.replaceAll("@NAME@", name));
  const files = filesBelow(tree);
  const control = join(tree, "DEBIAN");
  mkdirSync(control);
  const put = (file: string, contents: string, mode = 0o644) => {
    writeFileSync(join(control, file), contents);
    chmodSync(join(control, file), mode);
  };
  put("control", controlFile(product, architecture, release, installedSize(tree, files)));
  if (conffiles.length > 0) put("conffiles", conffiles.map((file) => `/etc/farsite/${file}\n`).join(""));
  put(
    "md5sums",
    files
      .filter((file) => !file.startsWith("etc/"))
      .map((file) => sum(tree, file))
      .join(""),
  );
  for (const script of SCRIPTS) {
    const text = readFileSync(join(import.meta.dirname, "debian", script), "utf8");
    const config = initialConfig === undefined ? "" : `${side}.toml`;
    put(script, text.replaceAll("@NAME@", name).replaceAll("@CONFIG@", config), 0o755);
  }
  settle(tree, release.epoch);
  const path = join(out, `${name}_${release.version}_${architecture.deb}.deb`);
  run("dpkg-deb", ["--root-owner-group", ...(fast ? ["-Znone"] : ["-Zxz", "-z9"]), "--build", tree, path], {
    ...process.env,
    SOURCE_DATE_EPOCH: String(release.epoch),
    // the number of threads changes how xz cuts its input
    DPKG_DEB_THREADS_MAX: "1",
  });
  return path;
}

function controlFile(
  { name, summary, description }: Product,
  { deb }: Architecture,
  { version, maintainer }: Release,
  size: number,
): string {
  return `${[
    `Package: ${name}`,
    "Source: farsite",
    `Version: ${version}`,
    `Architecture: ${deb}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${size}`,
    "Depends: libc6 (>= 2.17), init-system-helpers (>= 1.54~), passwd",
    "Recommends: ca-certificates",
    "Section: net",
    "Priority: optional",
    `Description: ${summary}`,
    description.map((text) => text.replace(/^/gm, " ")).join("\n .\n"),
  ].join("\n")}\n`;
}

/** KiB, as dpkg-gencontrol reckons: each file in whole KiB, and one for each other entry. */
function installedSize(tree: string, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / 1024), 0);
}

function sum(tree: string, file: string): string {
  return `${createHash("md5")
    .update(readFileSync(join(tree, file)))
    .digest("hex")}  ${file}\n`;
}
