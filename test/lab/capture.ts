/** What crosses an interface of a lab network, as tcpdump sees it. */
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { command } from "./command.ts";
import type { Namespaces } from "./namespaces.ts";
import { type LabProcess, launch } from "./process.ts";

export const CAPTURE_PACKAGES = ["tcpdump"];

/** Bytes of each packet: its headers. */
const SNAP = "96";

export class Capture {
  private constructor(
    private readonly file: string,
    private readonly process: LabProcess,
  ) {}

  /** Begins with everything that crosses `device` in a place; `folder` gets the file. */
  static async start(
    network: Namespaces,
    place: string,
    device: string,
    { folder, cleanup }: { folder: string; cleanup: Cleanup },
  ): Promise<Capture> {
    const file = join(folder, `${place}-${device}.pcap`);
    // packet by packet, or what came last would be missed
    const words = ["-i", device, "-n", "-s", SNAP, "-U", "--immediate-mode", "-Z", "root", "-w", file];
    const process = await launch(["tcpdump", ...words], {
      label: `tcpdump at ${place}`,
      netns: network.namespace(place),
      cleanup,
      ready: (child) => child.output.includes("listening on"),
    });
    return new Capture(file, process);
  }

  /** The packets so far that a filter (pcap-filter(7)) lets through, a line each. */
  packets(filter: string): string[] {
    const lines = command(["tcpdump", "-nn", "-r", this.file, filter]).trimEnd();
    return lines === "" ? [] : lines.split("\n");
  }

  /** Ends it; says how many packets it missed. */
  async end(): Promise<number> {
    await this.process.stop();
    const dropped = /^(\d+) packets dropped by kernel$/m.exec(this.process.output)?.[1];
    if (dropped === undefined) throw new Error(`tcpdump does not say what it missed: ${this.process.output}`);
    return Number(dropped);
  }
}
