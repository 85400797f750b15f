/**
 * A line with the delay, rate, buffer and losses of a real one, between two namespaces of this machine. Works
 * where the kernel has no netem; see line.c.
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Cleanup } from "../cleanup.ts";
import { command } from "../command.ts";
import { isRoot } from "../debian.ts";
import { type LabProcess, launch } from "../process.ts";

/** What a line needs to be installed. */
export const LINE_PACKAGES = ["iproute2", "gcc", "libc6-dev"];

export interface LineOptions {
  /** One way, in ms: half of what the empty line adds to a round trip. */
  readonly delayMs: number;
  /** Mbit/s of each direction, counted in IP packets; as fast as the machine goes if not given. */
  readonly rateMbit?: number;
  /** How long a packet may wait for its turn before it is dropped: the buffer, in ms of the rate. Default 100. */
  readonly queueMs?: number;
  /** Packets lost, in percent. */
  readonly lossPercent?: number;
  /** How TCP over it judges the line: "cubic", "bbr", what the kernel has. Its default if not given. */
  readonly congestionControl?: string;
  /** TCP segments of up to 64 KiB go over it whole: for hundreds of Mbit/s. Without a rate and losses only. */
  readonly large?: boolean;
}

export interface LineEnd {
  /** The full name of a namespace. */
  readonly netns: string;
  /** The device's name there. */
  readonly device: string;
  /** The IPv4 address there. */
  readonly address: string;
}

export type LineEnds = readonly [LineEnd, LineEnd];

const TUN = "/dev/net/tun";
const FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror"];

/**
 * Packets that a device holds until the line takes them. The default of 500 overflows when the line's program has
 * to wait for a processor, which would be losses that nobody asked for.
 */
const DEVICE_QUEUE = 10_000;

/** Why there can be no line here, if so. */
export function lineObstacle(): string | undefined {
  if (!isRoot()) return "a line with delay needs root";
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `a line with delay needs ${TUN}`;
  }
}

/** Compiles the program into a folder and gives its path. Throws, with the compiler's words. */
export function buildLine(folder: string): string {
  const program = join(folder, "line");
  command(["gcc", ...FLAGS, "-o", program, join(import.meta.dirname, "line.c")]);
  return program;
}

/** The command that is the line. It prints "up" once the devices are there; then {@link bringUp}. */
export function lineCommand(program: string, ends: LineEnds, options: LineOptions): string[] {
  const { delayMs, rateMbit, queueMs, lossPercent, large = false } = options;
  const numbers = {
    "--delay-ms": delayMs,
    "--rate-mbit": rateMbit,
    "--queue-ms": queueMs,
    "--loss-percent": lossPercent,
  };
  const given = Object.entries(numbers).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)],
  );
  return [
    program,
    ...given,
    ...(large ? ["--large"] : []),
    ...ends.flatMap(({ netns, device }) => [netns, device]),
  ];
}

/** Gives both ends their addresses; from then on packets pass. Throws where the kernel lacks what is asked for. */
export function bringUp(ends: LineEnds, { congestionControl }: LineOptions): void {
  const [one, other] = ends;
  for (const [{ netns, device, address }, peer] of [
    [one, other.address],
    [other, one.address],
  ] as const) {
    const lines = [
      `addr add ${address} peer ${peer} dev ${device}`,
      `link set ${device} txqueuelen ${DEVICE_QUEUE}`,
      `link set ${device} up`,
    ];
    if (congestionControl !== undefined) {
      lines.push(`route replace ${peer} dev ${device} src ${address} congctl ${congestionControl}`);
    }
    command(["ip", "-n", netns, "-batch", "-"], `${lines.join("\n")}\n`);
  }
}

/** Starts a line and resolves when packets pass. It is there until its process ends. */
export async function startLine(
  program: string,
  ends: LineEnds,
  options: LineOptions,
  cleanup?: Cleanup,
): Promise<LabProcess> {
  const child = await launch(lineCommand(program, ends, options), {
    label: "the line",
    ready: ({ output }) => output.startsWith("up\n"),
    cleanup,
  });
  bringUp(ends, options);
  return child;
}
