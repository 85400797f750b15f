export { type CommandResult, type ProblemCommand, problemCommand } from "./command/index.ts";
export type { Cores } from "./core.ts";
export type {
  Counts,
  CutSite,
  MissingSite,
  ProblemChanges,
  ProblemFilter,
  ProblemPage,
  Problems,
  SortKey,
  Tenants,
} from "./interface.ts";
export { SORT_KEYS } from "./interface.ts";
export { type Problem, type ProblemState, STATES, type Target } from "./problem.ts";
export { LiveProblems, type ProblemsLimits, type ProblemsOptions } from "./problems.ts";
