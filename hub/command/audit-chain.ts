/** `farsite-hub audit verify` and `audit head`: both read the files themselves, whether the hub runs or not. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import {
  type AuditCheck,
  type AuditProblem,
  decodeLink,
  encodeLink,
  type Link,
  readAuditKey,
  readHead,
  verifyAudit,
} from "../registry/index.ts";
import { REGISTRY_FILE } from "../serve/index.ts";

interface Options extends Places {
  head?: string;
  json?: boolean;
}

export function addVerify(group: Command): void {
  withPlaces(group.command("verify"), "farsite-hub")
    .description("check that no record of the audit was changed, removed or inserted")
    .option("--head <number:seal>", "what audit head has printed before: it must be part of the chain")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExit status: 0 the audit is whole, 1 it is not, or could not be read, 2 wrong usage.",
    )
    .action(verify);
}

export function addHead(group: Command): void {
  withPlaces(group.command("head"), "farsite-hub")
    .description(
      "print number and seal of the newest record, to be kept outside this host for audit verify --head",
    )
    .option("--json", "print JSON")
    .action(head);
}

function verify({ head, json, ...places }: Options): void {
  const kept = head === undefined ? undefined : decodeLink(head);
  if (head !== undefined && !kept) {
    throw new FarsiteError("E_USAGE", `--head ${head}: what audit head prints is expected, NUMBER:SEAL`);
  }
  const check = checkOf(places, kept);
  if (!check.whole) process.exitCode = 1;
  if (json) return printJson(check);
  const { records, first, last, from, to, removed, problems, found } = check;
  printLine(
    records === 0
      ? "records  none"
      : `records  ${records}, number ${first} to ${last}, from ${from} to ${to}`,
  );
  if (removed > 0) printLine(`removed  up to number ${removed}, by the hub, for their age or number`);
  if (check.head) printLine(`head     ${encodeLink(check.head)}`);
  printLine(`chain    ${check.whole ? "whole" : `NOT WHOLE: ${found} ${found === 1 ? "place" : "places"}`}`);
  for (const problem of problems) printLine(`         ${describe(problem)}`);
  if (found > problems.length) printLine(`         and ${found - problems.length} more`);
}

function head({ json, ...places }: Options): void {
  const { head: newest } = checkOf(places, undefined);
  if (!newest) throw new FarsiteError("E_NOT_FOUND", "the audit has no record yet");
  if (json) printJson(newest);
  else printLine(encodeLink(newest));
}

function checkOf({ stateDir }: Places, kept: Link | undefined): AuditCheck {
  const path = join(stateDir, REGISTRY_FILE);
  const key = readAuditKey(stateDir);
  if (!existsSync(path) || !key) {
    throw new FarsiteError(
      "E_STATE",
      `there is no sealed audit in ${stateDir}`,
      "The hub makes it at its start. Run this as the hub's user or root, and name its --state-dir.",
    );
  }
  // before the database: what the hub writes meanwhile comes after it
  const noted = readHead(stateDir);
  return verifyAudit({ path, key, known: [noted, kept].filter((each) => each !== undefined) });
}

function describe({ damage, first, last }: AuditProblem): string {
  const which = first === last ? `record ${first}` : `records ${first} to ${last}`;
  switch (damage) {
    case "changed":
      return `${which}: not as the hub wrote it`;
    case "inserted":
      return `${which}: not written by the hub`;
    case "missing":
      return `${which}: missing`;
    case "cut":
      return `${which}: missing; the newest that is known of was number ${last}`;
    case "anchor":
      return `what says that records up to ${last} were removed is not the hub's`;
  }
}
