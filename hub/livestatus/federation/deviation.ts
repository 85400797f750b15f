/**
 * How a site's core computes standard deviations. Checkmk divides by the number of rows (the deviation of a
 * population); Icinga 2, Naemon and the first MK Livestatus by one less (of a sample).
 */

import type { Clock } from "../../../common/clock.ts";
import type { Peer } from "./peer.ts";
import type { Deviation } from "./stats.ts";
import type { Row } from "./value.ts";

export const STATUS_REQUEST = Buffer.from(
  "GET status\nColumns: livestatus_version program_version\nOutputFormat: json\nResponseHeader: fixed16\n\n",
);

/** ms after which a core is asked again: it may have been replaced. */
const KEPT = 300_000;

export class Deviations {
  readonly #known = new Map<number, { deviation: Deviation; until: number }>();

  constructor(private readonly clock: Clock) {}

  of(peer: Peer): Deviation | undefined {
    const known = this.#known.get(peer.id);
    return known && known.until > this.clock.now() ? known.deviation : undefined;
  }

  /** @param versions the row of the answer to STATUS_REQUEST */
  learn(peer: Peer, versions: Row): Deviation {
    const deviation = deviationOf(versions);
    this.#known.set(peer.id, { deviation, until: this.clock.now() + KEPT });
    return deviation;
  }

  forget(siteId: number): void {
    this.#known.delete(siteId);
  }
}

/** Checkmk's releases since 2.0 are numbered so; its Livestatus has the release's number. */
function deviationOf([livestatus, program]: Row): Deviation {
  if (/icinga|naemon/i.test(`${livestatus} ${program}`)) return "sample";
  return /^(?:[2-9]|\d{2,})\.\d/.test(String(livestatus)) || /^Check_MK/.test(String(program))
    ? "population"
    : "sample";
}
