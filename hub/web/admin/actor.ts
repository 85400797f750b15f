/** Who asks at the admin socket, as the command line says. Whoever can open it may give any name. */

import type { Context } from "hono";
import { printable } from "../../../common/text.ts";
import type { Actor } from "../../registry/index.ts";

/** A user's name, percent-encoded. */
export const ADMIN_HEADER = "farsite-admin";
/** UTF-16 units of such a name. */
const LONGEST_NAME = 64;

export function actorOf(context: Context): Actor {
  const name = printable(decoded(context.req.header(ADMIN_HEADER) ?? ""), LONGEST_NAME);
  return { who: name === "" ? "admin" : `admin ${name}`, from: "admin socket" };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
