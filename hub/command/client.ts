/** The command line's way to the running hub: its admin socket. */

import { join } from "node:path";
import { z } from "zod";
import type { Places } from "../../common/command/index.ts";
import { ERROR_CODES, FarsiteError, isErrorCode } from "../../common/errors.ts";

export const ADMIN_SOCKET = "admin.sock";

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** Asks the hub; throws what it answers as the same error, or E_HUB_DOWN. */
export async function askHub<T>(
  places: Places,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<T> {
  const socket = join(places.runDir, ADMIN_SOCKET);
  let response: Response;
  try {
    response = await fetch(`http://hub${path}`, {
      method,
      unix: socket,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new FarsiteError(
      "E_HUB_DOWN",
      `no hub answers at ${socket}`,
      "Start it with `farsite-hub serve` (or systemctl start farsite-hub), or name its --run-dir; " +
        "only the user it runs as and root may ask it.",
    );
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer as T;
  const failed = failure.safeParse(answer).data;
  const code = failed && isErrorCode(failed.code) ? failed.code : "E_INTERNAL";
  throw new FarsiteError(code, failed?.message ?? ERROR_CODES.E_INTERNAL, failed?.hint);
}
