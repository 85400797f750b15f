/** The audit, for the command line. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import type { Registry } from "../../registry/index.ts";

/** Records in one answer. */
export const MOST_RECORDS = 100_000;

const auditRequest = z.strictObject({
  tenant: z.string().optional(),
  site: z.string().optional(),
  action: z.string().optional(),
  since: z.coerce.number().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(MOST_RECORDS),
});

export function auditApp(registry: Pick<Registry, "records">): Hono {
  const app = new Hono();
  app.get("/audit", async (context) => {
    const { data } = auditRequest.safeParse(context.req.query());
    if (!data) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
    return context.json(await registry.records(data));
  });
  return app;
}
