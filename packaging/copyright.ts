/** Whose work is in a package, and under which licences. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ROOT } from "./release.ts";

/** Debian wants the common licences named, not repeated. */
const APACHE = "Apache License 2.0, as above.";

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

/** The file `copyright` of a package; `bundled` are folders of the npm packages in it. */
export function copyrightFile(bundled: readonly string[]): string {
  const own = readFileSync(join(import.meta.dirname, "copyright.txt"), "utf8");
  return [own, ...bundled.map((folder) => licenceOf(join(ROOT, folder)))].join(`\n${"-".repeat(72)}\n\n`);
}

/** Throws when a package does not say under which licence it may be passed on. */
function licenceOf(folder: string): string {
  const { name, version, license } = manifest.parse(
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
  );
  const file = readdirSync(folder).find((entry) => /^(un)?licen[cs]e/i.test(entry));
  if (file === undefined && license === undefined) throw new Error(`${name} has no licence`);
  const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";
  const known = /Apache License\s+Version 2\.0/.test(text) ? APACHE : text.trim();
  return `${name} ${version}${license ? `, ${license}` : ""}\n\n${known}\n`;
}
