/** @jsxImportSource hono/jsx */
/** `/sites/TENANT/SITE`, what is plotted there, and what is done to the site. */

import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import { reachOf, type WebApp } from "../../site/index.ts";
import { TokenPage } from "../add/index.ts";
import { formOf, frameOf, listed, type PageParts, show, sitePath } from "../frame/index.ts";
import { SitePage } from "./page.tsx";
import { sitePageView } from "./view.ts";

const LONGEST_NAME = 200;
const confirmForm = z.object({ confirm: z.string().max(LONGEST_NAME) });
const servicesForm = z.object({ service: listed });
const SITE = "/sites/:tenant/:site";

export function addSitePage(app: WebApp, parts: PageParts): void {
  app.get(SITE, async (context) => {
    const { tenant, site } = context.req.param();
    const view = await sitePageView(reachOf(context), tenant, site);
    const { services } = parts;
    return show(
      context,
      <SitePage frame={frameOf(context, parts)} view={view} services={services} now={parts.wall()} />,
    );
  });

  app.get(`${SITE}/history.json`, async (context) => {
    const { tenant, site } = context.req.param();
    const past = await reachOf(context).history(tenant, site);
    if (!past.series) throw new FarsiteError("E_NOT_FOUND", "there is nothing at this address");
    return context.json(past.series);
  });

  app.post(`${SITE}/services`, async (context) => {
    const { tenant, site } = context.req.param();
    const { service } = await formOf(context, servicesForm);
    await reachOf(context).setServices(tenant, site, service);
    return context.redirect(sitePath(tenant, site), 303);
  });

  app.post(`${SITE}/token`, async (context) => {
    const { tenant, site } = context.req.param();
    const reach = reachOf(context);
    const made = await reach.issueToken(tenant, site);
    const [{ url }, details] = await Promise.all([reach.status(), reach.site(tenant, site)]);
    return show(
      context,
      <TokenPage frame={frameOf(context, parts)} made={made} site={details} url={url} now={parts.wall()} />,
    );
  });

  for (const [verb, enabled] of [
    ["enable", true],
    ["disable", false],
  ] as const) {
    app.post(`${SITE}/${verb}`, async (context) => {
      const { tenant, site } = context.req.param();
      await reachOf(context).setEnabled(tenant, site, enabled);
      return context.redirect(sitePath(tenant, site), 303);
    });
  }

  app.post(`${SITE}/revoke`, async (context) => {
    const { tenant, site } = context.req.param();
    const reach = reachOf(context);
    confirmed(await formOf(context, confirmForm), site);
    await reach.revoke(tenant, site);
    return context.redirect(sitePath(tenant, site), 303);
  });

  app.post(`${SITE}/remove`, async (context) => {
    const { tenant, site } = context.req.param();
    confirmed(await formOf(context, confirmForm), site);
    await reachOf(context).removeSite(tenant, site);
    return context.redirect("/", 303);
  });
}

function confirmed({ confirm }: z.output<typeof confirmForm>, site: string): void {
  if (confirm.trim() === site) return;
  throw new FarsiteError(
    "E_REQUEST",
    "the name that was typed is not that of the site",
    "Go back and type it exactly.",
  );
}
