/** Where ways are opened: a core on the agent's side, and between the two sides nothing or a line. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  bringUp,
  buildLine,
  type LineEnds,
  type LineOptions,
  lineCommand,
  lineObstacle,
} from "../lab/line/line.ts";
import { makeNamespaces } from "../lab/namespaces.ts";
import type { Load, Target } from "./load/load.ts";
import { deviceBytes } from "./procfs.ts";
import type { Scope } from "./scope.ts";

export type StageName = "loopback" | "long" | "thin";

/** What Debian's kernels do by default; others judge lines otherwise, and figures with them. */
const congestionControl = "cubic";

/** The lines: a fast one across a continent or two, and a site's thin one with a router that buffers. */
const LINES: Record<Exclude<StageName, "loopback">, LineOptions> = {
  long: { delayMs: 25, large: true, congestionControl },
  thin: { delayMs: 40, rateMbit: 10, queueMs: 200, congestionControl },
};

const DEVICE = "line";
/** The range for benchmarks (RFC 2544). */
const PREFIX = "198.18.0";

export interface Side {
  /** Where the other side reaches it. */
  readonly address: string;
  /** Words before a command that make it run on this side. */
  readonly within: readonly string[];
}

export interface Stage {
  readonly name: StageName;
  readonly hub: Side;
  readonly agent: Side;
  /** The core, as the agent's side reaches it. */
  readonly core: Target;
  /** The line's own round trip in ms, when it is empty. */
  readonly rttMs: number;
  /** IP bytes that the line has carried, both ways. */
  readonly wireBytes: () => number;
  /** For files of what is started on it. */
  readonly folder: string;
  readonly load: Load;
  readonly scope: Scope;
}

/** Sets a stage and starts its core. Throws, saying why, when this machine cannot have it. */
export async function setStage(name: StageName, load: Load, scope: Scope): Promise<Stage> {
  const folder = join(scope.folder, name);
  mkdirSync(folder);
  if (name === "loopback") {
    const here: Side = { address: "127.0.0.1", within: [] };
    const { core } = await load.serve(here);
    return { name, hub: here, agent: here, core, rttMs: 0, wireBytes: () => 0, folder, load, scope };
  }
  const [hub, agent] = await layLine(LINES[name], folder, scope);
  const { core, pid } = await load.serve(agent);
  const wireBytes = () => deviceBytes(pid, DEVICE);
  return { name, hub, agent, core, rttMs: 2 * LINES[name].delayMs, wireBytes, folder, load, scope };
}

async function layLine(
  options: LineOptions,
  folder: string,
  scope: Scope,
): Promise<[hub: Side, agent: Side]> {
  const obstacle = lineObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const places = makeNamespaces(["hub", "agent"]);
  scope.atEnd(() => places.remove());
  const ends: LineEnds = [
    { netns: places.namespace("hub"), device: DEVICE, address: `${PREFIX}.1` },
    { netns: places.namespace("agent"), device: DEVICE, address: `${PREFIX}.2` },
  ];
  await scope.start(lineCommand(buildLine(folder), ends, options)).firstLine;
  bringUp(ends, options);
  return [
    { address: `${PREFIX}.1`, within: places.exec("hub", []) },
    { address: `${PREFIX}.2`, within: places.exec("agent", []) },
  ];
}
