/** @jsxImportSource hono/jsx */
/** Who may log in, and as what. */

import { isTenantRole, ROLES, type Role } from "../../../access/index.ts";
import type { ApiToken, User } from "../../../registry/index.ts";
import type { Frame, Wrong } from "../frame/index.ts";
import { Field, Form, Layout, Notice, ROLE_TITLES, Select, Tokens, WrongNotice } from "../parts/index.ts";

export interface UsersView {
  users: readonly User[];
  tokens: readonly ApiToken[];
  tenants: readonly string[];
  /** ms since the epoch. */
  now: number;
  wrong?: Wrong | undefined;
  /** What was done. */
  done?: string | undefined;
}

export function Users({ frame, view }: { frame: Frame; view: UsersView }) {
  const { users, tokens, tenants, now, wrong, done } = view;
  return (
    <Layout frame={frame} title="Users" at="/users" narrow>
      <div class="head">
        <h1>Users</h1>
      </div>
      <WrongNotice wrong={wrong} />
      {done !== undefined && (
        <Notice kind="done">
          <p>{done}</p>
        </Notice>
      )}
      <section class="block" aria-labelledby="users-title">
        <h2 id="users-title">Who may log in</h2>
        {users.length === 0 ? (
          <p class="soft">Nobody by password.</p>
        ) : (
          <table class="blocks">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Tenants</th>
                <th scope="col">Since</th>
                <th scope="col">
                  <span class="unseen">Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {users.map((user, index) => (
                <Row frame={frame} user={user} tenants={tenants} id={`user-${index}`} />
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section class="block" aria-labelledby="add-title">
        <h2 id="add-title">Add a user</h2>
        <Form frame={frame} action="/users" class="stack" label="Add a user">
          <Field label="Name" name="name" required maxlength={64} autocomplete="off" />
          <RoleChoice tenants={tenants} present="tenant-viewer" chosen={[]} id="new" />
          <Field
            label="Password"
            name="password"
            type="password"
            autocomplete="new-password"
            hint="At least 12 characters. Without one the user can only have API tokens."
          />
          <button class="main">Add the user</button>
        </Form>
      </section>
      <section class="block" aria-labelledby="tokens-title">
        <h2 id="tokens-title">API tokens of all users</h2>
        <Tokens frame={frame} tokens={tokens} action="/users/tokens/remove" now={now} several />
      </section>
    </Layout>
  );
}

function Row({
  frame,
  user,
  tenants,
  id,
}: {
  frame: Frame;
  user: User;
  tenants: readonly string[];
  id: string;
}) {
  const { name, role, password, created } = user;
  const oneself = frame.viewer?.name === name;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {role} {!password && <b class="mark">no password</b>}
      </td>
      <td>{isTenantRole(role as Role) ? user.tenants.join(", ") : "all"}</td>
      <td class="keep">{new Date(created).toISOString().slice(0, 10)}</td>
      <td>
        {oneself ? (
          <a href="/account">My account</a>
        ) : (
          <details class="more">
            <summary aria-label={`Change ${name}`}>Change</summary>
            <Form frame={frame} action="/users/role" class="stack" label={`Role of ${name}`}>
              <input type="hidden" name="name" value={name} />
              <RoleChoice tenants={tenants} present={role} chosen={user.tenants} id={id} />
              <button>Change the role</button>
            </Form>
            <Form frame={frame} action="/users/password" class="stack" label={`Password of ${name}`}>
              <input type="hidden" name="name" value={name} />
              <Field
                label="New password"
                name="password"
                type="password"
                id={`${id}-password`}
                required
                autocomplete="new-password"
                hint="At least 12 characters. Ends the user's sessions."
              />
              <button>Set the password</button>
            </Form>
            <Form frame={frame} action="/users/logout" class="stack" label={`Sessions of ${name}`}>
              <input type="hidden" name="name" value={name} />
              <button>End all sessions</button>
            </Form>
            <Form frame={frame} action="/users/remove" class="stack" label={`Remove ${name}`}>
              <input type="hidden" name="name" value={name} />
              <Field
                label={`To remove the user, type ${name}`}
                name="confirm"
                id={`${id}-confirm`}
                required
                autocomplete="off"
              />
              <button class="danger">Remove the user</button>
            </Form>
          </details>
        )}
      </td>
    </tr>
  );
}

interface RoleChoiceProps {
  tenants: readonly string[];
  /** The role that is chosen at first. */
  present: string;
  chosen: readonly string[];
  id: string;
}

function RoleChoice({ tenants, present, chosen, id }: RoleChoiceProps) {
  return (
    <>
      <Select
        label="Role"
        name="role"
        id={`${id}-role`}
        value={present}
        options={ROLES.map((each) => [each, ROLE_TITLES[each]] as const)}
      />
      {tenants.length > 0 && (
        <fieldset>
          <legend>Tenants, for the roles of tenants</legend>
          <div class="choices">
            {tenants.map((tenant) => (
              <label class="check">
                <input type="checkbox" name="tenant" value={tenant} checked={chosen.includes(tenant)} />
                <span>{tenant}</span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
    </>
  );
}
