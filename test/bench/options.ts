/** The command line of the benchmark. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { Case } from "./cases/case.ts";
import { CASES } from "./cases/index.ts";

export interface Options {
  readonly json: boolean;
  readonly quick: boolean;
  readonly cases: readonly Case[];
  /** Cases that a quick run leaves out because they take long. */
  readonly leftOut: readonly Case[];
  /** Undefined: as many as the kind of run has. */
  readonly rounds: number | undefined;
}

function picked(name: string, before: readonly Case[] | undefined): readonly Case[] {
  const found = CASES.find((item) => item.name === name || item.rows.some((row) => row.name === name));
  if (!found) throw new InvalidArgumentError(`It is one of ${CASES.map((item) => item.name).join(", ")}.`);
  const wanted = new Set([...(before ?? []), found]);
  return CASES.filter((item) => wanted.has(item));
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("It is a whole number from 1 to 9999.");
  return Number(text);
}

/** Gives the options, or the status to exit with where there is nothing to run (help, wrong usage). */
export function parseOptions(words: readonly string[]): Options | number {
  const command = new Command("npm run bench --")
    .description("Runs the same load through Farsite, OpenSSH, stunnel and nothing at all.")
    .option("--json", "print one JSON document on standard output", false)
    .option(
      "--quick",
      "end within 50 seconds (installing packages, and cases that --case asks for, aside)",
      false,
    )
    .option("--case <name>", "only this case; may be given more than once", picked)
    .option("--rounds <n>", "how often each case is measured, at most (default: 5, with --quick 3)", positive)
    .exitOverride();
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const { json, quick, case: named, rounds } = command.opts();
  const leftOut = quick && !named ? CASES.filter(({ long }) => long) : [];
  const cases = named ?? CASES.filter((item) => !leftOut.includes(item));
  return { json, quick, cases, leftOut, rounds };
}
