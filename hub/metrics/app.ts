/** The routes: `/metrics`, and `/healthz` and `/readyz`. Who may ask is decided where they are mounted. */

import { Hono } from "hono";
import type { Clock } from "../../common/clock.ts";
import { CONTENT_TYPE, exposition } from "./exposition.ts";
import type { Health } from "./health.ts";
import { hubFamilies } from "./hub-families.ts";
import { processFamilies } from "./process-families.ts";
import { type Labels, labelledFamilies } from "./site-families.ts";
import type { Sources } from "./sources.ts";

export interface MetricsOptions {
  sources: Sources;
  /** Without it nothing is told of tenants and sites. */
  labels?: Labels;
  clock: Clock;
}

/** ms for which what was gathered is given again: who asks all the time must not cost more than who asks now and then. */
const FRESH = 1_000;
const NEVER_KEPT = { "cache-control": "no-store" };

/** What `GET /metrics` answers, wherever it is mounted. With labels it is for those alone who may know of all tenants. */
export function metricsApp({ sources, labels = "none", clock }: MetricsOptions): Hono {
  let text = "";
  let at = Number.NEGATIVE_INFINITY;
  const app = new Hono();
  app.get("/", (context) => {
    if (clock.now() - at >= FRESH) {
      text = exposition([
        ...hubFamilies(sources),
        ...labelledFamilies(sources, labels),
        ...processFamilies(sources.started),
      ]);
      at = clock.now();
    }
    return context.body(text, 200, { ...NEVER_KEPT, "content-type": CONTENT_TYPE });
  });
  return app;
}

/** `GET /healthz` and `GET /readyz`: `ok` with 200, or `not ok` with 503, and nothing else. */
export function healthApp(health: Pick<Health, "ready">): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => context.text("ok\n", 200, NEVER_KEPT));
  app.get("/readyz", async (context) =>
    (await health.ready())
      ? context.text("ok\n", 200, NEVER_KEPT)
      : context.text("not ok\n", 503, NEVER_KEPT),
  );
  return app;
}
