/** What the benchmark needs of Debian beyond Node and npm. */
import { existsSync } from "node:fs";
import { ensurePackages } from "../lab/debian.ts";

const COMPILER = [
  { name: "gcc", path: "/usr/bin/gcc" },
  { name: "libc6-dev", path: "/usr/include/stdio.h" },
];
const LINES = [{ name: "iproute2", path: "/usr/sbin/ip" }];
const COMPARED_WITH = [
  { name: "openssh-server", path: "/usr/sbin/sshd" },
  { name: "openssh-client", path: "/usr/bin/ssh" },
  { name: "stunnel4", path: "/usr/bin/stunnel4" },
];

const missing = (packages: typeof COMPILER): string[] =>
  packages.filter(({ path }) => !existsSync(path)).map(({ name }) => name);

/**
 * Installs what is missing, if this is root, saying so. Throws if the load program cannot be compiled in
 * the end; peers that are still missing leave themselves out.
 */
export async function installPackages(progress: (line: string) => void): Promise<void> {
  for (const [packages, why] of [
    [missing(COMPILER), "compiling the load program"],
    [missing(LINES), "lines with delay"],
    [missing(COMPARED_WITH), "the comparison with ssh and stunnel"],
  ] as const) {
    if (packages.length > 0) await ensurePackages(packages, { why, progress });
  }
  const lacking = missing(COMPILER);
  if (lacking.length > 0) {
    throw new Error(`the load program is compiled here: install ${lacking.join(" and ")} first`);
  }
}
