/** What was refused of what agents' outboxes send: counted, and told once a second for each lane of a site. */

import type { Clock } from "../../common/clock.ts";
import { Notices } from "../../common/notices.ts";
import type { Sender } from "./letter/index.ts";

export interface RefusalsOptions {
  clock: Clock;
  /** @param untold refusals before this one that were too many to be told one by one */
  tell: (sender: Sender, lane: string, reason: string, untold: number) => void;
}

/** Refusals that are told one by one after a pause. */
const TOLD_AT_ONCE = 10;

export class Refusals {
  /** Since the hub's start. */
  count = 0;
  /** By site and lane; the lanes are the hub's own. */
  readonly #notices = new Map<string, Map<string, Notices>>();

  constructor(private readonly options: RefusalsOptions) {}

  note(sender: Sender, lane: string, reason: string): void {
    this.count++;
    const site = `${sender.tenant}/${sender.site}`;
    const lanes = this.#notices.get(site) ?? new Map<string, Notices>();
    this.#notices.set(site, lanes);
    const notices = lanes.get(lane) ?? new Notices(this.options.clock, TOLD_AT_ONCE);
    lanes.set(lane, notices);
    notices.note((untold) => this.options.tell(sender, lane, reason, untold));
  }

  /** A site needs nothing before it comes. */
  offer(): void {}

  /** It is gone for good. */
  forget({ tenant, name }: { tenant: string; name: string }): void {
    this.#notices.delete(`${tenant}/${name}`);
  }
}
