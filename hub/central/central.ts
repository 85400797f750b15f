/** The central side's lines for sites: what agents open towards the hub ends here. */

import type { Drainable } from "../../common/drain.ts";
import type { Stream } from "../../common/mux/index.ts";
import { allows, type CentralLine } from "./line.ts";
import { type LineState, SiteLines, type SiteLinesOptions } from "./site-lines.ts";

/** A site as this folder knows it. */
export interface CentralSite {
  id: number;
  tenant: string;
  name: string;
  address: string;
}

export interface CentralOptions extends Omit<SiteLinesOptions, "site" | "lines"> {
  /** All that hub.toml has, by name. */
  lines: Readonly<Record<string, CentralLine>>;
}

export class Central implements Drainable {
  readonly #sites = new Map<number, SiteLines>();
  #draining = false;

  #lines: CentralOptions["lines"];

  constructor(private readonly options: CentralOptions) {
    this.#lines = options.lines;
  }

  /**
   * Takes a stream that a site's agent opened.
   * @param listens what the agent listens for, by name; what it does not name is connections
   */
  accept(
    caller: { site: CentralSite; listens: Readonly<Record<string, "tcp" | "udp">> },
    stream: Stream,
  ): void {
    if (this.#draining) return stream.reset("limit");
    const datagrams = caller.listens[stream.service] === "udp";
    this.#linesOf(caller.site).accept(stream, datagrams);
  }

  /** What a site may use, and does. */
  states(site: CentralSite): LineState[] {
    return this.#linesOf(site).states;
  }

  #linesOf(site: CentralSite): SiteLines {
    let known = this.#sites.get(site.id);
    if (!known) {
      known = new SiteLines({ ...this.options, site, lines: this.#linesFor(site) });
      this.#sites.set(site.id, known);
    }
    return known;
  }

  #linesFor(site: CentralSite): ReadonlyMap<string, CentralLine> {
    return new Map(Object.entries(this.#lines).filter(([, line]) => allows(line, site)));
  }

  /** Other lines; streams of those that a site may use no more are ended. */
  reconfigure(lines: CentralOptions["lines"]): void {
    this.#lines = lines;
    for (const known of this.#sites.values()) known.reconfigure(this.#linesFor(known.site));
  }

  drain(): void {
    this.#draining = true;
  }

  get underWay(): number {
    return [...this.#sites.values()].reduce((sum, lines) => sum + lines.underWay, 0);
  }

  /** A site needs nothing before it comes. */
  offer(): void {}

  /** It is gone for good; its streams ended with its session. */
  forget({ id }: { id: number }): void {
    this.#sites.delete(id);
  }
}
