export { type CommandResult, LONGEST_COMMENT, type ProblemCommand, problemCommand } from "./command.ts";
export { Commands, type CommandsOptions } from "./commands.ts";
export { isName } from "./names.ts";
