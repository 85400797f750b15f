/** @jsxImportSource hono/jsx */
/** One site: how it is connected, what it offers, what was with it, what was done to it. */

import type { Child } from "hono/jsx";
import { Records } from "../audit/index.ts";
import { type Frame, sitePath } from "../frame/index.ts";
import { Layout, SiteState } from "../parts/index.ts";
import { problemChoice, problemPath } from "../problems/index.ts";
import { Connection, Monitoring, Policy } from "./facts.tsx";
import { Manage } from "./manage.tsx";
import { Central, Connects, Endpoints, Inbox, Syncs } from "./tables.tsx";
import type { SitePageView } from "./view.ts";

interface SitePageProps {
  frame: Frame;
  view: SitePageView;
  /** Services that the hub knows. */
  services: readonly string[];
  /** ms since the epoch. */
  now: number;
}

export function SitePage({ frame, view, services, now }: SitePageProps) {
  const { site, endpoints, past, audit } = view;
  const { tenant, site: name } = site;
  const path = sitePath(tenant, name);
  const live = new URLSearchParams({ site: `${tenant}/${name}` });
  return (
    <Layout
      frame={frame}
      title={`${tenant}/${name}`}
      live={live}
      source={path}
      plots={past.series !== undefined}
    >
      <div class="head">
        <h1>
          <span class="soft">{tenant}/</span>
          {name}
        </h1>
        <SiteState site={site} now={now} />
        <a class="actions" href={problemPath(problemChoice.parse({ tenant, site: name, handled: "all" }))}>
          Problems of this site
        </a>
      </div>
      <div class="columns">
        <Block id="connection" title="Connection">
          <Connection view={view} now={now} />
        </Block>
        <Block id="monitoring" title="Monitoring core">
          <Monitoring site={site} now={now} />
        </Block>
      </div>
      {past.series && (
        <section class="block" aria-labelledby="plots-title">
          <h2 id="plots-title">The last day</h2>
          <div class="plots" data-plots={`${path}/history.json`}>
            <p class="without-script">Plots need a browser that runs scripts.</p>
          </div>
        </section>
      )}
      {endpoints && (
        <Block id="endpoints" title="Services and endpoints">
          <Endpoints endpoints={endpoints} offers={site.offers} services={site.services} />
        </Block>
      )}
      {!endpoints && (
        <Block id="endpoints" title="Services">
          <p>{site.services.join(", ")}</p>
        </Block>
      )}
      <div class="columns">
        <Block id="inbox" title="Deliveries">
          <Inbox inbox={site.inbox} />
        </Block>
        <Block id="policy" title="What may be asked of its core">
          <Policy policy={site.policy} />
        </Block>
      </div>
      <Block id="connects" title="Connections and why they ended">
        <Connects connects={past.connects} now={now} />
      </Block>
      {site.central && site.central.length > 0 && (
        <Block id="central" title="What it may use of the central side">
          <Central lines={site.central} />
        </Block>
      )}
      <Block id="syncs" title="Configuration syncs">
        <Syncs syncs={site.syncs} now={now} />
      </Block>
      {audit && (
        <Block id="audit" title="What was done to it of late">
          <Records records={audit} brief />
        </Block>
      )}
      {frame.viewer?.has("registry") && <Manage frame={frame} site={site} services={services} />}
    </Layout>
  );
}

function Block({ id, title, children }: { id: string; title: string; children?: Child }) {
  return (
    <section class="block" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div id={id} data-region="">
        {children}
      </div>
    </section>
  );
}
