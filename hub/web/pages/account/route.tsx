/** @jsxImportSource hono/jsx */
/** `/account`: what everybody may do to the own account. */

import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import { type MadeToken, RIGHTS } from "../../../access/index.ts";
import { reachOf, type WebApp, type WebContext } from "../../site/index.ts";
import { formOf, frameOf, type PageParts, show, wrongOf } from "../frame/index.ts";
import { Account, type AccountView } from "./page.tsx";

const LONGEST = 1_024;
const MOST_DAYS = 3_650;
const secret = z.string().max(LONGEST);
const passwordForm = z.object({ present: secret, wanted: secret, again: secret });
const scope = z.preprocess(
  (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
  z.array(z.enum(RIGHTS)).max(RIGHTS.length),
);
const tokenForm = z.object({
  name: z.string().trim().min(1).max(LONGEST),
  scope,
  days: z.coerce.number().int().min(1).max(MOST_DAYS),
});
const removeForm = z.object({ name: z.string().max(LONGEST) });

export function addAccount(app: WebApp, parts: PageParts): void {
  app.get("/account", (context) => answer(context, parts, {}));

  app.post("/account/password", async (context) => {
    const { present, wanted, again } = await formOf(context, passwordForm);
    const wrong = await wrongOf(async () => {
      if (wanted !== again) throw new FarsiteError("E_PASSWORD", "the two new passwords are not the same");
      await reachOf(context).accounts.changeOwnPassword(present, wanted);
    });
    // this session has ended, too
    return wrong ? answer(context, parts, { wrong }, 409) : context.redirect("/login", 303);
  });

  app.post("/account/tokens", async (context) => {
    const { name, scope, days } = await formOf(context, tokenForm);
    const { accounts, principal } = reachOf(context);
    let made: MadeToken | undefined;
    const wrong = await wrongOf(async () => {
      if (scope.length === 0) throw new FarsiteError("E_REQUEST", "a token that may nothing is of no use");
      made = await accounts.addToken(principal.name, name, scope, days);
    });
    return answer(context, parts, { made, wrong }, wrong ? 409 : 200);
  });

  app.post("/account/tokens/remove", async (context) => {
    const { name } = await formOf(context, removeForm);
    const { accounts, principal } = reachOf(context);
    const wrong = await wrongOf(() => accounts.removeToken(principal.name, name));
    return wrong ? answer(context, parts, { wrong }, 409) : context.redirect("/account", 303);
  });
}

async function answer(
  context: WebContext,
  parts: PageParts,
  outcome: Pick<AccountView, "made" | "wrong">,
  status: 200 | 409 = 200,
): Promise<Response> {
  const reach = reachOf(context);
  const { name, role, tenants, via } = reach.principal;
  const view: AccountView = {
    name,
    role,
    tenants,
    rights: RIGHTS.filter((right) => reach.has(right)),
    local: via === "session" && !name.startsWith("oidc:"),
    tokens: await reach.accounts.tokens(name),
    now: parts.wall(),
    ...outcome,
  };
  return show(context, <Account frame={frameOf(context, parts)} view={view} />, status);
}
