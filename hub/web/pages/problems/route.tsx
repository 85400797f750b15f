/** @jsxImportSource hono/jsx */
/** `GET /problems`, and `POST` of what is to be done about them. */

import { reachOf, type WebApp, type WebContext } from "../../site/index.ts";
import { formOf, frameOf, type PageParts, queryOf, show } from "../frame/index.ts";
import { problemChoice, problemFilter } from "./choice.ts";
import { giveAll } from "./give.ts";
import { commandOf, orderForm, targetsOf } from "./order.ts";
import { Problems, type ProblemsView } from "./page.tsx";

export function addProblems(app: WebApp, parts: PageParts): void {
  app.get("/problems", async (context) => answer(context, parts, {}));

  app.post("/problems", async (context) => {
    const form = await formOf(context, orderForm);
    const targets = targetsOf(form);
    if (targets.length === 0)
      return answer(context, parts, { wrong: "Mark the problems first that it is for." }, 400);
    const command = commandOf(form, Math.floor(parts.wall() / 1000));
    if (!command)
      return answer(context, parts, { wrong: "Say why, in the comment: others will read it." }, 400);
    return answer(context, parts, { given: await giveAll(reachOf(context), targets, command) });
  });
}

async function answer(
  context: WebContext,
  parts: PageParts,
  outcome: Pick<ProblemsView, "given" | "wrong">,
  status: 200 | 400 = 200,
): Promise<Response> {
  const reach = reachOf(context);
  const choice = queryOf(context, problemChoice);
  const page = await reach.problems(problemFilter(choice));
  const tenants = (await reach.tenants()).map(({ name }) => name);
  const view: ProblemsView = { page, choice, tenants, now: parts.wall(), ...outcome };
  return show(context, <Problems frame={frameOf(context, parts)} view={view} />, status);
}
