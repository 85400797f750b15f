/** All of the web interface, as the hub serves it and as the tests walk it. */

import { type SiteOptions, siteApp, type WebApp } from "./site/index.ts";

export function webApp(options: Omit<SiteOptions, "mounts">): WebApp {
  return siteApp({ ...options, mounts: {} });
}
