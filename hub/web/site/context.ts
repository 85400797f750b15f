/** What every handler of the web interface has: a Reach, and nothing else of the hub. */

import type { Context, Hono } from "hono";
import { FarsiteError } from "../../../common/errors.ts";
import type { Reach } from "../../access/index.ts";

export interface WebEnv {
  Bindings: {
    /** The client's address. */
    peer: string;
    /** Lets this request stay silent for so many seconds; 0: for ever. For streams of events. */
    patience(seconds: number): void;
  };
  Variables: {
    /** Missing where nobody need be logged in; `reachOf` gives it or throws. */
    reach?: Reach;
    /** What forms must send as the field `csrf`, scripts as the header `x-csrf`; of a session only. */
    csrf?: string;
  };
}

export type WebContext = Context<WebEnv>;
export type WebApp = Hono<WebEnv>;

/** Throws E_LOGIN. */
export function reachOf(context: WebContext): Reach {
  const reach = context.get("reach");
  if (!reach) throw new FarsiteError("E_LOGIN", "a login is needed");
  return reach;
}
