/** All of the API. */

import { z } from "zod";
import type { Clock } from "../../../common/clock.ts";
import type { WebApp } from "../site/index.ts";
import { auditRoutes } from "./audit.ts";
import { checkmkRoutes } from "./checkmk.ts";
import { commandRoutes } from "./commands.ts";
import { historyRoutes } from "./history.ts";
import { hubRoutes } from "./hub.ts";
import { meRoutes } from "./me.ts";
import { problemRoutes } from "./problems.ts";
import { queryRoutes } from "./query.ts";
import { documentOf, Pace, type Route, route, serveRoutes } from "./route/index.ts";
import { siteRoutes } from "./sites.ts";
import { tenantRoutes } from "./tenants.ts";
import { tokenRoutes } from "./tokens.ts";
import { userRoutes } from "./users.ts";

/** Where it is mounted. */
const BASE = "/api/v1";

export interface ApiOptions {
  clock: Clock;
  pace?: Pace;
}

export function apiApp({ clock, pace = new Pace(clock) }: ApiOptions): WebApp {
  // behind the login as all else: whoever has none has no use for it
  const document = route({
    method: "get",
    path: "/openapi.json",
    id: "getDocument",
    tag: "api",
    summary: "This description of the API",
    answer: z.record(z.string(), z.unknown()),
    handle: async () => described() as unknown as Record<string, unknown>,
  });
  const routes: Route[] = [
    ...meRoutes,
    ...tenantRoutes,
    ...siteRoutes,
    ...historyRoutes,
    ...problemRoutes,
    ...commandRoutes,
    ...queryRoutes,
    ...auditRoutes,
    ...userRoutes,
    ...tokenRoutes,
    ...hubRoutes,
    ...checkmkRoutes,
    document,
  ];
  // made when first asked for, and then kept: it is always the same
  let made: ReturnType<typeof documentOf> | undefined;
  const described = () => {
    made ??= documentOf(routes, BASE);
    return made;
  };
  return serveRoutes(routes, BASE, pace);
}
