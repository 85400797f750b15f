/** A hub that is of a newer release than this agent: nothing updates itself here, so somebody should know. */
import type { Log } from "../../common/log.ts";
import { isOlder } from "../../common/release.ts";

export class ReleaseNotice {
  #noted: string | undefined;

  /** @param own this agent's release */
  constructor(
    private readonly own: string,
    private readonly log: Pick<Log, "info">,
  ) {}

  /** Says it once for each release of the hub. */
  note(hub: string): void {
    if (hub === this.#noted || !isOlder(this.own, hub)) return;
    this.#noted = hub;
    this.log.info("update available: the hub is of a newer release", { agent: this.own, hub });
  }
}
