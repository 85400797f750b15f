/** A way from the client to the core, that is measured. */
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ECHO } from "../exchanges.ts";
import type { Load, Target } from "../load/load.ts";
import { listensIn } from "../procfs.ts";
import type { Running } from "../scope.ts";
import type { Stage } from "../stage.ts";

export const PEER_NAMES = ["direct", "farsite", "ssh", "stunnel"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface Peer {
  readonly name: PeerName;
  /**
   * Opens the way to the stage's core and returns once it is answered through it. What it starts ends with the
   * stage's scope. Throws, saying why, when that cannot be had on this machine.
   */
  start(stage: Stage): Promise<Way>;
}

export interface Way {
  /** Where clients connect. */
  readonly target: Target;
  /** Where bulk goes that runs beside them: the same way, as a service of its own where there is such a thing. */
  readonly bulk: Target;
  /** A web server on the agent's side, behind a service that understands HTTP. */
  readonly web?: Target;
  /** Where the core is asked as Livestatus, if that is another way. */
  readonly livestatus?: Target;
  /** The processes of each side, for their memory; none where there is nothing in between. */
  readonly sides?: { readonly hub: Running; readonly agent: Running };
}

const READY_LIMIT_MS = 20_000;
const RETRY_MS = 50;

/** The path of a program, also where only root looks for it. */
export function programPath(name: string, debianPackage: string): string {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/bin"];
  const path = folders.map((folder) => `${folder}/${name}`).find(existsSync);
  if (path === undefined) throw new Error(`${name} is not there (Debian package ${debianPackage})`);
  return path;
}

/** A TCP port that nobody listens on: not on 127.0.0.1 here, and so not in a namespace that was just made. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Retries `attempt` until it succeeds. Throws its last error after 20 seconds, or at once when one of
 * `needed` has ended.
 */
export async function eventually<T>(attempt: () => Promise<T>, needed: readonly Running[]): Promise<T> {
  const limit = performance.now() + READY_LIMIT_MS;
  for (;;) {
    try {
      return await Promise.race([attempt(), ...needed.map(({ gone }) => gone)]);
    } catch (error) {
      if (performance.now() > limit || needed.some((running) => running.ended())) throw error;
    }
    await delay(RETRY_MS);
  }
}

/** Waits until the core answers an echo at `target`. */
export async function answers(load: Load, target: Target, needed: readonly Running[]): Promise<void> {
  const once = { exchange: ECHO, connections: 1, seconds: 0, keep: true };
  await eventually(() => load.exchange(target, once), needed);
}

/** Waits until the program listens at this TCP port. */
export async function listens(running: Running, port: number): Promise<void> {
  await eventually(async () => {
    if (!listensIn(running.pid, port)) throw new Error(`nobody listens on port ${port}`);
  }, [running]);
}
