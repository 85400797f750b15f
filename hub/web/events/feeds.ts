/** The feeds that are in use: one for all who may see the same. */
import { hex } from "../../../common/bytes.ts";
import type { Clock, Timer } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import type { Random } from "../../../common/random.ts";
import type { SiteRow } from "../view/index.ts";
import { Feed } from "./feed.ts";
import type { FeedReach } from "./reach.ts";

export interface FeedsOptions {
  clock: Clock;
  random: Random;
  log: Log;
}

/** ms for which a feed that nobody reads is kept: a page that was just made is about to read it. */
const LINGER = 60_000;
const EPOCH_BYTES = 6;

export class Feeds {
  readonly #feeds = new Map<string, { feed: Feed; end: Timer | undefined }>();

  constructor(private readonly options: FeedsOptions) {}

  /** What `reach` sees, kept for at least a minute from now on. */
  of(reach: FeedReach): Feed {
    const scope = scopeOf(reach);
    const known = this.#feeds.get(scope) ?? { feed: this.#make(), end: undefined };
    this.#feeds.set(scope, known);
    known.end?.cancel();
    known.end = this.options.clock.after(LINGER, () => this.#end(scope));
    return known.feed;
  }

  page(reach: FeedReach): Promise<{ rows: SiteRow[]; cursor: string }> {
    return this.of(reach).page(reach);
  }

  get size(): number {
    return this.#feeds.size;
  }

  #make(): Feed {
    const { clock, random, log } = this.options;
    return new Feed({
      clock,
      epoch: hex(random.bytes(EPOCH_BYTES)),
      failed: (error) => log.warn("the sites cannot be looked at for open pages", { fault: reasonOf(error) }),
    });
  }

  #end(scope: string): void {
    const known = this.#feeds.get(scope);
    if (!known) return;
    if (known.feed.readers === 0) this.#feeds.delete(scope);
    else known.end = this.options.clock.after(LINGER, () => this.#end(scope));
  }
}

/** The same for all who see the same sites, and the same of each. */
function scopeOf(reach: FeedReach): string {
  const { tenants } = reach.principal;
  return JSON.stringify([reach.has("hub"), tenants === "all" ? "all" : tenants.toSorted()]);
}
