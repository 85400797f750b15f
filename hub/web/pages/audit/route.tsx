/** @jsxImportSource hono/jsx */
/** `GET /audit`. */

import { reachOf, type WebApp } from "../../site/index.ts";
import { frameOf, type PageParts, queryOf, show } from "../frame/index.ts";
import { auditChoice, PERIODS } from "./choice.ts";
import { Audit } from "./page.tsx";

export function addAudit(app: WebApp, parts: PageParts): void {
  app.get("/audit", async (context) => {
    const reach = reachOf(context);
    const choice = queryOf(context, auditChoice);
    const { tenant, site, action, period, limit } = choice;
    const { ms } = PERIODS[period];
    const records = await reach.audit({
      ...(tenant !== "" && { tenant }),
      ...(site.trim() !== "" && { site: site.trim() }),
      ...(action.trim() !== "" && { action: action.trim() }),
      ...(ms !== undefined && { since: parts.wall() - ms }),
      limit,
    });
    const tenants = (await reach.tenants()).map(({ name }) => name);
    return show(
      context,
      <Audit frame={frameOf(context, parts)} view={{ records: records.toReversed(), choice, tenants }} />,
    );
  });
}
