/** One site by itself: what the hub asks and tells its core on its own account, through the same gate as any client. */

import type { Clock } from "../../../common/clock.ts";
import { Refusal, type Request, RequestReader } from "../../../common/livestatus/index.ts";
import type { AnswerEvents, Answering, GatedSite, Question } from "../index.ts";
import { SiteAnswer } from "./answer.ts";
import type { Memory } from "./memory.ts";
import type { Row } from "./value.ts";

export interface OneSiteOptions {
  verdict: (site: GatedSite, request: Request, client: string) => Refusal | undefined;
  asking: (site: GatedSite, client: string, question: Question, events: AnswerEvents) => Answering;
  memory: Memory;
  clock: Clock;
}

export interface Wanted {
  /** A GET with its headers, one a line, but for those that say how it is answered. */
  text: string;
  /** Bytes of an answer. */
  largest: number;
  /** ms until it must be there. */
  within: number;
}

const FORM = "OutputFormat: json\nResponseHeader: fixed16\n\n";

export class OneSite {
  constructor(private readonly options: OneSiteOptions) {}

  /**
   * Resolves with all rows of an answer. Rejects with a Refusal.
   * @param who asks, for the turns of the site's channels and for the audit
   */
  rows(site: GatedSite, who: string, { text, largest, within }: Wanted): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      const bytes = Buffer.from(`${text}\n${FORM}`);
      const refusal = this.#verdict(site, who, bytes);
      if (refusal) return reject(refusal);
      const { asking, memory, clock } = this.options;
      const share = memory.share();
      const rows: Row[] = [];
      let left = largest;
      const end = (failure: Refusal | undefined) => {
        timer.cancel();
        share.close();
        if (failure) reject(failure);
        else resolve(rows);
      };
      const answer = new SiteAnswer({
        ask: (question, events) => asking(site, who, question, events),
        request: bytes,
        wait: 0,
        memory: share,
        rows: (more, length) => {
          left -= length;
          if (left < 0) throw new Refusal(413, `its answer is larger than ${largest} bytes`);
          if (!share.take(length)) throw new Refusal(413, "the hub's memory for queries is used up");
          rows.push(...more);
        },
        paused: () => false,
        over: end,
      });
      const timer = clock.after(within, () => {
        answer.cancel();
        end(new Refusal(502, `the site did not answer within ${Math.round(within / 1_000)} s`));
      });
      answer.start();
    });
  }

  /**
   * Gives a core one command: `[TIME] NAME;ARGUMENTS`. Resolves when it has been taken, which is all that a core ever
   * says of it. Rejects with a Refusal; it may have arrived all the same, unless the code is 403 or 429.
   */
  tell(site: GatedSite, who: string, command: string, within: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = Buffer.from(`COMMAND ${command}\n\n`);
      const refusal = this.#verdict(site, who, bytes);
      if (refusal) return reject(refusal);
      const end = (failure: Refusal | undefined) => {
        timer.cancel();
        if (failure) reject(failure);
        else resolve();
      };
      const question = { bytes: [bytes], fixed16: false, halfClose: true, wait: 0 };
      const answering = this.options.asking(site, who, question, {
        data: (chunk) => answering.consumed(chunk.length),
        whole: () => end(undefined),
        cut: () => end(undefined),
        failed: end,
      });
      const timer = this.options.clock.after(within, () => {
        answering.cancel();
        end(new Refusal(502, `the site did not take it within ${Math.round(within / 1_000)} s`));
      });
      answering.start();
    });
  }

  /** What is sent is read as the hub reads any client's request: so no text can be two of them. */
  #verdict(site: GatedSite, who: string, bytes: Buffer): Refusal | undefined {
    const reader = new RequestReader({ longest: bytes.length });
    reader.push(bytes);
    const request = reader.next();
    if (request instanceof Refusal) return request;
    if (!request || reader.next()) return new Refusal(400, "it is not one request");
    return this.options.verdict(site, request, who);
  }
}
