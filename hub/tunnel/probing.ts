/** Answers agents that look at the line, with the site's key, and beside the site's session: `farsite-agent doctor`. */
import type { Clock } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { type Link, records } from "../../common/session/index.ts";

/** PROBE records answered on one carrier: with the longest ones 4 MiB each way. */
export const MOST_PROBES = 64;

export interface ProbingOptions {
  clock: Clock;
  /** ms for one carrier. */
  timeout: number;
}

export class Probing {
  /** By the site's id: one carrier each, so that a key cannot hold many. */
  readonly #open = new Map<number, Link>();

  constructor(private readonly options: ProbingOptions) {}

  /** Takes a carrier over whose first record is a PROBE; the site's former one ends. */
  serve(site: number, link: Link, first: Buffer): void {
    this.#open.get(site)?.fail(new FarsiteError("E_LIMIT", "the line is looked at anew"));
    this.#open.set(site, link);
    const { clock, timeout } = this.options;
    const timer = clock.after(timeout, () =>
      link.fail(new FarsiteError("E_HANDSHAKE_TIMEOUT", `it took longer than ${timeout / 1000} s`)),
    );
    let count = 0;
    const answer = (record: Buffer): void => {
      // the agent has seen enough
      if (record[0] === records.END) return link.fail(records.decodeEnd(record));
      if (record[0] !== records.PROBE || ++count > MOST_PROBES) {
        const error = new FarsiteError("E_PROTOCOL", `record of kind ${record[0]} among ${count} probes`);
        link.send(records.encodeEnd(error));
        return link.fail(error);
      }
      link.send(records.encodeProbe(records.PROBED, record.length, records.decodeProbe(record)));
    };
    link.attach({
      record: answer,
      drain() {},
      close: () => {
        timer.cancel();
        if (this.#open.get(site) === link) this.#open.delete(site);
      },
    });
    answer(first);
  }
}
