/** An .rpm of the same files, built by rpmbuild. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Product } from "./product.ts";
import type { Release } from "./release.ts";
import { type Architecture, run } from "./runtime.ts";
import { filesBelow, settle } from "./tree.ts";

/** Packs a tree that layTree made, and gives the package's path. `folder` is for what lies beside it meanwhile. */
export function buildRpm(
  product: Product,
  architecture: Architecture,
  release: Release,
  { root, folder, out, fast }: { root: string; folder: string; out: string; fast: boolean },
): string {
  const tree = join(folder, "rpm-root");
  const top = join(folder, "rpm");
  cpSync(root, tree, { recursive: true });
  toRpm(product, tree);
  const files = filesBelow(tree);
  mkdirSync(join(tree, "var/lib", product.name), { recursive: true });
  settle(tree, release.epoch);
  mkdirSync(top);
  const spec = join(top, `${product.name}.spec`);
  writeFileSync(spec, specFile(product, release, tree, files));
  run(
    "rpmbuild",
    [
      "-bb",
      "--quiet",
      `--target=${architecture.rpm}-linux`,
      `--buildroot=${join(top, "root")}`,
      `--define=_topdir ${top}`,
      // every rpm since that of RHEL 7 reads xz
      `--define=_binary_payload ${fast ? "w.ufdio" : "w9.xzdio"}`,
      spec,
    ],
    { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
  );
  const made = join(top, "RPMS", architecture.rpm);
  const file = readdirSync(made)[0] ?? "";
  const path = join(out, file);
  renameSync(join(made, file), path);
  return path;
}

/** What Debian has elsewhere: units, and the configuration, which rpm itself leaves as it finds it. */
function toRpm({ name, side, initialConfig }: Product, tree: string): void {
  mkdirSync(join(tree, "usr/lib/systemd"), { recursive: true });
  renameSync(join(tree, "lib/systemd/system"), join(tree, "usr/lib/systemd/system"));
  run("rm", ["-r", join(tree, "lib")]);
  if (initialConfig === undefined) return;
  const folder = join(tree, "usr/share", name);
  renameSync(join(folder, `${side}.toml`), join(tree, "etc/farsite", `${side}.toml`));
  run("rmdir", [folder]);
}

function specFile(
  { name, side, summary, description }: Product,
  release: Release,
  tree: string,
  files: readonly string[],
): string {
  const lines = files.map((file) => {
    if (file.startsWith("etc/")) return `%config(noreplace) /${file}`;
    return dirname(file) === `usr/share/doc/${name}` ? `%doc /${file}` : `/${file}`;
  });
  const values: Record<string, string> = {
    NAME: name,
    // rpm, too, sorts ~ before the release; a dash would separate the release from it
    VERSION: release.version,
    SUMMARY: summary,
    MAINTAINER: release.maintainer,
    DESCRIPTION: description.join("\n\n"),
    TREE: tree,
    COMMENT: `Farsite ${side}`,
    FILES: ["%dir /etc/farsite", `%dir /usr/share/doc/${name}`, ...lines].join("\n"),
  };
  const spec = readFileSync(join(import.meta.dirname, "rpm", "package.spec"), "utf8");
  return spec.replace(/@([A-Z]+)@/g, (whole, key: string) => values[key] ?? whole);
}
