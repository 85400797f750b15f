/** The admin socket: what the command line asks of the running hub. Whoever can open it is an administrator. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { ReloadReport } from "../../../common/config/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import type { Access } from "../../access/index.ts";
import type { ViewState } from "../../endpoint/index.ts";
import type { History } from "../../history/index.ts";
import type { Hub } from "../../hub.ts";
import type { View } from "../../livestatus/federation/index.ts";
import type { Problems } from "../../problems/index.ts";
import type { Actor, CentralConnections } from "../../registry/index.ts";
import type { ViewerState } from "../../viewer/index.ts";
import { accountsApp } from "./accounts.ts";
import { actorOf } from "./actor.ts";
import { auditApp } from "./audit.ts";
import { connectionsApp } from "./central-connections.ts";
import { problemsApp } from "./problems.ts";
import { queryApp } from "./query.ts";

/** In the run directory. */
export const ADMIN_SOCKET = "admin.sock";

const addTenant = z.strictObject({ name: z.string() });
const addSite = z.strictObject({ name: z.string(), services: z.array(z.string()).optional() });
const setServices = z.strictObject({ services: z.array(z.string()) });
const tokenRequest = z.strictObject({ minutes: z.number().min(1).max(10_080).optional() });

async function body<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await context.req.json().catch(() => undefined));
  if (!parsed.success) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
  return parsed.data;
}

const STATUS: Partial<Record<string, 400 | 404 | 409>> = {
  E_NOT_FOUND: 404,
  E_EXISTS: 409,
};

/** What answers for many sites at once. */
export interface ManySites {
  queries: (tenant: string | undefined) => View;
  views: { states(): ViewState[] };
  viewers: { states(): ViewerState[] };
}

/** What is observed of the sites. */
export interface Observed {
  problems: Problems;
  history: History;
}

/** Takes up a changed configuration. */
export interface Reloads {
  reload(actor: Actor): Promise<ReloadReport>;
  /** What that would do. */
  check(): Promise<ReloadReport>;
}

export function adminApp(
  hub: Hub,
  many?: ManySites,
  connections?: CentralConnections,
  access?: Access,
  observed?: Observed,
  reloads?: Reloads,
): Hono {
  const app = new Hono();

  app.onError((error, context) => {
    if (!(error instanceof FarsiteError)) {
      hub.log.error("admin request failed", { fault: String(error) });
      return context.json({ code: "E_INTERNAL", message: "the hub had a fault; see its log" }, 500);
    }
    return context.json(
      { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) },
      STATUS[error.code] ?? 400,
    );
  });

  app.notFound((context) =>
    context.json({ code: "E_NOT_FOUND", message: `the hub knows nothing at ${context.req.path}` }, 404),
  );

  app.get("/tenants", async (context) => context.json(await hub.registry.tenants()));
  app.post("/tenants", async (context) => {
    const { name } = await body(context, addTenant);
    await hub.registry.addTenant(actorOf(context), name);
    return context.json({ tenant: name }, 201);
  });
  app.delete("/tenants/:tenant", async (context) => {
    await hub.registry.removeTenant(actorOf(context), context.req.param("tenant"));
    return context.json({});
  });

  app.get("/sites", async (context) => context.json(await hub.siteViews(context.req.query("tenant"))));
  app.post("/tenants/:tenant/sites", async (context) => {
    const { name, services } = await body(context, addSite);
    return context.json(
      await hub.addSite(actorOf(context), context.req.param("tenant"), name, services),
      201,
    );
  });

  const site = "/tenants/:tenant/sites/:site";
  app.get(site, async (context) => {
    const { tenant, site: name } = context.req.param();
    return context.json(await hub.siteView(tenant, name));
  });
  app.delete(site, async (context) => {
    const { tenant, site: name } = context.req.param();
    await hub.removeSite(actorOf(context), tenant, name);
    return context.json({});
  });
  app.put(`${site}/services`, async (context) => {
    const { tenant, site: name } = context.req.param();
    const { services } = await body(context, setServices);
    return context.json(await hub.setServices(actorOf(context), tenant, name, services));
  });
  app.post(`${site}/token`, async (context) => {
    const { tenant, site: name } = context.req.param();
    const { minutes } = await body(context, tokenRequest);
    return context.json(await hub.issueToken(actorOf(context), tenant, name, minutes), 201);
  });
  app.post(`${site}/enable`, async (context) => {
    const { tenant, site: name } = context.req.param();
    return context.json(await hub.setEnabled(actorOf(context), tenant, name, true));
  });
  app.post(`${site}/disable`, async (context) => {
    const { tenant, site: name } = context.req.param();
    return context.json(await hub.setEnabled(actorOf(context), tenant, name, false));
  });
  app.post(`${site}/rekey`, async (context) => {
    const { tenant, site: name } = context.req.param();
    return context.json(await hub.rekey(actorOf(context), tenant, name));
  });
  app.get("/keys", async (context) => context.json(await hub.keysView()));
  app.post("/keys/rotate", async (context) => context.json(await hub.rotateKey(actorOf(context))));
  app.post("/keys/retire", async (context) => context.json(await hub.retireKeys(actorOf(context))));
  app.post(`${site}/revoke`, async (context) => {
    const { tenant, site: name } = context.req.param();
    return context.json(await hub.revoke(actorOf(context), tenant, name));
  });

  app.route("/", auditApp(hub.registry));
  app.get("/endpoints", (context) => context.json(hub.endpoints.states()));
  if (many) {
    app.route(
      "/",
      queryApp(many.queries, (tenant) => hub.registry.sites(tenant)),
    );
    app.get("/views", (context) => context.json(many.views.states()));
    app.get("/viewers", (context) => context.json(many.viewers.states()));
  }
  if (connections) app.route("/", connectionsApp(connections));
  if (access) app.route("/", accountsApp(access));
  if (observed) {
    const { problems, history } = observed;
    app.route("/", problemsApp(problems));
    app.get(`${site}/history`, async (context) => {
      const { tenant, site: name } = context.req.param();
      const { id } = await hub.registry.site(tenant, name);
      const day = history.series(id);
      return context.json({ day, fine: history.spark(id), connects: history.connects(id) });
    });
  }
  if (reloads) {
    app.post("/reload", async (context) => context.json(await reloads.reload(actorOf(context))));
    app.get("/reload", async (context) => context.json(await reloads.check()));
  }
  app.get("/status", async (context) => context.json(await hub.status()));
  return app;
}
