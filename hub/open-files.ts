/** Files that this process has open, and may have: every connection and every listener is one. */
import { readdirSync, readFileSync } from "node:fs";

export interface OpenFiles {
  open: number;
  limit: number;
}

/** Undefined where the system does not say. */
export function openFiles(): OpenFiles | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined
      ? undefined
      : { open: readdirSync("/proc/self/fd").length, limit: Number(limit) };
  } catch {
    return undefined;
  }
}
