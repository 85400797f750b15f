/** Problems of all cores, and what is done about them, for the command line. */

import { type Context, Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { type Problems, problemCommand, SORT_KEYS, STATES } from "../../problems/index.ts";
import { actorOf } from "./actor.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const listRequest = z.strictObject({
  tenant: z.string().optional(),
  site: z.string().optional(),
  states: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(STATES)))
    .optional(),
  handled: flag.optional(),
  kind: z.enum(["host", "service"]).optional(),
  hard: flag.optional(),
  text: z.string().max(200).optional(),
  sort: z.enum(SORT_KEYS).optional(),
  descending: flag.optional(),
  offset: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(0).max(1000).optional(),
});
const commandRequest = z.strictObject({
  host: z.string(),
  service: z.string().optional(),
  command: problemCommand,
});

export function problemsApp(problems: Problems): Hono {
  const app = new Hono();
  app.get("/problems", async (context) =>
    context.json(await problems.list(checked(listRequest, context.req.query()), "all")),
  );
  app.post("/tenants/:tenant/sites/:site/problems", async (context) => {
    const { tenant, site } = context.req.param();
    const { command, ...object } = checked(commandRequest, await body(context));
    return context.json(await problems.command(actorOf(context), { tenant, site, ...object }, command));
  });
  return app;
}

function body(context: Context): Promise<unknown> {
  return context.req.json().catch(() => undefined);
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  const where = issue?.path.join(".") ?? "";
  throw new FarsiteError(
    "E_USAGE",
    `the request to the admin socket is malformed${where === "" ? "" : ` at ${where}: ${issue?.message}`}`,
  );
}
