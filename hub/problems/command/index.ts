export { type CommandResult, LONGEST_COMMENT, type ProblemCommand, problemCommand } from "./command.ts";
