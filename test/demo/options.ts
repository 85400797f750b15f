/** The demonstration's command line. */
import { Command, InvalidArgumentError } from "commander";

export interface DemoOptions {
  /** End by itself. */
  once: boolean;
  /** Print one JSON object as the last line. */
  json: boolean;
  hosts: number;
  services: number;
}

export function readOptions(argv: readonly string[]): DemoOptions {
  return new Command("demo")
    .description(
      "Two customers with the same network, one hub, no inbound port: shown with real monitoring cores.",
    )
    .option("--once", "end by itself", false)
    .option("--json", "print one JSON object as the last line", false)
    .option("--hosts <n>", "hosts per site", count, 300)
    .option("--services <n>", "services per host", count, 5)
    .parse(argv, { from: "user" })
    .opts<DemoOptions>();
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 5_000) {
    throw new InvalidArgumentError("a whole number from 1 to 5000 is expected");
  }
  return value;
}
