/** The command line's way to the running hub: its admin socket. */

import { join } from "node:path";
import { z } from "zod";
import type { Places } from "../../common/command/index.ts";
import { ERROR_CODES, FarsiteError, isErrorCode } from "../../common/errors.ts";
import { ADMIN_HEADER, ADMIN_SOCKET } from "../web/admin/index.ts";
import { adminName } from "./admin-name.ts";

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Asks the hub; throws what it answers as the same error, or E_HUB_DOWN. */
export async function askHub<T>(places: Places, method: Method, path: string, body?: unknown): Promise<T> {
  const response = await requestHub(places, method, path, body);
  const answer: unknown = await response.json().catch(() => undefined);
  if (answer === undefined) throw new FarsiteError("E_INTERNAL", ERROR_CODES.E_INTERNAL);
  return answer as T;
}

/** As `askHub`, for an answer that is read as it comes. */
export async function requestHub(
  places: Places,
  method: Method,
  path: string,
  body?: unknown,
): Promise<Response> {
  const socket = join(places.runDir, ADMIN_SOCKET);
  let response: Response;
  try {
    response = await fetch(`http://hub${path}`, {
      method,
      unix: socket,
      headers: { [ADMIN_HEADER]: encodeURIComponent(adminName()) },
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
  if (response.ok) return response;
  const failed = failure.safeParse(await response.json().catch(() => undefined)).data;
  const code = failed && isErrorCode(failed.code) ? failed.code : "E_INTERNAL";
  throw new FarsiteError(code, failed?.message ?? ERROR_CODES.E_INTERNAL, failed?.hint);
}
