/** Whose work is in the hub, for the page About. A macro, as `bundle.ts`: a compiled program has no packages beside it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Licence {
  name: string;
  version: string;
  licence: string;
}

/** The packages that the hub is made with, and what those need. Throws when one is not installed. */
export function licences(): Licence[] {
  const root = join(import.meta.dirname, "../../..");
  const found = new Map<string, Licence>();
  const add = (name: string) => {
    if (found.has(name)) return;
    const { version, license, dependencies = {} } = manifestOf(join(root, "node_modules", name));
    found.set(name, { name, version, licence: license ?? "see its files" });
    Object.keys(dependencies).forEach(add);
  };
  Object.keys(manifestOf(root).dependencies ?? {}).forEach(add);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Manifest {
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
