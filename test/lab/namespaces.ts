/**
 * Network namespaces of a lab: several places on one machine, each with addresses of its own. Their names say
 * which process made them, so that what a killed run left behind is found and removed.
 */
import { existsSync, readdirSync } from "node:fs";
import type { Cleanup } from "./cleanup.ts";
import { attempt, type CommandResult, command } from "./command.ts";

const NETNS_DIRECTORY = "/run/netns";
const OURS = /^fs(\d+)(x\d+)?-/;
let made = 0;

/** A prefix for names of namespaces that this process has not used yet. */
export function freshPrefix(): string {
  const prefix = `fs${process.pid}${made === 0 ? "" : `x${made}`}`;
  made++;
  return prefix;
}

/**
 * Makes namespaces, each with its loopback device up and no other. Needs root and iproute2. Any number of them,
 * of this process and of others, exist side by side. What a killed run left behind is removed first.
 * @param places lower-case names
 */
export function makeNamespaces(places: readonly string[], cleanup?: Cleanup): Namespaces {
  removeLeftovers();
  const namespaces = new Namespaces(places, freshPrefix());
  cleanup?.add("remove the namespaces", () => namespaces.remove());
  try {
    namespaces.make();
  } catch (thrown) {
    namespaces.remove();
    throw thrown;
  }
  return namespaces;
}

export class Namespaces {
  readonly #places: readonly string[];

  constructor(
    places: readonly string[],
    readonly prefix: string,
  ) {
    this.#places = places;
  }

  /** The full name of the namespace of a place. */
  namespace(place: string): string {
    if (!this.#places.includes(place)) throw new Error(`no ${JSON.stringify(place)} in the lab's network`);
    return `${this.prefix}-${place}`;
  }

  /** `argv` so that it runs in a namespace. */
  exec(place: string, argv: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.namespace(place), ...argv];
  }

  /** Runs a short command in a namespace and gives what it printed; throws when it fails. */
  command(place: string, argv: readonly string[], input?: string): string {
    return command(this.exec(place, argv), input);
  }

  /** As `command`, but leaves the judgement to the caller. */
  attempt(place: string, argv: readonly string[], input?: string): CommandResult {
    return attempt(this.exec(place, argv), input);
  }

  /** `ip` commands in a namespace, such as "route add default via 10.0.0.1", in one go. */
  ip(place: string, lines: readonly string[]): void {
    command(["ip", "-n", this.namespace(place), "-batch", "-"], `${lines.join("\n")}\n`);
  }

  make(): void {
    for (const place of this.#places) {
      command(["ip", "netns", "add", this.namespace(place)]);
      this.ip(place, ["link set lo up"]);
    }
  }

  /** Kills what runs in the namespaces and removes them. May be called again. */
  remove(): void {
    removeNamespaces(this.#places.map((place) => `${this.prefix}-${place}`));
  }
}

/** Removes namespaces of processes that are no more. */
export function removeLeftovers(): void {
  const left = present().filter((name) => {
    const pid = OURS.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  removeNamespaces(left);
}

function removeNamespaces(names: readonly string[]): void {
  const there = new Set(present());
  for (const name of names) {
    if (!there.has(name)) continue;
    for (let round = 0; killInside(name) && round < 100; round++) Bun.sleepSync(10);
    const deleted = attempt(["ip", "netns", "del", name]);
    // Another process may have removed the same leftover.
    if (!deleted.ok && present().includes(name)) throw new Error(deleted.stderr.trim());
  }
}

/** Whether anything was left to kill. */
function killInside(name: string): boolean {
  const pids = attempt(["ip", "netns", "pids", name]).stdout.split("\n").filter(Boolean);
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // ended in between
    }
  }
  return pids.length > 0;
}

function present(): string[] {
  try {
    return readdirSync(NETNS_DIRECTORY);
  } catch {
    return []; // none was ever made
  }
}
