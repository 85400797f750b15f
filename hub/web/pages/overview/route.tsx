/** @jsxImportSource hono/jsx */
/** `GET /`. */

import { reachOf, type WebApp } from "../../site/index.ts";
import { frameOf, type PageParts, queryOf, show } from "../frame/index.ts";
import { overviewChoice } from "./choice.ts";
import { Overview } from "./page.tsx";

export function addOverview(app: WebApp, parts: PageParts): void {
  app.get("/", async (context) => {
    const choice = queryOf(context, overviewChoice);
    const { rows, cursor } = await parts.feeds.page(reachOf(context));
    const view = { rows, cursor, choice, now: parts.wall() };
    return show(context, <Overview frame={frameOf(context, parts)} view={view} />);
  });
}
