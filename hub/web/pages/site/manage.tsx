/** @jsxImportSource hono/jsx */
/** What an administrator can do to a site. What cannot be undone asks for its name. */

import type { SeenDetails } from "../../../access/index.ts";
import { type Frame, sitePath } from "../frame/index.ts";
import { Field, Form, Services } from "../parts/index.ts";

export function Manage({
  frame,
  site,
  services,
}: {
  frame: Frame;
  site: SeenDetails;
  services: readonly string[];
}) {
  const { tenant, site: name } = site;
  const path = sitePath(tenant, name);
  const enabled = site.state !== "disabled";
  return (
    <section class="block manage" aria-labelledby="manage-title">
      <h2 id="manage-title">Manage</h2>
      <details class="more">
        <summary>Services that the central side may use</summary>
        <Form frame={frame} action={`${path}/services`} class="stack" label="Services">
          <Services known={services} chosen={site.services} />
          <button class="main">Change</button>
        </Form>
      </details>
      <details class="more">
        <summary>{site.enrolled ? "Enrol another agent in place of this one" : "Enrol its agent"}</summary>
        <Form frame={frame} action={`${path}/token`} class="stack" label="Enrol">
          <p>Makes a token that can be used once. One that was made before and not used ends.</p>
          <button class="main">Make a token</button>
        </Form>
      </details>
      <details class="more">
        <summary>{enabled ? "Disable" : "Enable"}</summary>
        <Form
          frame={frame}
          action={`${path}/${enabled ? "disable" : "enable"}`}
          class="stack"
          label={enabled ? "Disable" : "Enable"}
        >
          <p>
            {enabled
              ? "Cuts the site off and closes its endpoints. Its agent, address and key are kept."
              : "Lets its agent in again and opens its endpoints."}
          </p>
          <button class={enabled ? "danger" : "main"}>
            {enabled ? "Disable the site" : "Enable the site"}
          </button>
        </Form>
      </details>
      {site.enrolled && (
        <details class="more">
          <summary>Revoke its agent's key</summary>
          <Form frame={frame} action={`${path}/revoke`} class="stack" label="Revoke">
            <p>The agent is cut off at once and stays out. The site needs a new token.</p>
            <Field
              label={`Type ${name} to confirm`}
              name="confirm"
              id="confirm-revoke"
              required
              autocomplete="off"
            />
            <button class="danger">Revoke the key</button>
          </Form>
        </details>
      )}
      <details class="more">
        <summary>Remove the site</summary>
        <Form frame={frame} action={`${path}/remove`} class="stack" label="Remove">
          <p>Its key, its address and what waits for delivery are gone for good.</p>
          <Field
            label={`Type ${name} to confirm`}
            name="confirm"
            id="confirm-remove"
            required
            autocomplete="off"
          />
          <button class="danger">Remove the site</button>
        </Form>
      </details>
    </section>
  );
}
