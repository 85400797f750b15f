/** How the pages of this folder look; hub/web/pages has the look of all others. */

import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { FarsiteError } from "../../../common/errors.ts";
import type { WebContext } from "./context.ts";
import type { Failure } from "./failure.ts";

export interface LoginForm {
  /** Where to go afterwards: a path of the hub. */
  next: string;
  /** Why it did not succeed before. */
  problem?: FarsiteError;
  /** What the link to `/login/oidc?next=NEXT` says; undefined: there is no OpenID provider. */
  provider?: string;
}

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export interface Look {
  login(form: LoginForm, context: WebContext): Html;
  failure(failure: Failure, context: WebContext): Html;
}

/** Without any style. */
export const plainLook: Look = {
  login: ({ next, problem, provider }) =>
    page(
      "Log in",
      html`<h1>Farsite</h1>
${problem === undefined ? "" : html`<p role="alert">${problem.message}. ${problem.hint ?? ""}</p>`}
<form method="post" action="/login">
<input type="hidden" name="next" value="${next}">
<p><label>User <input name="name" autocomplete="username" required autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Log in</button></p>
</form>
${provider === undefined ? "" : html`<p><a href="/login/oidc?next=${encodeURIComponent(next)}">${provider}</a></p>`}`,
    ),
  failure: ({ message, code, hint }) =>
    page(
      "Error",
      html`<h1>${message}</h1><p>${code}</p>${hint === undefined ? "" : html`<p>${hint}</p>`}<p><a href="/">Farsite</a></p>`,
    ),
};

function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} - Farsite</title></head>
<body><main>${body}</main></body></html>`;
}
