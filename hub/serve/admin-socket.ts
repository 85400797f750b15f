/** The admin socket of a hub that starts. */

import { chmodSync, rmSync } from "node:fs";
import type { Hono } from "hono";
import { FarsiteError, reasonOf } from "../../common/errors.ts";

/** Opens it, unless another hub has it. Throws E_LISTEN. */
export async function openAdminSocket(
  path: string,
  app: Hono,
): Promise<{ stop(force: boolean): Promise<void> }> {
  const alive = await fetch("http://hub/status", { unix: path }).then(
    () => true,
    () => false,
  );
  if (alive) {
    throw new FarsiteError("E_LISTEN", `another hub runs with ${path}`, "Stop it, or use another --run-dir.");
  }
  try {
    rmSync(path, { force: true });
    const server = Bun.serve({ unix: path, fetch: app.fetch });
    chmodSync(path, 0o600);
    return server;
  } catch (error) {
    throw new FarsiteError("E_LISTEN", `the admin socket ${path} cannot be opened: ${reasonOf(error)}`);
  }
}
