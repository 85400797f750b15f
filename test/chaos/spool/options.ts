/** The command line of the spool's chaos test. */
import { randomInt } from "node:crypto";
import { Command, CommanderError, Option } from "commander";

export interface Options {
  readonly seconds: number;
  readonly seed: number;
  /** Notifications a second. */
  readonly rate: number;
  readonly json: boolean;
  readonly verbose: boolean;
  /** Instead of faults at random, an outage during which so many are written. */
  readonly outage: number | undefined;
  readonly outageSeconds: number;
  readonly interpreted: boolean;
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value >= least && value <= most)) throw new Error(`a number from ${least} to ${most} is expected`);
    return value;
  };
}

/** Gives the options, or the status to exit with where there is nothing to run (help, wrong usage). */
export function parseOptions(words: readonly string[]): Options | number {
  const command = new Command("npm run chaos:spool --")
    .description(
      "Notifications from a remote site's spool to a central site's, while hub and agent are killed, the line " +
        "fails and disks are full at random. Disks only as root.",
    )
    .addOption(new Option("--seconds <n>", "how long it happens").argParser(number(1, 86_400)).default(60))
    .addOption(new Option("--seed <n>", "repeat the faults of a run").argParser(number(0, 2 ** 32 - 1)))
    .addOption(new Option("--rate <n>", "notifications a second").argParser(number(0.1, 1_000)).default(20))
    .addOption(
      new Option("--outage <n>", "instead, one long outage in which n notifications are written").argParser(
        number(1, 1_000_000),
      ),
    )
    .addOption(
      new Option("--outage-seconds <n>", "how long that lasts at least")
        .argParser(number(1, 3_600))
        .default(90),
    )
    .option("--interpreted", "with --outage: run the programs as their packages do, without compiling", false)
    .option("--verbose", "show what hub and agent log", false)
    .option("--json", "print one JSON object as the last line", false)
    .exitOverride();
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
  const given = command.opts();
  return { ...given, seed: given.seed ?? randomInt(2 ** 32) } as Options;
}
