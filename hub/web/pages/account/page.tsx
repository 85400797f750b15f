/** @jsxImportSource hono/jsx */
/** One's own account: role, password, API tokens. */

import type { MadeToken, Right } from "../../../access/index.ts";
import type { ApiToken } from "../../../registry/index.ts";
import type { Frame, Wrong } from "../frame/index.ts";
import {
  Facts,
  Field,
  Form,
  Layout,
  Moment,
  Notice,
  RIGHT_TITLES,
  Tokens,
  WrongNotice,
} from "../parts/index.ts";

export interface AccountView {
  name: string;
  role: string;
  tenants: readonly string[] | "all";
  rights: readonly Right[];
  /** Logged in with a password of this hub, and not through somebody else. */
  local: boolean;
  tokens: readonly ApiToken[];
  /** ms since the epoch. */
  now: number;
  /** A token that was made just now. */
  made?: MadeToken | undefined;
  wrong?: Wrong | undefined;
}

export function Account({ frame, view }: { frame: Frame; view: AccountView }) {
  const { name, role, tenants, rights, local, tokens, now, made, wrong } = view;
  return (
    <Layout frame={frame} title="My account" at="/account" narrow>
      <div class="head">
        <h1>My account</h1>
      </div>
      <WrongNotice wrong={wrong} />
      {made && <Made made={made} />}
      <section class="block" aria-labelledby="who-title">
        <h2 id="who-title">{name}</h2>
        <Facts
          facts={[
            ["Role", role],
            ["Tenants", tenants === "all" ? "all" : tenants.join(", ")],
            ["Rights", rights.join(", ")],
          ]}
        />
      </section>
      {local && (
        <section class="block" aria-labelledby="password-title">
          <h2 id="password-title">Change the password</h2>
          <Form frame={frame} action="/account/password" class="stack" label="Change the password">
            <Field
              label="Present password"
              name="present"
              type="password"
              required
              autocomplete="current-password"
            />
            <Field
              label="New password"
              name="wanted"
              type="password"
              required
              autocomplete="new-password"
              hint="At least 12 characters. All sessions end, this one too."
            />
            <Field
              label="New password again"
              name="again"
              type="password"
              required
              autocomplete="new-password"
            />
            <button class="main">Change the password</button>
          </Form>
        </section>
      )}
      {local && (
        <section class="block" aria-labelledby="tokens-title">
          <h2 id="tokens-title">API tokens</h2>
          <Tokens frame={frame} tokens={tokens} action="/account/tokens/remove" now={now} />
          <details class="more" open={wrong !== undefined}>
            <summary>Make a token</summary>
            <Form frame={frame} action="/account/tokens" class="stack" label="Make a token">
              <Field
                label="Name"
                name="name"
                hint="What it is for."
                required
                maxlength={64}
                autocomplete="off"
              />
              <fieldset>
                <legend>What it may</legend>
                {rights.map((right) => (
                  <label class="check">
                    <input type="checkbox" name="scope" value={right} checked={right === "see"} />
                    <span>{RIGHT_TITLES[right]}</span>
                  </label>
                ))}
              </fieldset>
              <Field label="Days until it expires" name="days" type="number" value="90" required />
              <button class="main">Make the token</button>
            </Form>
          </details>
        </section>
      )}
    </Layout>
  );
}

function Made({ made: { name, token, expires } }: { made: MadeToken }) {
  return (
    <Notice kind="done">
      <p>
        The token {name}, until <Moment at={expires} />. It is shown only now:
      </p>
      <div class="copy long">
        <code>{token}</code>
        <button type="button" class="small with-script" data-copy={token} aria-label="Copy the token">
          Copy
        </button>
      </div>
    </Notice>
  );
}
