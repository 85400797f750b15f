/** @jsxImportSource hono/jsx */
/** API tokens, with what takes each away. */

import type { ApiToken } from "../../../registry/index.ts";
import type { Frame } from "../frame/index.ts";
import { Form } from "./form.tsx";
import { Since } from "./time.tsx";

interface TokensProps {
  frame: Frame;
  tokens: readonly ApiToken[];
  /** Where the form goes that removes one. */
  action: string;
  /** ms since the epoch. */
  now: number;
  /** They are of several users. */
  several?: boolean;
}

export function Tokens({ frame, tokens, action, now, several }: TokensProps) {
  if (tokens.length === 0) return <p class="soft">None.</p>;
  return (
    <table class="blocks">
      <thead>
        <tr>
          {several && <th scope="col">User</th>}
          <th scope="col">Name</th>
          <th scope="col">Scope</th>
          <th scope="col">Expires</th>
          <th scope="col">Last used</th>
          <th scope="col">
            <span class="unseen">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map(({ user, name, scope, expires, used }) => (
          <tr>
            {several && <td>{user}</td>}
            <th scope="row">{name}</th>
            <td>{scope.join(", ")}</td>
            <td data-title="Expires">
              {expires <= now ? (
                <b class="mark strong">expired</b>
              ) : (
                new Date(expires).toISOString().slice(0, 10)
              )}
            </td>
            <td data-title="Last used">
              {used === undefined ? "never" : <Since at={new Date(used).toISOString()} now={now} />}
            </td>
            <td>
              <Form frame={frame} action={action} label={`Remove ${name}`}>
                <input type="hidden" name="user" value={user} />
                <input type="hidden" name="name" value={name} />
                <button class="small danger">Remove</button>
              </Form>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
