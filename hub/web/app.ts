/** All of the web interface, as the hub serves it and as the tests walk it. */

import type { Clock } from "../../common/clock.ts";
import { loadAssets } from "./assets/index.ts";
import { eventsApp, Feeds } from "./events/index.ts";
import { pagesApp, pagesLook } from "./pages/index.ts";
import { type SiteOptions, siteApp, type WebApp } from "./site/index.ts";

export interface WebAppOptions extends Omit<SiteOptions, "mounts" | "look"> {
  clock: Clock;
  /** Names of the services that sites can have. */
  services: readonly string[];
}

/** Resolves when scripts and styles are there, which a hub that runs from its sources makes first. */
export async function webApp({ clock, services, ...site }: WebAppOptions): Promise<WebApp> {
  const assets = await loadAssets();
  const feeds = new Feeds({ clock, random: site.random, log: site.log });
  const pages = pagesApp({ assets, feeds, services, wall: () => clock.wall() });
  return siteApp({
    ...site,
    look: pagesLook({ assets }),
    mounts: { pages, events: eventsApp({ feeds, clock }) },
  });
}
