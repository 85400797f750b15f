/** A way from the client to the core, that is measured. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ECHO } from "../exchanges.ts";
import type { Target } from "../load/load.ts";
import type { Running, Scope } from "../scope.ts";

export const PEER_NAMES = ["direct", "farsite", "ssh", "stunnel"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface Peer {
  readonly name: PeerName;
  /**
   * Opens the way to the core at this port of 127.0.0.1 and returns once it is answered through it.
   * What it starts ends with the scope. Throws, saying why, when that cannot be had on this machine.
   */
  start(core: number, scope: Scope): Promise<Way>;
}

export interface Way {
  /** Where clients connect. */
  readonly target: Target;
  /** The processes of each side, for their memory; none where there is nothing in between. */
  readonly sides?: { readonly hub: Running; readonly agent: Running };
}

const READY_LIMIT_MS = 20_000;
const RETRY_MS = 50;
const ANSWER_LIMIT_MS = 2000;

/** The path of a program, also where only root looks for it. */
export function programPath(name: string, debianPackage: string): string {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/bin"];
  const path = folders.map((folder) => `${folder}/${name}`).find(existsSync);
  if (path === undefined) throw new Error(`${name} is not there (Debian package ${debianPackage})`);
  return path;
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
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
export function answers(target: Target, needed: readonly Running[]): Promise<void> {
  return eventually(() => echoOnce(target), needed);
}

/** Waits until someone listens at `target`. */
export function listens({ host, port }: Target, needed: readonly Running[]): Promise<void> {
  return eventually(async () => {
    const socket = connect({ host, port });
    await once(socket, "connect").finally(() => socket.destroy());
  }, needed);
}

async function echoOnce({ host, port }: Target): Promise<void> {
  const socket = connect({ host, port });
  socket.setTimeout(ANSWER_LIMIT_MS, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
  try {
    socket.write(ECHO.request);
    let had = Buffer.alloc(0);
    for await (const data of socket) {
      had = Buffer.concat([had, data]);
      if (had.equals(ECHO.answer)) return;
    }
    throw new Error(`${host}:${port} closed the connection without an answer`);
  } finally {
    socket.destroy();
  }
}
