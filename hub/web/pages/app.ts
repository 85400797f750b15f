/** All pages. */

import { Hono } from "hono";
import { ASSETS_PATH } from "../assets/index.ts";
import type { WebApp, WebEnv } from "../site/index.ts";
import { addAbout } from "./about/index.ts";
import { addAccount } from "./account/index.ts";
import { addAdd } from "./add/index.ts";
import { addAudit } from "./audit/index.ts";
import type { PageParts } from "./frame/index.ts";
import { addOverview } from "./overview/index.ts";
import { packed } from "./packed.ts";
import { addProblems } from "./problems/index.ts";
import { addSitePage } from "./site/index.ts";
import { addUsers } from "./users/index.ts";

export function pagesApp(parts: PageParts): WebApp {
  const app = new Hono<WebEnv>();
  app.route(ASSETS_PATH, parts.assets.app);
  app.use(packed);
  addOverview(app, parts);
  addProblems(app, parts);
  addSitePage(app, parts);
  addAdd(app, parts);
  addAudit(app, parts);
  addUsers(app, parts);
  addAccount(app, parts);
  addAbout(app, parts);
  return app;
}
