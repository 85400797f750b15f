/** @jsxImportSource hono/jsx */
/** Adding a site: first its name and services, then what to do on the customer's host. */

import type { SeenSite } from "../../../access/index.ts";
import type { NewToken } from "../../../hub.ts";
import { type Frame, sitePath, type Wrong } from "../frame/index.ts";
import { Copy, Field, Form, Layout, Moment, Services, SiteState, WrongNotice } from "../parts/index.ts";

interface AddPageProps {
  frame: Frame;
  tenants: readonly string[];
  services: readonly string[];
  /** As it was filled in before. */
  filled?: { tenant: string; name: string; services: readonly string[] };
  /** Why it did not succeed. */
  wrong?: Wrong | undefined;
}

export function AddPage({ frame, tenants, services, filled, wrong }: AddPageProps) {
  return (
    <Layout frame={frame} title="Add a site" at="/add" narrow>
      <div class="head">
        <h1>Add a site</h1>
      </div>
      <WrongNotice wrong={wrong} />
      <section class="block">
        <Form frame={frame} action="/add" class="stack" label="Add a site">
          <Field
            label="Tenant"
            name="tenant"
            list="tenants"
            value={filled?.tenant}
            hint="The customer. One that is not known yet is added."
            required
            maxlength={64}
            autocomplete="off"
          />
          <datalist id="tenants">
            {tenants.map((name) => (
              <option value={name}></option>
            ))}
          </datalist>
          <Field
            label="Site"
            name="name"
            value={filled?.name}
            hint="The site's ID, exactly as its monitoring has it."
            required
            maxlength={64}
            autocomplete="off"
          />
          <Services known={services} chosen={filled?.services ?? services} />
          <p class="hint">
            What the central side may use of the site, where its agent offers it. It can be changed later.
          </p>
          <button class="main">Add the site</button>
        </Form>
      </section>
    </Layout>
  );
}

interface TokenPageProps {
  frame: Frame;
  made: NewToken;
  site: Pick<SeenSite, "livestatus">;
  /** Where agents connect to. */
  url: string;
  /** ms since the epoch. */
  now: number;
}

export function TokenPage({ frame, made, site, url, now }: TokenPageProps) {
  const { tenant, site: name, address, token, expires } = made;
  const path = sitePath(tenant, name);
  const { hostname, port } = new URL(url);
  const line = `apt install ./farsite-agent_*.deb && farsite-agent enroll ${token}`;
  return (
    <Layout
      frame={frame}
      title={`Enrol ${tenant}/${name}`}
      at="/add"
      live={new URLSearchParams({ site: `${tenant}/${name}` })}
      source={path}
      narrow
    >
      <div class="head">
        <h1>
          <span class="soft">{tenant}/</span>
          {name}
        </h1>
        <SiteState site={site} now={now} />
      </div>
      <ol class="steps">
        <li>
          <h2>Have the firewall opened, if there is one</h2>
          <p>
            From the host of the agent, outbound only: TCP to <strong>{hostname}</strong> port{" "}
            <strong>{port || "443"}</strong>, directly or through the customer's HTTP proxy. It is one TLS
            connection that stays open. Nothing is opened inbound, and no address of the customer's network is
            routed.
          </p>
        </li>
        <li>
          <h2>On the customer's host, as root</h2>
          <div class="copy long">
            <code>{line}</code>
            <button type="button" class="small with-script" data-copy={line} aria-label="Copy the line">
              Copy
            </button>
          </div>
          <p>
            With the package beside, or installed already: then without the first half. RHEL, SLES:{" "}
            <code>dnf</code> or <code>zypper install ./farsite-agent-*.rpm</code> instead.
          </p>
          <p>
            It can be used once, until <Moment at={expires} />. It is shown only here: whoever has it can
            connect as this site.
          </p>
        </li>
        <li>
          <h2>The site's state above turns green</h2>
          <p>
            Then the central site finds it at <Copy text={address} label="the address" />, as the command{" "}
            <code>farsite-hub checkmk sites.mk</code> tells it. If it does not turn green,{" "}
            <code>farsite-agent doctor</code> on the customer's host says what is in the way.
          </p>
          <p>
            <a href={path}>The page of this site</a>
          </p>
        </li>
      </ol>
    </Layout>
  );
}
