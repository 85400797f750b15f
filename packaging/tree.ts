/** The files of a package as they are installed, below a folder that stands for /. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { debianChangelog, readChanges } from "./changelog.ts";
import { compile } from "./compile.ts";
import { bashCompletion } from "./completion.ts";
import { copyrightFile } from "./copyright.ts";
import { manualPage } from "./manual.ts";
import type { Product } from "./product.ts";
import { type Release, ROOT } from "./release.ts";
import type { Architecture } from "./runtime.ts";

/** Lays out everything that both kinds of package have in common. */
export function layTree(product: Product, architecture: Architecture, release: Release, root: string): void {
  const { name, side } = product;
  const own = (file: string) => readFileSync(join(import.meta.dirname, side, file), "utf8");
  const put = (path: string, contents: string | Uint8Array, mode = 0o644) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
    chmodSync(file, mode);
  };
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  const bundled = compile(product, architecture, release, join(root, "usr/bin", name));
  chmodSync(join(root, "usr/bin", name), 0o755);
  mkdirSync(join(root, "etc/farsite"), { recursive: true });
  for (const file of product.conffiles) put(`etc/farsite/${file}`, own(file));
  if (product.initialConfig !== undefined) put(`usr/share/${name}/${side}.toml`, product.initialConfig);
  put(`lib/systemd/system/${name}.service`, own(`${name}.service`));
  put(`usr/lib/sysusers.d/${name}.conf`, own(`${name}.sysusers`));
  put(product.check, own("farsite.check"), 0o755);
  put(`usr/share/man/man1/${name}.1.gz`, packed(manualPage(product, product.program(), release)));
  put(`usr/share/bash-completion/completions/${name}`, bashCompletion(name, product.program()));
  for (const file of product.monitoring) {
    put(`usr/share/${name}/monitoring/${file}`, readFileSync(join(import.meta.dirname, "monitoring", file)));
  }
  const doc = `usr/share/doc/${name}`;
  put(`${doc}/copyright`, copyrightFile(bundled));
  const changes = readChanges(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"));
  put(`${doc}/changelog.gz`, packed(debianChangelog(changes, release)));
  for (const file of product.docs) {
    cpSync(join(ROOT, "docs", file), join(root, doc, file));
    chmodSync(join(root, doc, file), 0o644);
  }
}

/** zlib writes neither name nor time into the header; the level is what Debian asks for. */
export function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

/** Files and symbolic links below a folder, sorted, without the leading slash. */
export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** Sets every time stamp below a folder, that of the folder included, and takes the umask's word from directories. */
export function settle(root: string, epoch: number): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    utimesSync(path, epoch, epoch);
  }
  chmodSync(root, 0o755);
  utimesSync(root, epoch, epoch);
}
