/** Whether somebody listens at a Unix socket. */
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

/** The kernel's list of Unix sockets (proc(5)): address, references, protocol, flags, type, state, inode, path. */
const LINE = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (.+)$/;
/** __SO_ACCEPTCON: it takes connections. */
const LISTENING = 0x10000;

/** False also where the kernel's list cannot be read, or is that of another network namespace. */
export function listensAt(path: string): boolean {
  try {
    const wanted = realpathSync(path);
    return readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .some((line) => {
        const [, flags = "", bound = ""] = LINE.exec(line) ?? [];
        if ((Number.parseInt(flags, 16) & LISTENING) === 0 || basename(bound) !== basename(wanted))
          return false;
        // the core may have gone another way to it, over a symbolic link
        return bound === wanted || resolved(bound) === wanted;
      });
  } catch {
    return false;
  }
}

/** Another's socket of the same name may be gone from the file system, or of another one, and still be listened at. */
function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
