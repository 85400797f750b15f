/** agent.toml as a file: there or not yet, and changed without being read half. */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig } from "../../common/config/index.ts";
import { FarsiteError, reasonOf } from "../../common/errors.ts";
import { writeFileAtomic } from "../../common/files.ts";
import { type AgentConfig, agentConfig, INITIAL_CONFIG } from "../config.ts";

/** The configuration, or what counts without one. Throws E_CONFIG. */
export function readConfigIfAny(path: string): AgentConfig {
  return existsSync(path) ? loadConfig(path, agentConfig) : agentConfig.parse({});
}

/** Writes one that says nothing yet, if there is none. Throws E_CONFIG or E_STATE. */
export function writeInitialConfig(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new FarsiteError(
      "E_CONFIG",
      `the folder of ${path} cannot be made: ${reasonOf(error)}`,
      "Run as root, or name a file of your own with --config.",
    );
  }
  writeFileAtomic(path, INITIAL_CONFIG, 0o644);
}

/**
 * Changes the file, which keeps its owner and its mode; it is not written when nothing has changed. Throws E_CONFIG
 * or E_STATE.
 */
export function changeConfig<T extends { text: string }>(path: string, change: (text: string) => T): T {
  writeInitialConfig(path);
  // a link to where the file is kept stays one
  const place = realpathSync(path);
  const before = readFileSync(place, "utf8");
  const changed = change(before);
  const { mode, uid, gid } = statSync(place);
  if (changed.text !== before) {
    writeFileAtomic(place, changed.text, mode & 0o7777, process.getuid?.() === 0 ? { uid, gid } : undefined);
  }
  return changed;
}
