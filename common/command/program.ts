/** What both command lines have in common: help, exit codes, errors, where files are. */
import { Command, CommanderError } from "commander";
import { FarsiteError, renderError } from "../errors.ts";
import { BUILD } from "../version.ts";
import { printError } from "./output.ts";

export type ProgramName = "farsite-hub" | "farsite-agent";

export interface Places {
  /** The configuration file. */
  config: string;
  /** What must survive a reboot. */
  stateDir: string;
  /** Sockets. */
  runDir: string;
}

/** The root command; subcommands are added to it. */
export function createProgram(name: ProgramName, description: string): Command {
  return new Command(name)
    .description(description)
    .version(BUILD, "-V, --version", "print the release")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .addHelpText("after", "\nExit status: 0 done, 1 failed, 2 wrong usage.");
}

/** Adds the options that say where files are, and returns how to read them. */
export function withPlaces(command: Command, name: ProgramName): Command {
  const short = name === "farsite-hub" ? "hub" : "agent";
  return command
    .option("--config <file>", "configuration file", `/etc/farsite/${short}.toml`)
    .option("--state-dir <dir>", "state directory", process.env.STATE_DIRECTORY ?? `/var/lib/${name}`)
    .option("--run-dir <dir>", "run directory", process.env.RUNTIME_DIRECTORY ?? `/run/${name}`);
}

/** Runs a command line to its end and sets the exit status: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  // once, however often this is called
  process.stdout.off("error", endQuietly).on("error", endQuietly);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = report(program, error);
  }
}

/** Whoever reads the output may have seen enough, such as head(1). */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}

function report(program: Command, error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") return 2;
    const [message = "", ...suggestion] = error.message.replace(/^error: /, "").split("\n");
    const hint = [...suggestion, `See ${program.name()} --help.`].join("\n");
    const usage = new FarsiteError("E_USAGE", message, hint);
    printError(renderError(program.name(), usage));
    return 2;
  }
  printError(renderError(program.name(), error));
  return error instanceof FarsiteError && error.code === "E_USAGE" ? 2 : 1;
}
