/** What stands between a suite and what it needs of its host. */
import { ensurePackages } from "./debian.ts";
import { canUseNamespaces } from "./network.ts";

/**
 * Why a suite must be left out here, which is told where it cannot be overlooked; undefined: it can run.
 * @param what it is about
 * @param packages it needs, which are installed where they can be
 * @param also what else may stand in its way
 */
export async function obstacleTo(
  what: string,
  packages: readonly string[],
  also: () => string | undefined = () => undefined,
): Promise<string | undefined> {
  const missing = await ensurePackages(packages, { why: what });
  const obstacle = missing.length > 0 ? `not installed: ${missing.join(", ")}` : also();
  if (obstacle !== undefined) process.stderr.write(`LEFT OUT: ${what}: ${obstacle}\n`);
  return obstacle;
}

/** For suites with networks of their own. */
export function namespaceObstacle(): string | undefined {
  const verdict = canUseNamespaces();
  return verdict.usable ? undefined : verdict.why;
}
