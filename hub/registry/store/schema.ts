/** The registry's tables, as steps that are never changed once released; only new ones are added. */

export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE tenant (
      id         INTEGER PRIMARY KEY,
      name       TEXT NOT NULL UNIQUE,
      created_at BIGINT NOT NULL
    )`,
    // address_index never changes and, while others are free, is not used again: an old bookmark or a stale
    // site connection must not reach another customer
    `CREATE TABLE site (
      id            INTEGER PRIMARY KEY,
      tenant_id     INTEGER NOT NULL REFERENCES tenant(id),
      name          TEXT NOT NULL,
      address_index BIGINT NOT NULL UNIQUE,
      enabled       INTEGER NOT NULL DEFAULT 1,
      created_at    BIGINT NOT NULL,
      last_seen_at  BIGINT,
      UNIQUE (tenant_id, name)
    )`,
    `CREATE TABLE site_service (
      site_id INTEGER NOT NULL REFERENCES site(id) ON DELETE CASCADE,
      name    TEXT NOT NULL,
      PRIMARY KEY (site_id, name)
    )`,
    // keys and hashes are lower-case hexadecimal text: the same in every database
    `CREATE TABLE agent_key (
      public_key  TEXT PRIMARY KEY,
      site_id     INTEGER NOT NULL REFERENCES site(id) ON DELETE CASCADE,
      host        TEXT NOT NULL,
      enrolled_at BIGINT NOT NULL,
      ended_at    BIGINT
    )`,
    `CREATE TABLE token (
      id          TEXT PRIMARY KEY,
      site_id     INTEGER NOT NULL REFERENCES site(id) ON DELETE CASCADE,
      secret_hash TEXT NOT NULL,
      created_at  BIGINT NOT NULL,
      expires_at  BIGINT NOT NULL,
      used_at     BIGINT,
      used_by     TEXT,
      revoked_at  BIGINT
    )`,
    `CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
    `CREATE TABLE audit (
      id     INTEGER PRIMARY KEY,
      at     BIGINT NOT NULL,
      actor  TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      detail TEXT NOT NULL
    )`,
  ],
  [
    // site connections made at central sites; they outlive the site here, so that they can be removed there
    `CREATE TABLE checkmk_connection (
      central  TEXT NOT NULL,
      id       TEXT NOT NULL,
      tenant   TEXT NOT NULL,
      site     TEXT NOT NULL,
      socket   TEXT NOT NULL,
      noted_at BIGINT NOT NULL,
      PRIMARY KEY (central, id)
    )`,
  ],
  [
    // who, from where, and the tenant and the site by themselves: to search by
    "ALTER TABLE audit RENAME COLUMN actor TO who",
    "ALTER TABLE audit ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN tenant TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN site TEXT NOT NULL DEFAULT ''",
    "UPDATE audit SET tenant = target WHERE target NOT LIKE '%/%'",
    // up to the slash, which is what is left when everything but slashes is taken from the end
    `UPDATE audit SET
       tenant = substr(target, 1, length(rtrim(target, replace(target, '/', ''))) - 1),
       site = substr(target, length(rtrim(target, replace(target, '/', ''))) + 1)
     WHERE target LIKE '%/%'`,
    "ALTER TABLE audit DROP COLUMN target",
    "CREATE INDEX audit_at ON audit (at)",
  ],
  [
    // the key that a new one is to take the place of; only until the new one was used
    "ALTER TABLE agent_key ADD COLUMN follows TEXT",
    // somebody wants another key in its place
    "ALTER TABLE agent_key ADD COLUMN renew INTEGER NOT NULL DEFAULT 0",
    // the hub's key by which the agent knew it when it last came
    "ALTER TABLE agent_key ADD COLUMN hub_key TEXT NOT NULL DEFAULT ''",
  ],
  [
    // people of the web interface, and programs that use its API
    `CREATE TABLE web_user (
      id            INTEGER PRIMARY KEY,
      name          TEXT NOT NULL UNIQUE,
      role          TEXT NOT NULL,
      password_hash TEXT,
      created_at    BIGINT NOT NULL
    )`,
    // who comes under the name of a tenant that was removed is somebody else: it goes with the tenant
    `CREATE TABLE web_user_tenant (
      user_id   INTEGER NOT NULL REFERENCES web_user(id) ON DELETE CASCADE,
      tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
      PRIMARY KEY (user_id, tenant_id)
    )`,
    // without user_id: of somebody whom an OpenID provider vouched for, who is no local user
    `CREATE TABLE web_session (
      hash       TEXT PRIMARY KEY,
      user_id    INTEGER REFERENCES web_user(id) ON DELETE CASCADE,
      name       TEXT NOT NULL,
      role       TEXT NOT NULL,
      tenants    TEXT NOT NULL,
      started_at BIGINT NOT NULL,
      seen_at    BIGINT NOT NULL,
      ends_at    BIGINT NOT NULL
    )`,
    `CREATE TABLE api_token (
      id         TEXT PRIMARY KEY,
      user_id    INTEGER NOT NULL REFERENCES web_user(id) ON DELETE CASCADE,
      name       TEXT NOT NULL,
      hash       TEXT NOT NULL,
      scope      TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL,
      used_at    BIGINT,
      UNIQUE (user_id, name)
    )`,
  ],
  [
    // the audit as a chain: records that were there before are sealed at the hub's start, which has the key
    "ALTER TABLE audit ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
    // one row: the last record that was removed
    `CREATE TABLE audit_anchor (
      number BIGINT NOT NULL,
      seal   TEXT NOT NULL,
      proof  TEXT NOT NULL
    )`,
  ],
];
