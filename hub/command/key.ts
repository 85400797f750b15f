/** `farsite-hub key ...`: the hub's own key. */
import type { Command } from "commander";
import { type Places, printJson, printLine, withPlaces } from "../../common/command/index.ts";
import type { KeysView } from "../hub.ts";
import { askHub } from "./client.ts";

type Options = Places & { json?: boolean };

export function addKey(program: Command): void {
  const key = program.command("key").description("the hub's own key: show, rotate, retire");
  const command = (name: string, description: string, ask: (options: Options) => Promise<KeysView>) =>
    withPlaces(key.command(name).description(description), "farsite-hub")
      .option("--json", "print JSON")
      .action(async (options: Options) => {
        const view = await ask(options);
        if (options.json) return printJson(view);
        print(view);
      });
  command("show", "show the hub's keys, and whose agents do not know the present one yet", (options) =>
    askHub<KeysView>(options, "GET", "/keys"),
  );
  command("rotate", "make a new key; the former one stays good for keys.overlap_days", (options) =>
    askHub<KeysView>(options, "POST", "/keys/rotate"),
  );
  command("retire", "end the former keys; agents that still go by one must enrol again", (options) =>
    askHub<KeysView>(options, "POST", "/keys/retire"),
  );
}

function print({ key, made, former, behind }: KeysView): void {
  printLine(`${key}  since ${made}`);
  for (const each of former) printLine(`${each.key}  good until ${each.until}`);
  if (former.length === 0) return;
  if (behind.length === 0) return printLine("All agents know the present key.");
  printLine("Agents that did not come with the present key yet:");
  for (const site of behind) printLine(`  ${site}`);
}
