/** The command line of the chaos test. */
import { randomInt } from "node:crypto";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { MODES, type Mode } from "./schedule.ts";

const CARRIERS = ["auto", "websocket", "https"] as const;

export interface Options {
  readonly mode: Mode;
  /** How long faults happen. */
  readonly seconds: number;
  /** What the schedule of faults and the load's choices follow from. */
  readonly seed: number;
  /** Round-trip time of the line, ms, added to what the machine itself takes. */
  readonly rtt: number;
  /** Seconds after which hub and agent give a silent carrier up; undefined: their default. */
  readonly deadSeconds: number | undefined;
  /** What carries the session, as in agent.toml. */
  readonly carrier: (typeof CARRIERS)[number];
  /** MiB a second that the bulk transfer sends; undefined: as fast as it goes. */
  readonly bulkRate: number | undefined;
  /** Most ms between two queries of a client. */
  readonly queryPause: number;
  readonly json: boolean;
  /** Show what hub and agent log. */
  readonly verbose: boolean;
}

/** Where times are measured, the load must leave the processors some air: MiB a second of bulk. */
const MEASURED_BULK_RATE = 4;
/** Most ms between two queries of a client, where times are measured and otherwise. */
const QUERY_PAUSE = { measured: 500, otherwise: 20 };

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
    }
    return value;
  };
}

function seed(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** 32) {
    throw new InvalidArgumentError("It is a whole number from 0 to 4294967295.");
  }
  return Number(text);
}

/** Gives the options, or the status to exit with where there is nothing to run (help, wrong usage). */
export function parseOptions(words: readonly string[]): Options | number {
  const command = new Command("npm run chaos --")
    .description(
      "Real hub, agent and Icinga 2, with queries and bulk running, over a line that fails at random.",
    )
    .addOption(
      new Option("--mode <mode>", "what happens to the line; see docs/chaos.md")
        .choices(MODES)
        .default("mixed"),
    )
    .addOption(
      new Option("--carrier <kind>", "the agent's setting of that name").choices(CARRIERS).default("auto"),
    )
    .option("--seconds <n>", "how long it happens", number(1, 86_400), 60)
    .option("--seed <n>", "repeat the faults of the run that printed it", seed)
    .option("--rtt <ms>", "round-trip time of the line", number(0, 2_000), 0)
    .option("--dead-seconds <n>", "dead_seconds of hub and agent (default: theirs)", number(1, 300))
    .option(
      "--bulk-rate <n>",
      `MiB/s of the bulk transfer, 0 as fast as it goes (default: 0; with rollover and blackhole ${MEASURED_BULK_RATE})`,
      number(0, 10_000),
    )
    .option("--verbose", "show what hub and agent log", false)
    .option("--json", "print one JSON object as the last line", false)
    .exitOverride();
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const given = command.opts();
  const measured = given.mode === "rollover" || given.mode === "blackhole";
  const bulkRate: number = given.bulkRate ?? (measured ? MEASURED_BULK_RATE : 0);
  return {
    mode: given.mode,
    carrier: given.carrier,
    seconds: given.seconds,
    seed: given.seed ?? randomInt(2 ** 32),
    rtt: given.rtt,
    deadSeconds: given.deadSeconds,
    bulkRate: bulkRate === 0 ? undefined : bulkRate,
    queryPause: measured ? QUERY_PAUSE.measured : QUERY_PAUSE.otherwise,
    json: given.json,
    verbose: given.verbose,
  };
}
