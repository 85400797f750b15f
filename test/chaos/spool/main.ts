#!/usr/bin/env bun
/** `npm run chaos:spool`: nothing lost, nothing twice, nothing out of order. See docs/outbox.md. */
import { renderError } from "../../../common/errors.ts";
import { FarsiteLab } from "../../lab/farsite.ts";
import { inOwnMounts } from "./disks.ts";
import { parseOptions } from "./options.ts";
import { type OutageReport, outage } from "./outage.ts";
import { type Report, run } from "./run.ts";

function progress(line: string): void {
  process.stderr.write(`chaos: ${line}\n`);
}

/** MiB by which the agent may grow, however many notifications wait. */
const MOST_GROWTH = 16;
/** Seconds from the return of the line in which 10,000 must have landed, and more in the same proportion. */
const MOST_SECONDS = 60;

/** The same of an outage. How long questions take depends on the machine, and is for the reader to judge. */
function outageComplaints(report: OutageReport): string[] {
  const { written, lost, duplicated, outOfOrder, seconds, agent, interpreted } = report;
  const allowed = MOST_SECONDS * Math.max(1, written / 10_000);
  return [
    lost > 0 && `${lost} lost`,
    duplicated > 0 && `${duplicated} duplicated`,
    outOfOrder > 0 && `${outOfOrder} out of order`,
    seconds > allowed && `all had landed only after ${seconds} s, not within ${allowed}`,
    // who compiles has memory for that, too
    interpreted && agent.growth.resident > MOST_GROWTH && `the agent grew by ${agent.growth.resident} MiB`,
    agent.growth.heap > MOST_GROWTH && `the agent's heap grew by ${agent.growth.heap} MiB`,
  ].filter((each) => each !== false);
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

function render(report: Report | OutageReport): string {
  return Object.entries(report)
    .map(
      ([name, value]) =>
        `  ${name.padEnd(14)} ${Array.isArray(value) ? value.join(", ") || "none" : typeof value === "object" ? JSON.stringify(value) : value}`,
    )
    .join("\n");
}

const options = parseOptions(process.argv.slice(2));
if (typeof options === "number") process.exit(options);
const elsewhere = await inOwnMounts();
if (elsewhere !== undefined) process.exit(elsewhere);
const lab = new FarsiteLab();
try {
  const { outage: count } = options;
  if (count === undefined) progress(`seed ${options.seed}, ${options.seconds} s`);
  const [report, wrong] =
    count === undefined
      ? await run(options, lab, progress).then((found) => [found, complaints(found)] as const)
      : await outage({ ...options, outage: count }, lab, progress).then(
          (found) => [found, outageComplaints(found)] as const,
        );
  for (const complaint of wrong) progress(`NOT WELL: ${complaint}`);
  process.stdout.write(`${options.json ? JSON.stringify(report) : render(report)}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${renderError("chaos", error)}\n`);
  process.exitCode = 1;
} finally {
  await lab.end();
}
