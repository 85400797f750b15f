/** The state file: how every site is, for people, in the manner of Checkmk's liveproxyd.state. */
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock, Timer } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { printable } from "../../common/text.ts";
import type { Site } from "../registry/index.ts";
import type { SiteState } from "../tunnel/index.ts";
import type { SiteRecord } from "./states.ts";

/** A label and its value. */
export type Detail = readonly [label: string, value: string];

export interface StateFileOptions {
  path: string;
  clock: Clock;
  log: Log;
  records: () => readonly SiteRecord[];
  tunnel: (siteId: number) => SiteState;
  /** What other parts of the hub have to say of a site. */
  details?: (site: Site) => readonly Detail[];
}

/** The hub's user writes, its group reads: names of all tenants are in it. */
const MODE = 0o640;
/** ms between two dumps. */
const INTERVAL = 5_000;
/** Columns of a label, its colon included. */
const LABEL = 25;
/** Longest text of an agent's that is shown, in UTF-16 units. */
const MAX_TEXT = 200;

export class StateFile {
  readonly #options: StateFileOptions;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #stopped = false;
  #failed = false;

  constructor(options: StateFileOptions) {
    this.#options = options;
  }

  /** Writes the file now, and anew every 5 s. */
  start(): void {
    this.#writing = this.#write();
  }

  /** Writes no more, and removes the file. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#writing;
    await rm(this.#options.path, { force: true }).catch((error: unknown) => {
      this.#options.log.warn("the state file cannot be removed", { reason: reasonOf(error) });
    });
  }

  async #write(): Promise<void> {
    const { path, clock, log } = this.#options;
    const temporary = join(dirname(path), `.${basename(path)}.new`);
    try {
      await writeFile(temporary, renderStates(this.#options), { mode: MODE });
      // the umask does not count, nor the mode of one that was left behind
      await chmod(temporary, MODE);
      await rename(temporary, path);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log.warn("the state file cannot be written", { path, reason: reasonOf(error) });
      this.#failed = true;
      await rm(temporary, { force: true }).catch(() => {});
    }
    if (this.#stopped) return;
    this.#timer = clock.after(INTERVAL, () => {
      this.#writing = this.#write();
    });
  }
}

/** The whole file. */
export function renderStates(
  options: Pick<StateFileOptions, "clock" | "records" | "tunnel" | "details">,
): string {
  const now = options.clock.wall();
  const sections = options.records().map((record) => {
    const { id, tenant, name } = record.site;
    const lines = [...own(record, options.tunnel(id), now), ...(options.details?.(record.site) ?? [])];
    return `[${tenant}/${name}]\n${lines.map(line).join("")}`;
  });
  return `Current state:\n${sections.join("\n")}`;
}

function own({ current, failure }: SiteRecord, tunnel: SiteState, now: number): Detail[] {
  const { state, reason, core } = current;
  const { agent } = tunnel;
  return [
    ["State", state],
    ["State since", moment(current.since, now)],
    ["Reason", reason ?? "None"],
    ["State dump time", moment(now, now)],
    ["Last reset", moment(tunnel.since || undefined, now)],
    ["Site's last reload", moment(core && core.started * 1000, now)],
    ["Last failed connect", moment(failure?.at, now)],
    ["Last failed error", failure?.reason ?? "None"],
    ["Core", core ? `${core.program || "unknown"}, PID ${core.pid ?? "unknown"}` : "None"],
    ["Livestatus", core?.livestatus || "None"],
    ["Hosts", String(core?.hosts ?? "None")],
    ["Services", String(core?.services ?? "None")],
    ["Agent", agent ? printable(`${agent.host}, ${agent.version}`, MAX_TEXT) : "None"],
    ["Agent connected from", tunnel.peer ?? "None"],
    ["Round-trip time", tunnel.rtt === undefined ? "None" : `${tunnel.rtt.toFixed(1)} ms`],
    ["Streams", String(tunnel.streams)],
  ];
}

function line([label, value]: Detail): string {
  return `  ${`${label}:`.padEnd(LABEL)}${value}\n`;
}

/** `2026-01-31 13:45:00 (0:00:12)`: local time, and how long ago. */
function moment(at: number | undefined, now: number): string {
  if (at === undefined) return "Never";
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "Never";
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const ago = Math.max(0, Math.floor((now - at) / 1000));
  const days = Math.floor(ago / 86_400);
  const clock = `${Math.floor((ago % 86_400) / 3600)}:${two(Math.floor((ago % 3600) / 60))}:${two(ago % 60)}`;
  return `${day} ${time} (${days === 0 ? "" : `${days} day${days === 1 ? "" : "s"}, `}${clock})`;
}
