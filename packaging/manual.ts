/** Manual pages, made from what `--help` prints. */
import type { Argument, Command } from "commander";
import type { Product } from "./product.ts";
import type { Release } from "./release.ts";

/** A manual page in the language of man(7). */
export function manualPage({ name, summary, side }: Product, program: Command, release: Release): string {
  const date = new Date(release.epoch * 1000).toISOString().slice(0, 10);
  return [
    `.TH ${name.toUpperCase()} 1 ${date} "Farsite ${macro(release.version.replace(/~.*/, ""))}" "User Commands"`,
    ".SH NAME",
    `${roff(name)} \\- ${roff(summary)}`,
    ".SH SYNOPSIS",
    `.B ${roff(name)}`,
    ".I command",
    "[options]",
    ".SH DESCRIPTION",
    paragraph(program.description()),
    ".SH OPTIONS",
    ...optionsOf(program),
    ".SH COMMANDS",
    ...leaves(program).flatMap((command) => section(command)),
    ".SH NOTES",
    paragraph(afterHelp(program)),
    ".SH FILES",
    ...entry(
      `/etc/farsite/${side}.toml`,
      `configuration; every key is explained in /usr/share/doc/${name}/${side}.toml`,
    ),
    ...entry(`/var/lib/${name}`, "keys and state"),
    ...entry(`/run/${name}`, "sockets of the running program"),
    ".SH SEE ALSO",
    paragraph(`The documents in /usr/share/doc/${name}.`),
    "",
  ].join("\n");
}

/** The commands that do something, not those that only have others below them. */
export function leaves(command: Command): Command[] {
  // the one that commander adds by itself, help, has no parent
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter(({ parent }) => parent !== null);
  return below.flatMap((each) => (each.commands.length > 0 ? leaves(each) : [each]));
}

/** The words that lead to a command, the program's name not among them. */
export function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : [];
}

function section(command: Command): string[] {
  const help = command.createHelp();
  return [
    `.SS "${macro([...pathOf(command), ...command.registeredArguments.map((each) => argument(each))].join(" "))}"`,
    paragraph(help.commandDescription(command)),
    ...help
      .visibleArguments(command)
      .flatMap((each) => entry(help.argumentTerm(each), help.argumentDescription(each))),
    ...optionsOf(command),
    ...preformatted(afterHelp(command)),
  ];
}

function argument(each: Argument): string {
  const word = `${each.name()}${each.variadic ? "..." : ""}`;
  return each.required ? `<${word}>` : `[${word}]`;
}

function optionsOf(command: Command): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .flatMap((option) => entry(help.optionTerm(option), help.optionDescription(option)));
}

/** What a command's help has behind its options. */
export function afterHelp(command: Command): string {
  let printed = "";
  command.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
  });
  command.outputHelp();
  return printed.slice(command.helpInformation().length).trim();
}

function entry(term: string, text: string): string[] {
  return [".TP", `.B ${roff(term)}`, paragraph(text)];
}

function preformatted(text: string): string[] {
  return text === "" ? [] : [".PP", ".nf", text.split("\n").map(roff).join("\n"), ".fi"];
}

function paragraph(text: string): string {
  return text
    .split("\n")
    .map((line) => roff(line.trim()))
    .join("\n");
}

/** Text that means itself: no escape, no request at the start of a line, no typographic hyphen or quote. */
export function roff(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/`/g, "\\(ga")
    .replace(/^(['.])/, "\\&$1")
    .replace(/'/g, "\\(aq");
}

/** The same within the quotes of a macro's argument. */
function macro(text: string): string {
  return roff(text).replace(/"/g, "\\(dq");
}
