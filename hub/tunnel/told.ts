/** What a site's agent says of itself beside all streams, in one session. */
import type { Clock, Timer } from "../../common/clock.ts";
import { type CoreReport, coreControl, LIVESTATUS } from "../../common/core.ts";
import { controlKind, keyControl, type Listens, servicesControl } from "../../common/handshake/index.ts";
import { unpack } from "../../common/msgpack.ts";

/**
 * Reports on cores that one agent can make heard within a second; after more, the last one counts a second
 * later. An agent that keeps to its own limits sends three.
 */
const REPORTS_PER_SECOND = 10;

export interface ToldOptions {
  clock: Clock;
  /** It has said something else. */
  changed: () => void;
  /** It wants to come with another key from now on. */
  keyOffered: (publicKey: Uint8Array) => void;
}

export class Told {
  offers: string[] = [];
  listens: Listens = {};
  /** It lets no stream in. */
  pushOnly = false;
  core: CoreReport | undefined;
  /** It is about to stop. */
  stopping = false;
  /** Reports on cores within the second that `#reporting` counts. */
  #reports = 0;
  #reporting: Timer | undefined;

  constructor(private readonly options: ToldOptions) {}

  /** Takes a control message. Throws when it is not as agreed. */
  heard(body: Buffer): void {
    const { kind } = unpack(controlKind, body, "a control message");
    if (kind === "services") {
      const { names, listens, pushOnly } = unpack(servicesControl, body, "the agent's services");
      this.offers = names;
      this.listens = listens;
      this.pushOnly = pushOnly ?? false;
      // an agent that watches no core any more says nothing of it
      if (!pushOnly && !names.includes(LIVESTATUS)) this.core = undefined;
      this.options.changed();
    } else if (kind === "core") {
      const report = unpack(coreControl, body, "the agent's report on its core");
      // another core beside it is for a newer hub
      if (report.service === LIVESTATUS) this.#report(report);
    } else if (kind === "stopping") this.stopping = true;
    else if (kind === "key") {
      this.options.keyOffered(unpack(keyControl, body, "the agent's new key").next);
    }
  }

  /** Takes a report at once, unless there are too many of them: then the last one, a second later. */
  #report(report: CoreReport): void {
    const { clock, changed } = this.options;
    this.core = report;
    this.#reporting ??= clock.after(1000, () => {
      const late = this.#reports > REPORTS_PER_SECOND;
      this.#reporting = undefined;
      this.#reports = 0;
      if (late) changed();
    });
    if (++this.#reports <= REPORTS_PER_SECOND) changed();
  }

  /** The session is over. */
  end(): void {
    this.#reporting?.cancel();
  }
}
