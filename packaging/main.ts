/** `npm run package`: builds the packages into dist/. */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Command, Option } from "commander";
import { buildDeb } from "./deb.ts";
import { PRODUCTS } from "./product.ts";
import { ROOT, releaseOf } from "./release.ts";
import { buildRpm } from "./rpm.ts";
import { ARCHITECTURES } from "./runtime.ts";
import { layTree } from "./tree.ts";

const MIB = 1 << 20;
const BUILDERS = { deb: buildDeb, rpm: buildRpm };

interface Options {
  side?: "agent" | "hub";
  arch?: "amd64" | "arm64";
  kind?: keyof typeof BUILDERS;
  out: string;
  fast: boolean;
}

const options = new Command("package")
  .description(
    "Builds farsite-agent and farsite-hub as .deb and .rpm. Needs dpkg-deb, rpmbuild, git and npm.",
  )
  .addOption(new Option("--side <side>", "only this one").choices(["agent", "hub"]))
  .addOption(new Option("--arch <arch>", "only for these processors").choices(["amd64", "arm64"]))
  .addOption(new Option("--kind <kind>", "only this kind").choices(Object.keys(BUILDERS)))
  .option("--out <dir>", "where the packages go", join(ROOT, "dist"))
  .option("--fast", "do not compress: seconds instead of minutes", false)
  .parse()
  .opts<Options>();

// directories that a service manager set for somebody else would become the defaults in the manual pages
delete process.env.STATE_DIRECTORY;
delete process.env.RUNTIME_DIRECTORY;
process.umask(0o022);

const release = releaseOf(process.env);
mkdirSync(options.out, { recursive: true });
for (const product of PRODUCTS.filter(({ side }) => side === (options.side ?? side))) {
  for (const architecture of ARCHITECTURES.filter(({ deb }) => deb === (options.arch ?? deb))) {
    const folder = mkdtempSync(join(tmpdir(), "farsite-package-"));
    try {
      const root = join(folder, "root");
      layTree(product, architecture, release, root);
      for (const [kind, build] of Object.entries(BUILDERS)) {
        if (kind !== (options.kind ?? kind)) continue;
        const path = build(product, architecture, release, { ...options, root, folder });
        console.log(`${relative(ROOT, path)}: ${(statSync(path).size / MIB).toFixed(1)} MiB`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
