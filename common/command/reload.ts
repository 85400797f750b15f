/** What `reload` says on either command line. */

import type { ReloadReport } from "../config/index.ts";
import { printJson, printLine } from "./output.ts";

export interface ReloadOptions {
  json?: boolean;
  check?: boolean;
}

export function printReload(
  { changed, renewed, restart }: ReloadReport,
  { json, check }: ReloadOptions,
): void {
  if (json) return printJson({ changed, renewed, restart });
  if (changed.length + renewed.length + restart.length === 0) return printLine("Nothing has changed.");
  if (changed.length > 0) printLine(`${check ? "Would be taken up" : "Taken up"}: ${changed.join(", ")}`);
  if (renewed.length > 0) printLine(`${check ? "Would be renewed" : "Renewed"}: ${renewed.join(", ")}`);
  if (restart.length > 0) printLine(`Needs a restart: ${restart.join(", ")}`);
}
