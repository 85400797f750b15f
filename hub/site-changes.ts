/** Tells who wants to know that something about a site is different now. */

import { FarsiteError } from "../common/errors.ts";
import type { SiteObserver } from "./hub.ts";
import type { Site } from "./registry/index.ts";

export interface SiteChange {
  tenant: string;
  site: string;
  /** It is no more. */
  gone: boolean;
}

/** Listeners at once: open pages, mostly. */
const MOST_LISTENERS = 10_000;

export class SiteChanges implements SiteObserver {
  readonly #names = new Map<number, { tenant: string; site: string }>();
  readonly #listeners = new Set<(change: SiteChange) => void>();

  offer({ id, tenant, name }: Site): void {
    this.#names.set(id, { tenant, site: name });
    this.changed(id);
  }

  forget({ id, tenant, name }: Site): void {
    this.#names.delete(id);
    this.#tell({ tenant, site: name, gone: true });
  }

  /** May be called many times a second for one site: who listens puts changes together. */
  changed(siteId: number): void {
    const name = this.#names.get(siteId);
    if (name && this.#listeners.size > 0) this.#tell({ ...name, gone: false });
  }

  /** Returns how to stop it. Throws E_LIMIT. */
  watch(listener: (change: SiteChange) => void): () => void {
    if (this.#listeners.size >= MOST_LISTENERS)
      throw new FarsiteError("E_LIMIT", "too many pages are open at this hub");
    // of its own, should the same function be given twice
    const own = (change: SiteChange) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #tell(change: SiteChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
