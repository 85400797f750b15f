#!/usr/bin/env bun
/** `npm run chaos:spool`: nothing lost, nothing twice, nothing out of order. See docs/outbox.md. */
import { renderError } from "../../../common/errors.ts";
import { FarsiteLab } from "../../lab/farsite.ts";
import { inOwnMounts } from "./disks.ts";
import { parseOptions } from "./options.ts";
import { type Report, run } from "./run.ts";

function progress(line: string): void {
  process.stderr.write(`chaos: ${line}\n`);
}

/** Why a run shows nothing or shows a defect; empty when all is well. */
function complaints(report: Report): string[] {
  const { written, kills, lost, duplicated, outOfOrder, strange, corrupted, leftOver } = report;
  return [
    written === 0 && "nothing was written",
    kills === 0 && "nothing was killed",
    lost > 0 && `${lost} lost`,
    duplicated > 0 && `${duplicated} duplicated`,
    outOfOrder > 0 && `${outOfOrder} out of order`,
    strange.length > 0 && `${strange.length} files that are no notification`,
    corrupted.length > 0 && `${corrupted.length} files were set aside`,
    leftOver.length > 0 && `${leftOver.length} files were left over`,
  ].filter((each) => each !== false);
}

function render(report: Report): string {
  return Object.entries(report)
    .map(
      ([name, value]) => `  ${name.padEnd(12)} ${Array.isArray(value) ? value.join(", ") || "none" : value}`,
    )
    .join("\n");
}

const options = parseOptions(process.argv.slice(2));
if (typeof options === "number") process.exit(options);
const elsewhere = await inOwnMounts();
if (elsewhere !== undefined) process.exit(elsewhere);
const lab = new FarsiteLab();
try {
  progress(`seed ${options.seed}, ${options.seconds} s`);
  const report = await run(options, lab, progress);
  const wrong = complaints(report);
  for (const complaint of wrong) progress(`NOT WELL: ${complaint}`);
  process.stdout.write(`${options.json ? JSON.stringify(report) : render(report)}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${renderError("chaos", error)}\n`);
  process.exitCode = 1;
} finally {
  await lab.end();
}
