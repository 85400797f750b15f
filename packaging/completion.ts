/** Completion for bash, made from the command line. */
import type { Command, Option } from "commander";
import { pathOf } from "./manual.ts";

/**
 * A script that needs nothing but bash: which command it is follows from the words that are no options; then a
 * table says what may come.
 */
export function bashCompletion(name: string, program: Command): string {
  const commands = all(program);
  const takers = new Map<string, Option>();
  for (const command of commands) {
    for (const option of optionsOf(command)) {
      if (option.required) for (const flag of flagsOf(option)) takers.set(flag, option);
    }
  }
  const which = (kind: string) =>
    [...takers].flatMap(([flag, option]) => (option.flags.includes(`<${kind}>`) ? [flag] : [])).join("|");
  const table = commands.map((command) => {
    const below = command.commands.map((each) => each.name());
    const words = [...below, ...optionsOf(command).flatMap(flagsOf)];
    return `    "${pathOf(command).join(" ")}") words="${words.join(" ")}" ;;`;
  });
  const known = commands.map((command) => `"${pathOf(command).join(" ")}"`).join("|");
  const id = `_${name.replace(/\W/g, "_")}`;
  return `# Completion of ${name} for bash; made from its command line.
${id}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path="" words="" at word
  COMPREPLY=()
  case $previous in
    ${which("file")}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${which("dir")}) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    ${[...takers.keys()].join("|")}) return ;;
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    case "\${path:+$path }$word" in
      ${known}) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${table.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F ${id} ${name}
`;
}

/** A command and all below it. */
function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap((each) => all(each))];
}

function optionsOf(command: Command): Option[] {
  return command.createHelp().visibleOptions(command);
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined && flag !== null);
}
