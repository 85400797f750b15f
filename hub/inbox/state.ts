/** What a box must remember beyond its queue: what was received and landed, in one small file. */
import { join } from "node:path";
import { z } from "zod";
import type { Disk } from "../../common/disk.ts";
import { reasonOf } from "../../common/errors.ts";

/** Epochs of an agent whose numbers are remembered: it goes through them one after the other. */
const MOST_EPOCHS = 64;
/** Refusals that are said again until the agent has dealt with them; it has no more than that under way. */
const MOST_REFUSALS = 256;

const sequence = z.int().min(0);
const boxState = z.object({
  version: z.literal(1),
  /** The highest sequence number that was ever given. */
  given: sequence,
  /** The highest number received, by epoch; the newest epoch last. */
  epochs: z.array(z.object({ id: z.string(), received: sequence })),
  refused: z.array(z.object({ epoch: z.string(), number: sequence, reason: z.string() })),
  sinks: z.record(
    z.string(),
    z.object({
      /** Everything up to here has landed. */
      landed: sequence,
      /** What is staged and about to land, or has: up to which sequence number, and where. */
      landing: z.object({ to: sequence, place: z.string() }).optional(),
    }),
  ),
});
type Contents = z.output<typeof boxState>;
export type SinkPosition = Contents["sinks"][string];

const FILE = "state.json";

export class BoxState {
  #saving: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #saved: string;

  private constructor(
    private readonly disk: Disk,
    private readonly directory: string,
    private readonly contents: Contents,
  ) {
    this.#saved = JSON.stringify(contents);
  }

  /** @param damaged called when the file cannot be read: then everything in the queue counts as not landed */
  static async open(disk: Disk, directory: string, damaged: (reason: string) => void): Promise<BoxState> {
    const fresh: Contents = { version: 1, given: 0, epochs: [], refused: [], sinks: {} };
    const path = join(directory, FILE);
    if (!(await disk.exists(path))) return new BoxState(disk, directory, fresh);
    try {
      const { size } = await disk.head(path, 0);
      const { bytes } = await disk.head(path, size);
      return new BoxState(disk, directory, boxState.parse(JSON.parse(bytes.toString("utf8"))));
    } catch (error) {
      damaged(reasonOf(error));
      return new BoxState(disk, directory, fresh);
    }
  }

  get given(): number {
    return this.contents.given;
  }

  received(epoch: string): number {
    return this.contents.epochs.find(({ id }) => id === epoch)?.received ?? 0;
  }

  /** A number of an epoch was received, and got this sequence number, or was refused. */
  receive(epoch: string, number: number, given: number): void {
    const { epochs } = this.contents;
    this.contents.given = Math.max(this.contents.given, given);
    const known = epochs.find(({ id }) => id === epoch);
    if (known) known.received = Math.max(known.received, number);
    else epochs.push({ id: epoch, received: number });
    if (epochs.length > MOST_EPOCHS) epochs.shift();
  }

  refuse(epoch: string, number: number, reason: string): void {
    const { refused } = this.contents;
    refused.push({ epoch, number, reason });
    if (refused.length > MOST_REFUSALS) refused.shift();
  }

  /** Refusals that an agent may not have heard of, which still has everything of an epoch from `first` on. */
  refusals(epoch: string, first: number): { number: number; reason: string }[] {
    this.contents.refused = this.contents.refused.filter(
      (each) => each.epoch === epoch && each.number >= first,
    );
    return this.contents.refused;
  }

  sink(name: string): SinkPosition {
    const known = Object.hasOwn(this.contents.sinks, name) ? this.contents.sinks[name] : undefined;
    const position = known ?? { landed: 0 };
    this.contents.sinks[name] = position;
    return position;
  }

  /** Resolves when everything that is known now would survive a power cut. */
  save(): Promise<void> {
    if (!this.#saving) {
      this.#saving = this.#write().finally(() => {
        this.#saving = undefined;
      });
      return this.#saving;
    }
    // one that has begun may not have everything in it; those that come meanwhile share the next
    this.#waiting ??= this.#saving
      .catch(() => {})
      .then(() => {
        this.#waiting = undefined;
        return this.save();
      });
    return this.#waiting;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.contents);
    if (text === this.#saved) return;
    const path = join(this.directory, FILE);
    await this.disk.write(`${path}.new`, [Buffer.from(text)]);
    await this.disk.rename(`${path}.new`, path);
    await this.disk.sync(this.directory);
    this.#saved = text;
  }
}
