/**
 * A container with a systemd of its own. Its file system is this machine's with a layer in memory above it: packages
 * can be installed, services run and files be written, and nothing of it is left here.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Cleanup, scratchDirectory } from "./cleanup.ts";
import { attempt, type CommandResult, command } from "./command.ts";
import { isRoot } from "./debian.ts";
import { type LabProcess, launch } from "./process.ts";

export const CONTAINER_PACKAGES = ["systemd", "systemd-sysv", "systemd-container", "dbus"];

const BOOT_MS = 60_000;
/** For a command inside, an install among them. */
const COMMAND_MS = 120_000;
/** Of the layer; it lies in memory. */
const LAYER = "size=3g";

/** Why there can be no container here, if there can be none. */
export function noContainer(): string | undefined {
  if (!isRoot()) return "it needs root";
  if (Bun.which("systemd-nspawn") === null) return "systemd-nspawn is missing";
  if (!existsSync("/lib/systemd/systemd")) return "systemd is missing";
  return undefined;
}

/** This machine's file system with a layer above it. */
export class Layer {
  readonly root: string;
  readonly #upper: string;

  constructor(cleanup: Cleanup) {
    const folder = scratchDirectory(cleanup, "container");
    this.root = join(folder, "root");
    this.#upper = join(folder, "layer", "upper");
    mkdirSync(this.root);
    mkdirSync(join(folder, "layer"));
    this.#mount(cleanup, join(folder, "layer"), ["-t", "tmpfs", "-o", LAYER, "tmpfs"]);
    mkdirSync(this.#upper);
    mkdirSync(join(folder, "layer", "work"));
    const layers = `lowerdir=/,upperdir=${this.#upper},workdir=${join(folder, "layer", "work")}`;
    this.#mount(cleanup, this.root, ["-t", "overlay", "-o", layers, "overlay"]);
    // what a test run puts there so that packages start nothing on this machine
    rmSync(join(this.root, "usr/sbin/policy-rc.d"), { force: true });
  }

  #mount(cleanup: Cleanup, place: string, words: readonly string[]): void {
    command(["mount", ...words, place]);
    cleanup.add(`unmount ${place}`, () => attempt(["umount", "--lazy", place]));
  }

  /** Shows a folder of this machine inside. */
  show(cleanup: Cleanup, folder: string, place: string): void {
    const inside = join(this.root, place);
    mkdirSync(inside, { recursive: true });
    this.#mount(cleanup, inside, ["--bind", folder]);
  }

  /** Runs a program with the layer as its root, without a systemd. */
  chroot(argv: readonly string[]): CommandResult {
    return attempt(["chroot", this.root, ...argv], "", COMMAND_MS);
  }

  /** Every file that was written, or removed, since the beginning; without a leading slash. */
  changes(): string[] {
    return readdirSync(this.#upper, { recursive: true, encoding: "utf8" }).sort();
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }
}

export class Container {
  #process: LabProcess | undefined;

  private constructor(
    readonly layer: Layer,
    private readonly folder: string,
    private readonly cleanup: Cleanup,
  ) {}

  /** Boots, with no other services than systemd's own; `folder` of this machine is seen as `/packages`. */
  static async boot(cleanup: Cleanup, folder: string): Promise<Container> {
    const layer = new Layer(cleanup);
    const units = join(layer.root, "etc/systemd/system");
    for (const name of readdirSync(units)) {
      if (name.endsWith(".wants")) rmSync(join(units, name), { recursive: true });
    }
    rmSync(join(units, "default.target"), { force: true });
    symlinkSync("/lib/systemd/system/multi-user.target", join(units, "default.target"));
    const container = new Container(layer, folder, cleanup);
    await container.#start();
    return container;
  }

  async #start(): Promise<void> {
    const options = ["--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"];
    await launch(
      [
        "systemd-nspawn",
        ...options,
        `--machine=farsite-${process.pid}`,
        `--bind-ro=${this.folder}:/packages`,
        "--boot",
        `--directory=${this.layer.root}`,
      ],
      {
        label: "the container",
        ready: (child) => {
          this.#process = child;
          return this.#isUp();
        },
        readyWithinMs: BOOT_MS,
        cleanup: this.cleanup,
      },
    );
  }

  /** The systemd of the container: the child of nspawn. */
  get #init(): string {
    const pid = this.#process?.pid;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] ?? "";
  }

  #isUp(): boolean {
    const state = this.attempt(["systemctl", "is-system-running"]).stdout.trim();
    return ["running", "degraded"].includes(state);
  }

  /** Runs a short command inside; the judgement is the caller's. */
  attempt(argv: readonly string[], input = ""): CommandResult {
    const inside = ["nsenter", "-t", this.#init, "-m", "-u", "-i", "-n", "-p", "-C", "--"];
    return attempt([...inside, ...argv], input, COMMAND_MS);
  }

  /** Runs lines of shell inside and gives what they printed; throws when one fails. */
  sh(lines: string, input = ""): string {
    const done = this.attempt(["sh", "-ec", lines], input);
    if (!done.ok) throw new Error(`${lines}: ${done.stderr.trim() || done.stdout.trim() || "failed"}`);
    return done.stdout.trim();
  }

  /** Its systemd goes down in order; then it boots again, with everything that was written. */
  async reboot(): Promise<void> {
    this.attempt(["systemctl", "reboot"]);
    await this.#process?.exited; // nspawn leaves the second boot to whoever runs it
    await this.#start();
  }
}
