/** `farsite-agent detect`: what is on this host, and what of it should be in agent.toml. */
import { type Command, Option } from "commander";
import { type Places, printJson, printLine, printTable, withPlaces } from "../../common/command/index.ts";
import type { Found } from "../omd/index.ts";
import { type Edited, snippetOf } from "./proposal.ts";
import { type Survey, surveyHost, writeProposals } from "./survey.ts";

interface Options extends Places {
  write?: boolean;
  json?: boolean;
  root: string;
}

export function addDetect(program: Command): void {
  withPlaces(program.command("detect"), "farsite-agent")
    .argument("[site]", "only this one of the sites that are found")
    .description("find the monitoring sites of this host, and propose services for agent.toml")
    .option("--write", "add to agent.toml what it lacks")
    .option("--json", "print JSON")
    .addOption(new Option("--root <dir>", "the folder that stands for /").default("/").hideHelp())
    .action((wanted: string | undefined, options: Options) => {
      const survey = surveyHost(options, wanted);
      const written = options.write ? writeProposals(survey, options.config) : undefined;
      if (options.json) return printJson(asJson(survey, written));
      printSurvey(survey, options.config, written);
    });
}

function asJson({ found, proposals, advice, problems }: Survey, written: Edited | undefined): unknown {
  const proposed = proposals.map(({ table, ...rest }) => ({ table: table.join("."), ...rest }));
  return {
    sites: found,
    proposals: proposed,
    advice,
    problems,
    ...(written && { added: written.added, kept: written.kept }),
  };
}

/** Tells people what was found, what belongs into agent.toml or was written there, and what is left to do. */
function printSurvey(survey: Survey, file: string, written: Edited | undefined): void {
  const { found } = survey;
  if (found.length === 0)
    printLine("No monitoring site was found: no OMD site, no Icinga 2, Naemon or Nagios.");
  else {
    printTable(
      ["SITE", "WHAT", "CORE", "STATE", "LIVESTATUS"],
      found.map((site) => [site.name, whatIs(site), site.core ?? "?", site.state, livestatusOf(site)]),
    );
  }
  printProposals(survey, file, written);
}

/** The part of it that is about agent.toml and what is to do. */
export function printProposals(
  { proposals, advice, problems }: Survey,
  file: string,
  written: Edited | undefined,
): void {
  const snippet = snippetOf(proposals);
  if (written) printWritten(written, file);
  else if (snippet !== "") {
    printLine(`\nFor ${file} (farsite-agent detect --write adds what it lacks):\n`);
    printLine(snippet.trimEnd());
  }
  printList("To do:", advice);
  printList(process.getuid?.() === 0 ? "Could not be read:" : "Could not be read (root may):", problems);
}

function printWritten({ added, kept }: Edited, file: string): void {
  if (added.length === 0) printLine(`\n${file} lacks nothing.`);
  printList(`Added to ${file}:`, added);
  printList(
    "Left as it is, because it says otherwise:",
    kept.map(({ key, present, found }) => `${key} = "${present}"; found: "${found}"`),
  );
}

function printList(title: string, lines: readonly string[]): void {
  if (lines.length > 0) printLine(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

const KINDS = { checkmk: "Checkmk", omd: "OMD", icinga2: "Icinga 2", naemon: "Naemon", nagios: "Nagios" };

function whatIs({ kind, version, edition }: Found): string {
  return [KINDS[kind], version, edition].filter((part) => part !== undefined).join(" ");
}

function livestatusOf({ livestatus }: Found): string {
  if (!livestatus) return "off";
  const { tcp } = livestatus;
  return tcp ? `socket, TCP ${tcp.port}${tcp.tls ? " with TLS" : ""}` : "socket";
}
