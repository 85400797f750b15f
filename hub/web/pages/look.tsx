/** @jsxImportSource hono/jsx */
/** How logging in and failures look. */

import type { Look } from "../site/index.ts";
import { frameOf, type PageParts } from "./frame/index.ts";
import { Field, Layout, Notice } from "./parts/index.ts";

export function pagesLook(parts: Pick<PageParts, "assets">): Look {
  return {
    login: ({ next, problem, provider }) => (
      <Layout frame={{ assets: parts.assets, viewer: undefined, csrf: "" }} title="Log in">
        <section class="card">
          <h1>Log in</h1>
          {problem && (
            <Notice kind="wrong">
              <p>{problem.message}</p>
              {problem.hint !== undefined && <p>{problem.hint}</p>}
            </Notice>
          )}
          <form method="post" action="/login" class="stack">
            <input type="hidden" name="next" value={next} />
            <Field label="User" name="name" required autocomplete="username" autofocus />
            <Field
              label="Password"
              name="password"
              type="password"
              required
              autocomplete="current-password"
            />
            <button class="main">Log in</button>
          </form>
          {provider !== undefined && (
            <p>
              <a class="button" href={`/login/oidc?next=${encodeURIComponent(next)}`}>
                {provider}
              </a>
            </p>
          )}
        </section>
      </Layout>
    ),
    failure: ({ status, code, message, hint }, context) => (
      <Layout frame={frameOf(context, parts)} title="Error" narrow>
        <section class="block failure">
          <h1>{message}</h1>
          {hint !== undefined && <p>{hint}</p>}
          <p class="soft">
            {code} ({status})
          </p>
          <p>
            <a href="/">Overview</a>
          </p>
        </section>
      </Layout>
    ),
  };
}
