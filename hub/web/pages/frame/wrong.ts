/** What can be put right in the form that it came from is told there. */
import { FarsiteError } from "../../../../common/errors.ts";

export interface Wrong {
  message: string;
  hint: string | undefined;
}

/** Of what somebody typed. */
const TYPED: ReadonlySet<string> = new Set([
  "E_NAME",
  "E_EXISTS",
  "E_NOT_FOUND",
  "E_PASSWORD",
  "E_POOL_EMPTY",
  "E_REQUEST",
  "E_LIMIT",
]);

/** What is wrong with a form; undefined: nothing. Throws every other error again. */
export async function wrongOf(work: () => Promise<unknown>): Promise<Wrong | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof FarsiteError) || !TYPED.has(error.code)) throw error;
    return { message: error.message, hint: error.hint };
  }
}
