/** `farsite-hub query` */

import type { Command } from "commander";
import { z } from "zod";
import { type Places, printError, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { visible, visibleLines } from "../../common/text.ts";
import { requestHub } from "./client.ts";

interface Options extends Places {
  tenant?: string;
  all?: boolean;
  json?: boolean;
}

const answerSchema = z.object({
  data: z.array(z.array(z.unknown())),
  columns: z.array(z.string()).default([]),
  failed: z.record(z.string(), z.string()),
});

const HELP = `
Each further word is a line of the query:
  farsite-hub query --all 'GET services' 'Columns: peer_key host_name description' 'Filter: state = 2'
  farsite-hub query --tenant acme 'GET hosts' 'Columns: site' 'Stats: state = 0' 'Stats: avg latency'
  farsite-hub query --all 'GET sites'

Sites that did not answer are named on standard error; with --json they are in "failed".`;

export function addQuery(program: Command): void {
  withPlaces(program.command("query <lines...>"), "farsite-hub")
    .description("ask the cores of many sites with one Livestatus query")
    .option("--tenant <tenant>", "the sites of one tenant")
    .option("--all", "the sites of all tenants")
    .option("--json", "print JSON, as LMD's wrapped_json")
    .addHelpText("after", HELP)
    .action(query);
}

async function query(lines: string[], { tenant, all, json, ...places }: Options): Promise<void> {
  if ((tenant === undefined) === (all === undefined)) {
    throw new FarsiteError("E_USAGE", "name one tenant with --tenant, or say --all");
  }
  // as it is written for other programs, with printf's line ends
  const text = lines
    .flatMap((line) => line.split(/\n|\\n/))
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
  const response = await requestHub(places, "POST", "/query", { ...(tenant && { tenant }), query: text });
  if (json) await copy(response);
  else print(answerSchema.parse(await response.json()));
}

/** However long it is. What JSON lets stand in texts a terminal might still obey. */
async function copy(response: Response): Promise<void> {
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (!process.stdout.write(visibleLines(chunk)))
      await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}

function print({ data, columns, failed }: z.output<typeof answerSchema>): void {
  if (columns.length > 0) {
    printTable(
      columns.map((name) => name.toUpperCase()),
      data.map((row) => row.map(cell)),
    );
  } else for (const row of data) printLine(row.map(cell).join("  "));
  for (const [site, reason] of Object.entries(failed)) {
    printError(`farsite-hub: ${site} is missing: ${visible(reason)}`);
  }
}

/** In one line; what a site sends must not move the cursor of who reads it. */
function cell(value: unknown): string {
  const text = typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
}
