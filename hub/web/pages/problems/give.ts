/** Gives a command for each of the problems that were marked, and says what came of each. */

import { FarsiteError } from "../../../../common/errors.ts";
import type { Reach } from "../../../access/index.ts";
import type { CommandResult, ProblemCommand, Target } from "../../../problems/index.ts";

export interface Given {
  target: Target;
  result: CommandResult;
}

/** What was asked for fails for one as it may; the others go on. Throws E_FORBIDDEN. */
export function giveAll(
  reach: Pick<Reach, "command">,
  targets: readonly Target[],
  command: ProblemCommand,
): Promise<Given[]> {
  return Promise.all(targets.map(async (target) => ({ target, result: await give(reach, target, command) })));
}

async function give(
  reach: Pick<Reach, "command">,
  target: Target,
  command: ProblemCommand,
): Promise<CommandResult> {
  try {
    return await reach.command(target, command);
  } catch (error) {
    if (!(error instanceof FarsiteError) || error.code === "E_FORBIDDEN") throw error;
    return { outcome: "refused", reason: error.message };
  }
}
