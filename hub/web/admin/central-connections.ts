/** What was made at central sites: noted by the command that makes it. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import type { CentralConnections } from "../../registry/index.ts";
import { actorOf } from "./actor.ts";

/** Of one text, in UTF-16 units: longer than a socket's path, or an URL that somebody types. */
const MAX_TEXT = 1_024;
const text = z.string().min(1).max(MAX_TEXT);
const connection = z.strictObject({ id: text, tenant: text, site: text, socket: text });
const place = z.object({ central: text });

export function connectionsApp(connections: CentralConnections): Hono {
  const app = new Hono();
  app.get("/checkmk/connections", async (context) => {
    const { central } = checked(place, context.req.query());
    return context.json(await connections.list(central));
  });
  app.post("/checkmk/connections", async (context) => {
    const { central } = checked(place, context.req.query());
    const made = checked(connection, await context.req.json().catch(() => undefined));
    await connections.note(actorOf(context), central, made);
    return context.json({});
  });
  app.delete("/checkmk/connections/:id", async (context) => {
    const { central } = checked(place, context.req.query());
    await connections.forget(actorOf(context), central, context.req.param("id"));
    return context.json({});
  });
  return app;
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const { data } = schema.safeParse(value);
  if (data === undefined) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
  return data;
}
