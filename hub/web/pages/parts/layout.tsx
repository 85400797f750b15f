/** @jsxImportSource hono/jsx */
/** The page around every page. */

import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { Right } from "../../../access/index.ts";
import type { Frame } from "../frame/index.ts";
import { Form } from "./form.tsx";

export interface LayoutProps {
  frame: Frame;
  title: string;
  /** Path of the entry of the menu that is marked. */
  at?: string;
  /** What of it changes by itself, as the request for events has it: `site=TENANT/SITE`, `problems=yes`. */
  live?: URLSearchParams | undefined;
  /** Where the page is asked for again; where it is, by default. */
  source?: string | undefined;
  /** Its contents need the plots' script. */
  plots?: boolean;
  narrow?: boolean;
  children?: Child;
}

const MENU: readonly { path: string; title: string; right: Right }[] = [
  { path: "/", title: "Overview", right: "see" },
  { path: "/problems", title: "Problems", right: "see" },
  { path: "/add", title: "Add a site", right: "registry" },
  { path: "/audit", title: "Audit", right: "audit" },
  { path: "/users", title: "Users", right: "users" },
  { path: "/about", title: "About", right: "see" },
];

export function Layout({ frame, title, at, live, source, plots, narrow, children }: LayoutProps) {
  const { assets, viewer } = frame;
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Farsite`}</title>
        <link rel="icon" type="image/svg+xml" href={assets.url("icon.svg")} />
        <link rel="stylesheet" href={assets.url("app.css")} />
        {plots && <link rel="stylesheet" href={assets.url("plots.css")} />}
        <script type="module" src={assets.url("app.js")}></script>
        {plots && <script type="module" src={assets.url("plots.js")}></script>}
      </head>
      <body data-live={live && `/events?${live}`} data-source={source}>
        <a class="skip" href="#main">
          Skip to the contents
        </a>
        <header class="top">
          <a class="brand" href="/">
            <img src={assets.url("icon.svg")} alt="" width="22" height="22" />
            <span>Farsite</span>
          </a>
          {viewer && <Menu frame={frame} at={at} />}
          {viewer && (
            <div class="who">
              <span class="live" id="live" role="status" hidden></span>
              <a href="/account" aria-current={at === "/account" ? "page" : undefined} title={viewer.role}>
                {viewer.name}
              </a>
              <Form frame={frame} action="/logout" label="Log out">
                <button class="plain">Log out</button>
              </Form>
            </div>
          )}
        </header>
        <main id="main" class={narrow ? "narrow" : undefined} tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
  return html`<!doctype html>${page}`;
}

function Menu({ frame: { viewer }, at }: { frame: Frame; at: string | undefined }) {
  return (
    <nav class="menu" aria-label="Pages">
      {MENU.filter(({ right }) => viewer?.has(right)).map(({ path, title }) => (
        <a href={path} aria-current={path === at ? "page" : undefined}>
          {title}
          {path === "/problems" && <span class="bubble" id="unhandled" hidden></span>}
        </a>
      ))}
    </nav>
  );
}
