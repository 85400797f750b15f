/** All of the web interface, as the hub serves it and as the tests walk it. */

import { Hono } from "hono";
import type { Clock } from "../../common/clock.ts";
import { demand } from "../access/index.ts";
import { apiApp } from "./api/index.ts";
import { loadAssets } from "./assets/index.ts";
import { eventsApp, Feeds } from "./events/index.ts";
import { pagesApp, pagesLook } from "./pages/index.ts";
import { reachOf, type SiteOptions, siteApp, type WebApp, type WebEnv } from "./site/index.ts";

export interface WebAppOptions extends Omit<SiteOptions, "mounts" | "look"> {
  clock: Clock;
  /** Names of the services that sites can have. */
  services: readonly string[];
  /** `/metrics`, which only who may know of all tenants gets to see. */
  metrics?: Hono;
  /** `/healthz` and `/readyz`, for everybody. */
  health?: Hono;
}

/** Resolves when scripts and styles are there, which a hub that runs from its sources makes first. */
export async function webApp({ clock, services, metrics, health, ...site }: WebAppOptions): Promise<WebApp> {
  const assets = await loadAssets();
  const feeds = new Feeds({ clock, random: site.random, log: site.log });
  const pages = pagesApp({ assets, feeds, services, wall: () => clock.wall() });
  return siteApp({
    ...site,
    look: pagesLook({ assets }),
    mounts: {
      pages,
      api: apiApp({ clock }),
      events: eventsApp({ feeds, clock }),
      ...(metrics && { metrics: forOperators(metrics) }),
      ...(health && { health: new Hono<WebEnv>().route("/", health) }),
    },
  });
}

/** What is about the hub as a whole: with the right `hub`. */
function forOperators(inner: Hono): WebApp {
  const app = new Hono<WebEnv>();
  app.use((context, next) => {
    demand(reachOf(context).principal, "hub");
    return next();
  });
  return app.route("/", inner);
}
