/** @jsxImportSource hono/jsx */
/** `/users`: seen and changed by administrators. */

import { z } from "zod";
import { FarsiteError } from "../../../../common/errors.ts";
import { isTenantRole, ROLES } from "../../../access/index.ts";
import { reachOf, type WebApp, type WebContext } from "../../site/index.ts";
import { formOf, frameOf, listed, type PageParts, show, wrongOf } from "../frame/index.ts";
import { Users, type UsersView } from "./page.tsx";

const LONGEST = 1_024;
const text = z.string().trim().min(1).max(LONGEST);
const secret = z.string().max(LONGEST);
const role = z.enum(ROLES);
const userForm = z.object({ name: text, role, tenant: listed, password: secret.default("") });
const roleForm = z.object({ name: text, role, tenant: listed });
const passwordForm = z.object({ name: text, password: secret });
const nameForm = z.object({ name: text });
const removeForm = z.object({ name: text, confirm: z.string().max(LONGEST) });
const tokenForm = z.object({ user: text, name: text });

export function addUsers(app: WebApp, parts: PageParts): void {
  app.get("/users", (context) => answer(context, parts, {}));

  app.post("/users", async (context) => {
    const { name, role, tenant, password } = await formOf(context, userForm);
    const user = {
      name,
      role,
      tenants: fitting(role, tenant),
      password: password === "" ? undefined : password,
    };
    return change(context, parts, `${name} was added.`, () => reachOf(context).accounts.add(user));
  });

  app.post("/users/role", async (context) => {
    const { name, role, tenant } = await formOf(context, roleForm);
    return change(context, parts, `${name} has another role; the sessions ended.`, () =>
      reachOf(context).accounts.setRole(name, role, fitting(role, tenant)),
    );
  });

  app.post("/users/password", async (context) => {
    const { name, password } = await formOf(context, passwordForm);
    return change(context, parts, `${name} has another password; the sessions ended.`, () =>
      reachOf(context).accounts.setPassword(name, password),
    );
  });

  app.post("/users/logout", async (context) => {
    const { name } = await formOf(context, nameForm);
    return change(context, parts, `All sessions of ${name} ended.`, () =>
      reachOf(context).accounts.logout(name),
    );
  });

  app.post("/users/remove", async (context) => {
    const { name, confirm } = await formOf(context, removeForm);
    return change(context, parts, `${name} was removed.`, () => {
      if (confirm.trim() !== name)
        throw new FarsiteError(
          "E_REQUEST",
          "the name that was typed is not that of the user",
          "Type it exactly.",
        );
      return reachOf(context).accounts.remove(name);
    });
  });

  app.post("/users/tokens/remove", async (context) => {
    const { user, name } = await formOf(context, tokenForm);
    return change(context, parts, `The token ${name} of ${user} was removed.`, () =>
      reachOf(context).accounts.removeToken(user, name),
    );
  });
}

/** What is marked for a role that is for all tenants does not count. */
function fitting(role: (typeof ROLES)[number], tenants: string[]): string[] {
  return isTenantRole(role) ? tenants : [];
}

async function change(
  context: WebContext,
  parts: PageParts,
  done: string,
  work: () => Promise<unknown>,
): Promise<Response> {
  const wrong = await wrongOf(async () => work());
  return wrong ? answer(context, parts, { wrong }, 409) : answer(context, parts, { done });
}

async function answer(
  context: WebContext,
  parts: PageParts,
  outcome: Pick<UsersView, "wrong" | "done">,
  status: 200 | 409 = 200,
): Promise<Response> {
  const reach = reachOf(context);
  // in this order: whoever may not see users gets no further
  const users = await reach.accounts.list();
  const [tokens, tenants] = await Promise.all([reach.accounts.tokens(), reach.tenants()]);
  const view = { users, tokens, tenants: tenants.map(({ name }) => name), now: parts.wall(), ...outcome };
  return show(context, <Users frame={frameOf(context, parts)} view={view} />, status);
}
