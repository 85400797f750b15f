/** Users and API tokens, as one principal may see and change them. */

import { hex } from "../../common/bytes.ts";
import { FarsiteError } from "../../common/errors.ts";
import type { Random } from "../../common/random.ts";
import type { ApiToken, ApiTokens, User, Users, WebSessions } from "../registry/index.ts";
import type { Passwords } from "./password.ts";
import {
  actorOf,
  checkTenants,
  demand,
  has,
  isForeign,
  type Principal,
  type Right,
  type Role,
} from "./principal.ts";
import { hashOf, makeSecret } from "./secret.ts";
import { tokenText } from "./token.ts";

export interface AccountParts {
  users: Users;
  sessions: WebSessions;
  tokens: ApiTokens;
  passwords: Passwords;
  random: Random;
  /** Wall clock, ms. */
  wall: () => number;
  /** Whose password it is, as `Logins.check`. */
  check: (name: string, password: string, from: string) => Promise<unknown>;
  /** Somebody's login may be over now. */
  changed: () => void;
}

export interface NewUser {
  name: string;
  role: Role;
  /** For a role of tenants. */
  tenants: string[];
  /** Without one only API tokens can be used. */
  password: string | undefined;
}

/** An API token with what is shown once. */
export interface MadeToken {
  user: string;
  name: string;
  scope: Right[];
  /** ISO 8601. */
  expires: string;
  token: string;
}

const DAY = 86_400_000;
const TOKEN_ID_BYTES = 8;
/** Tokens of one user. */
const MOST_TOKENS = 100;

export class Accounts {
  constructor(
    private readonly parts: AccountParts,
    private readonly principal: Principal,
  ) {}

  async list(): Promise<User[]> {
    demand(this.principal, "users");
    return this.parts.users.list();
  }

  /** Throws E_FORBIDDEN, E_NAME, E_EXISTS, E_PASSWORD, E_REQUEST, or E_NOT_FOUND for a tenant. */
  async add({ name, role, tenants, password }: NewUser): Promise<User> {
    demand(this.principal, "users");
    checkTenants(role, tenants);
    const passwordHash = password === undefined ? undefined : await this.parts.passwords.hash(password);
    return this.parts.users.add(this.#actor, { name, role, tenants, passwordHash });
  }

  /** Ends the user's sessions, and with `undefined` logging in. */
  async setPassword(name: string, password: string | undefined): Promise<void> {
    demand(this.principal, "users");
    const hash = password === undefined ? undefined : await this.parts.passwords.hash(password);
    await this.parts.users.setPassword(this.#actor, name, hash);
    this.parts.changed();
  }

  /** Whoever is logged in with a password may change it; his sessions end, this one too. Throws E_PASSWORD. */
  async changeOwnPassword(present: string, wanted: string): Promise<void> {
    const { name, via, from } = this.principal;
    if (via !== "session" || isForeign(name))
      throw new FarsiteError("E_FORBIDDEN", "this login has no password at the hub");
    await this.parts.check(name, present, from).catch((error) => {
      if (!(error instanceof FarsiteError) || error.code !== "E_LOGIN") throw error;
      throw new FarsiteError("E_PASSWORD", "this is not the present password");
    });
    await this.parts.users.setPassword(this.#actor, name, await this.parts.passwords.hash(wanted));
    this.parts.changed();
  }

  /** Ends the user's sessions. */
  async setRole(name: string, role: Role, tenants: string[]): Promise<User> {
    demand(this.principal, "users");
    this.#notOneself(name);
    checkTenants(role, tenants);
    const user = await this.parts.users.setRole(this.#actor, name, role, tenants);
    this.parts.changed();
    return user;
  }

  /** Sessions and tokens end. */
  async remove(name: string): Promise<void> {
    demand(this.principal, "users");
    this.#notOneself(name);
    await this.parts.users.remove(this.#actor, name);
    this.parts.changed();
  }

  /** Ends the sessions of a local user or of an `oidc:NAME`; how many there were. Throws E_NOT_FOUND. */
  async logout(name: string): Promise<number> {
    demand(this.principal, "users");
    const ended = await this.parts.sessions.endOf(this.#actor, name);
    this.parts.changed();
    return ended;
  }

  /** Of a user, or of all: whoever may not see users sees his own. */
  async tokens(user?: string): Promise<ApiToken[]> {
    if (has(this.principal, "users")) return this.parts.tokens.list(user);
    this.#own(user ?? this.principal.name);
    return this.parts.tokens.list(this.principal.name);
  }

  /**
   * Makes a token with which a program acts as a local user, held to a scope.
   * @param days until it expires
   */
  async addToken(user: string, name: string, scope: Right[], days: number): Promise<MadeToken> {
    this.#own(user);
    // a token that makes tokens would outlive itself
    if (this.principal.via === "token") throw new FarsiteError("E_FORBIDDEN", "a token cannot make tokens");
    const { tokens, random, wall } = this.parts;
    if ((await tokens.list(user)).length >= MOST_TOKENS)
      throw new FarsiteError("E_LIMIT", `${user} has ${MOST_TOKENS} tokens`, "Remove some.");
    const id = hex(random.bytes(TOKEN_ID_BYTES));
    const secret = makeSecret(random);
    const expires = wall() + days * DAY;
    await tokens.add(this.#actor, { id, hash: hashOf(secret), user, name, scope, expires });
    return { user, name, scope, expires: new Date(expires).toISOString(), token: tokenText(id, secret) };
  }

  async removeToken(user: string, name: string): Promise<void> {
    this.#own(user);
    await this.parts.tokens.remove(this.#actor, user, name);
    this.parts.changed();
  }

  get #actor() {
    return actorOf(this.principal);
  }

  /** What is one's own is allowed, and all of it with the right `users`. */
  #own(user: string): void {
    const { name, via } = this.principal;
    if (via === "session" && user === name) return;
    demand(this.principal, "users");
  }

  /** So that there always is an administrator. */
  #notOneself(name: string): void {
    if (this.principal.via === "socket" || name !== this.principal.name) return;
    throw new FarsiteError("E_FORBIDDEN", "nobody changes the own role or removes himself", "Ask another.");
  }
}
