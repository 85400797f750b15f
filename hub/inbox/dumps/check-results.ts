/**
 * Files in the check_result_path of Nagios, as `livedump` makes them: `c` and six characters, taken by the core once
 * there is a file of that name with `.ok` behind it. Nagios takes files in no order, so that a site has one at a time.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../../common/clock.ts";
import type { Disk } from "../../../common/disk.ts";
import { DUMP } from "../../../common/outbox/index.ts";
import type { Told } from "./dump.ts";
import type { Changes, Outlet } from "./outlet.ts";

export interface CheckResultsOptions {
  /** The core's check_result_path. */
  folder: string;
  disk: Disk;
  clock: Clock;
}

/** The core's user is in the folder's group, and takes them away. */
const MODE = 0o660;
/** ms for which the core may take to read the file before; its own interval is 10 s. */
const PATIENCE = 15_000;
/** ms between two looks whether it has. */
const LOOK = 200;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export class CheckResults implements Outlet {
  readonly kind = "check-results";
  readonly takes = DUMP;
  #stopped = false;

  constructor(private readonly options: CheckResultsOptions) {}

  async write(path: string, changes: Changes): Promise<void> {
    if (changes.hosts.size + changes.services.size === 0) return;
    const { folder, disk, clock } = this.options;
    // the folder is the core's: where it is missing, the core is
    if (!(await disk.exists(folder))) throw new Error(`there is no folder ${folder}`);
    const file = join(folder, fileName(path));
    await this.#untilTaken(file);
    const staged = join(folder, `.farsite-${fileName(path)}`);
    await disk.write(staged, [Buffer.from(checkResultFile(changes, clock.wall()))], MODE);
    // before the file has its name, so that the core sees both at once
    await disk.write(`${file}.ok`, [], MODE);
    await disk.rename(staged, file);
    await disk.sync(folder);
  }

  /** Waits until the core has taken a file, and removed what belongs to it. */
  async #untilTaken(file: string): Promise<void> {
    const { disk, clock } = this.options;
    const until = clock.now() + PATIENCE;
    for (;;) {
      const unread = await disk.exists(file);
      if (!unread && !(await disk.exists(`${file}.ok`))) return;
      if (this.#stopped || clock.now() >= until) {
        // alone it was left by a crash: the core removes it right after the file
        if (!unread && !this.#stopped) return;
        throw new Error(`the core has not taken ${file} yet`);
      }
      await new Promise<void>((look) => clock.after(LOOK, look));
    }
  }

  async withdraw(path: string): Promise<void> {
    const { folder, disk } = this.options;
    const file = join(folder, fileName(path));
    // without it the core does not begin to read
    await disk.remove(`${file}.ok`);
    await disk.remove(file);
    await disk.remove(join(folder, `.farsite-${fileName(path)}`));
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** The name of a site's file: the same also after a restart. */
export function fileName(path: string): string {
  const digest = createHash("sha256").update(path).digest();
  return `c${[...digest.subarray(0, 6)].map((byte) => LETTERS[byte % LETTERS.length]).join("")}`;
}

/** @param time ms since the Unix epoch, by the hub's clock: that of a site may be wrong */
export function checkResultFile({ hosts, services }: Changes, time: number): string {
  const seconds = (time / 1000).toFixed(1);
  const result = (names: string[], told: Told): string => {
    if ("shadow" in told) return "";
    const { state, output, longOutput, perfData } = told;
    return [
      ...names,
      "check_type=1",
      "check_options=0",
      "reschedule_check",
      "latency=0.00",
      `start_time=${seconds}`,
      `finish_time=${seconds}`,
      `return_code=${state}`,
      `output=${escaped(output)}|${escaped(perfData)}${longOutput === "" ? "" : `\\n${escaped(longOutput)}`}`,
      "",
      "",
    ].join("\n");
  };
  const parts = [`file_time=${Math.floor(time / 1000)}\n\n`];
  for (const [name, status] of hosts) parts.push(result([`host_name=${name}`], status));
  for (const [host, ofHost] of services) {
    for (const [description, status] of ofHost) {
      parts.push(result([`host_name=${host}`, `service_description=${description}`], status));
    }
  }
  return parts.join("");
}

/** As Nagios reads the value of `output`. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
