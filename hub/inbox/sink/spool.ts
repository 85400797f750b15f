/** A central site's spool folder: files that its notification spooler takes away. */
import { join } from "node:path";
import { Breather } from "../../../common/breather.ts";
import type { Clock } from "../../../common/clock.ts";
import { type Disk, isMissing } from "../../../common/disk.ts";
import type { Letter } from "../letter/index.ts";
import type { ExactSteps, Rejected, Sink } from "./sink.ts";

export interface SpoolOptions {
  name: string;
  folder: string;
  disk: Disk;
  /** What a file of the folder holds. */
  contents: (letter: Letter) => Buffer;
  clock: Clock;
}

/** Whoever is in the folder's group may read it and take it away. */
const MODE = 0o660;
const BATCH = 64;

export class SpoolSink implements Sink {
  readonly withdraw: (ids: readonly string[]) => Promise<void>;
  readonly kind = "spool";
  readonly batch = BATCH;
  readonly exact: ExactSteps;
  readonly name: string;

  constructor({ name, folder, disk, contents, clock }: SpoolOptions) {
    this.name = name;
    this.withdraw = async (ids) => {
      for (const id of ids) await disk.remove(staged(folder, { id }));
    };
    this.exact = {
      place: folder,
      stage: async (letters) => {
        // the folder is somebody else's: where it is missing, the site is
        if (!(await disk.exists(folder))) throw new Error(`there is no folder ${folder}`);
        const files: [path: string, contents: Buffer][] = [];
        const breather = new Breather(clock);
        for (const letter of letters) {
          files.push([staged(folder, letter), contents(letter)]);
          await breather.breathe();
        }
        const written = await Promise.allSettled(
          files.map(([path, bytes]) => disk.write(path, [bytes], MODE)),
        );
        const failed = written.find(({ status }) => status === "rejected");
        if (failed?.status === "rejected") throw failed.reason;
        await disk.sync(folder);
      },
      settle: async (letters, place) => {
        for (const letter of letters) {
          // what is not there any more has landed before
          await disk.rename(staged(place, letter), join(place, letter.id)).catch((error: unknown) => {
            if (!isMissing(error)) throw error;
          });
        }
        await disk.sync(place);
        return undefined;
      },
    };
  }

  land(): Promise<Rejected[]> {
    throw new Error("a spool folder is filled in steps");
  }
}

/** Checkmk takes no file whose name begins with a dot. */
function staged(folder: string, { id }: Pick<Letter, "id">): string {
  return join(folder, `.farsite-${id}`);
}
