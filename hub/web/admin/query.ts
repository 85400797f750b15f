/** Queries over many sites, for the command line. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { answerInJson, type View } from "../../livestatus/federation/index.ts";

const queryRequest = z.strictObject({ tenant: z.string().optional(), query: z.string() });

/**
 * @param view of a tenant or, undefined, of all
 * @param check throws when there is no such tenant
 */
export function queryApp(
  view: (tenant: string | undefined) => View,
  check: (tenant: string) => Promise<unknown>,
): Hono {
  const app = new Hono();
  app.post("/query", async (context) => {
    const { data } = queryRequest.safeParse(await context.req.json().catch(() => undefined));
    if (!data) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
    if (data.tenant !== undefined) await check(data.tenant);
    const body = await answerInJson(view(data.tenant), data.query, "admin socket");
    return new Response(body, { headers: { "content-type": "application/json" } });
  });
  return app;
}
