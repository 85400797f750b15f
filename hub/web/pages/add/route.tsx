/** @jsxImportSource hono/jsx */
/** `/add`: a new site. */

import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import type { Reach } from "../../../access/index.ts";
import type { NewToken } from "../../../hub.ts";
import { reachOf, type WebApp } from "../../site/index.ts";
import { formOf, frameOf, listed, type PageParts, show, wrongOf } from "../frame/index.ts";
import { AddPage, TokenPage } from "./page.tsx";

const LONGEST_NAME = 200;
const name = z.string().trim().min(1).max(LONGEST_NAME);
const siteForm = z.object({ tenant: name, name, service: listed });
type SiteForm = z.output<typeof siteForm>;

export function addAdd(app: WebApp, parts: PageParts): void {
  app.get("/add", async (context) => {
    const reach = reachOf(context);
    forAdministrators(reach);
    const tenants = (await reach.tenants()).map(({ name }) => name);
    return show(
      context,
      <AddPage frame={frameOf(context, parts)} tenants={tenants} services={parts.services} />,
    );
  });

  app.post("/add", async (context) => {
    const reach = reachOf(context);
    forAdministrators(reach);
    const form = await formOf(context, siteForm);
    let made: NewToken | undefined;
    const wrong = await wrongOf(async () => {
      made = await add(reach, form);
    });
    if (made) {
      const [{ url }, site] = await Promise.all([reach.status(), reach.site(made.tenant, made.site)]);
      return show(
        context,
        <TokenPage frame={frameOf(context, parts)} made={made} site={site} url={url} now={parts.wall()} />,
      );
    }
    const tenants = (await reach.tenants()).map(({ name }) => name);
    const filled = { ...form, services: form.service };
    const frame = frameOf(context, parts);
    return show(
      context,
      <AddPage frame={frame} tenants={tenants} services={parts.services} filled={filled} wrong={wrong} />,
      409,
    );
  });
}

async function add(reach: Reach, { tenant, name, service }: SiteForm): Promise<NewToken> {
  const known = (await reach.tenants()).some((each) => each.name === tenant);
  if (!known) await reach.addTenant(tenant);
  return reach.addSite(tenant, name, service);
}

/** The form is of no use to others. Throws E_FORBIDDEN. */
function forAdministrators(reach: Reach): void {
  if (reach.has("registry")) return;
  throw new FarsiteError(
    "E_FORBIDDEN",
    `the role ${reach.principal.role} may not add sites`,
    "Ask an administrator.",
  );
}
